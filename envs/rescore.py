"""Score stored episodes again under today's checks: `python -m envs.rescore episodes.jsonl [...] [--json]`

All of it is in `envs/stored_episodes.py`. Nothing imports this module: `envs.rescore` is the function for one episode.
"""

from envs.cli import run
from envs.stored_episodes import main

if __name__ == "__main__":
    run(main)
