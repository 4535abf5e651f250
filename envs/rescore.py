"""Score stored episodes again with today's checks.

    python -m envs.rescore FILE [...] [--across-rules] [--json]

This module is only the command; the code is in `envs/stored_episodes.py`. Do not import it: as an attribute of `envs`
it would replace the function `envs.rescore`.
"""

from envs.cli import run
from envs.stored_episodes import main

if __name__ == "__main__":
    run(main)
