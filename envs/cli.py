"""What the commands of `envs` share: a user's mistake is one line on stderr and exit code 2, never a traceback."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from envs.api.errors import EnvError


class Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise EnvError with what is wrong."""
        raise EnvError(f"{message}; {self.prog} --help tells more")


def run(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run a command on the process's arguments, and exit with its code."""
    try:
        code = main(sys.argv[1:])
    except EnvError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except BrokenPipeError:  # whoever reads has read enough
        sys.stderr.close()
        code = 1
    sys.exit(code)
