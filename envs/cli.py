"""Command-line handling of the commands in `envs`: a user error is one line on stderr and exit code 2, no traceback."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from envs.api.errors import EnvError


class Parser(argparse.ArgumentParser):
    """Argument parser that raises EnvError instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise EnvError with argparse's message."""
        raise EnvError(f"{message}; see {self.prog} --help")


def run(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run a command with the process's arguments and exit with its code."""
    try:
        code = main(sys.argv[1:])
    except EnvError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        sys.stderr.close()
        code = 1
    sys.exit(code)
