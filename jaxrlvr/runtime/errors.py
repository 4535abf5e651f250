"""Errors that end a command with one line and an exit code, without a traceback.

UserError                   the user's input is invalid: raised anywhere, caught in `command`; exit code 2
RunStopped                  a run cannot continue without the user; exit code 1
EnvError, ModelError        invalid input, raised by `envs` and `models`; exit code 2
any other exception         a bug: its traceback is printed
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import envs
import models


class UserError(ValueError):
    """Invalid input; the message names the value, what was expected, and what to do."""


class RunStopped(RuntimeError):
    """A run that cannot continue by itself; the message gives the reason, what to check, and how to resume."""


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UserError instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise UserError with argparse's message on one line."""
        raise UserError(f"{message}; see --help")


def command(main: Callable[[list[str]], int | None]) -> None:
    """Run a command's `main` on the process's arguments and exit: 0 done, 1 stopped, 2 invalid input, 130 after
    Ctrl-C.
    """
    try:
        try:
            code = main(sys.argv[1:]) or 0
        finally:
            sys.stdout.flush()  # here rather than at exit, so that a closed pipe is handled below
        sys.exit(code)
    except (UserError, models.ModelError, envs.EnvError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader closed the pipe, as `| head` does; redirect the interpreter's last flush too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except RunStopped as error:
        print(f"stopped: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
