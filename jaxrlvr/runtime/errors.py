"""What a command says when the user's input cannot work: one line, exit code 2, no traceback.

UserError                   bad input to a command: raised anywhere, caught in `command`
RunStopped                  a run that cannot go on by itself: one message, exit code 1
EnvError, ModelError        the same, from the parts that know no command
anything else               is a bug and keeps its traceback
"""

import argparse
import os
import sys
from collections.abc import Callable
from typing import NoReturn

import envs
import models


class UserError(ValueError):
    """Input that cannot work; the message names the value, what was expected, and what to do."""


class RunStopped(RuntimeError):
    """A run that cannot go on by itself; the message says why, what to check, and how to go on."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaints are UserErrors."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would have printed in several lines."""
        raise UserError(f"{message}; --help says more")


def command(main: Callable[[list[str]], int | None]) -> None:
    """Run a command's `main` on the process's arguments and exit: 0 well, 1 stopped, 2 bad input, 130 after
    Ctrl-C.
    """
    try:
        sys.exit(main(sys.argv[1:]) or 0)
    except (UserError, models.ModelError, envs.EnvError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:  # the reader left, as `| head` does; the interpreter's last flush must not complain either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except RunStopped as error:
        print(f"stopped: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
