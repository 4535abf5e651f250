"""Command-line handling of the commands in `envs`: a user error is one line on stderr and exit code 2, no traceback."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from envs.api.errors import EnvError


def program(module: str) -> str:
    """Return the words that started the command of a module, for its usage: `jaxrlvr NAME`, or `python -m MODULE`."""
    return os.environ.get("JAXRLVR_PROGRAM") or f"python -m {module}"


class Parser(argparse.ArgumentParser):
    """Argument parser that raises EnvError instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise EnvError with argparse's message on one line."""
        raise EnvError(f"{message}; see --help")


def run(main: Callable[[Sequence[str]], int]) -> NoReturn:
    """Run a command with the process's arguments and exit with its code."""
    try:
        try:
            code = main(sys.argv[1:])
        finally:
            sys.stdout.flush()  # here rather than at exit, so that a closed pipe is handled below
    except EnvError as error:
        print(f"error: {error}", file=sys.stderr)
        code = 2
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter's flush at exit
        code = 1
    sys.exit(code)
