"""What a command says when the user's input cannot work: one line, exit code 2, no traceback.

UserError            bad input to a command: raised anywhere, caught in `command`
envs / models errors are ValueErrors of their own kind and are treated alike
anything else        is a bug and keeps its traceback
"""

import sys
from collections.abc import Callable

import envs
import models


class UserError(ValueError):
    """Input that cannot work; the message names the value, what was expected, and what to do."""


def command(main: Callable[[list[str]], int | None]) -> None:
    """Run a command's `main` on the process's arguments and exit: 0 well, 2 bad input, 130 after Ctrl-C."""
    try:
        sys.exit(main(sys.argv[1:]) or 0)
    except (UserError, models.ModelError, envs.EnvError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
