"""Count and print the requests of harder tasks.

Skeletons are wordings without slots, greetings, politeness and the order of clauses.

    python -m envs.requests [--samples N] [--difficulty D] [--seeds N] [SCENARIO ...]

Per scenario: the number of skeletons in training and in held-out requests, and the share of held-out requests with a
wording that no training request has.
"""

import random
from collections.abc import Sequence

from envs.api.errors import EnvError
from envs.cli import Parser, program, run
from envs.requests.grammar import skeleton
from envs.requests.registry import TALKS
from envs.task import TaskDraft
from envs.words import Split

LEVELS = range(2, 6)
"""The difficulties at which people talk."""


def drafts(scenario: str, split: Split, count: int, levels: Sequence[int] = LEVELS) -> list[TaskDraft]:
    """Draw drafts of a scenario, cycling through the difficulties."""
    return [
        TALKS[scenario](random.Random(f"{scenario}/{split}/{seed}"), split, levels[seed % len(levels)])
        for seed in range(count)
    ]


def counts(scenario: str, seeds: int) -> tuple[int, int, float]:
    """Return the number of skeletons in training and in held-out requests, and the share of new ones among the latter.

    A held-out request is new if it has a wording that four times as many training requests do not have.
    """
    train, heldout = drafts(scenario, "train", 4 * seeds), drafts(scenario, "heldout", seeds)
    known = {part for draft in train for part in skeleton(draft.wordings)}
    new = [draft for draft in heldout if not set(skeleton(draft.wordings)) <= known]
    of_train, of_heldout = (len({skeleton(draft.wordings) for draft in each[:seeds]}) for each in (train, heldout))
    return of_train, of_heldout, len(new) / len(heldout)


def main(arguments: Sequence[str]) -> int:
    """Print counts, or samples. Raises EnvError for an unknown scenario."""
    parser = Parser(prog=program("envs.requests"), description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samples", type=int, default=0, metavar="N", help="print N requests of each split instead")
    parser.add_argument("--difficulty", type=int, choices=LEVELS, help="of the samples (default: all)")
    parser.add_argument("--seeds", type=int, default=1000, metavar="N", help="requests of each split to count")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="default: all")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.scenarios if name not in TALKS]:
        raise EnvError(f"unknown scenario {unknown[0]!r}; there are {', '.join(TALKS)}")
    levels = [options.difficulty] if options.difficulty else LEVELS
    for name in options.scenarios or TALKS:
        if options.samples:
            for split in ("train", "heldout"):
                for draft in drafts(name, split, options.samples, levels):
                    print(f"--- {name}, {split}\n{draft.request}")
        else:
            train, heldout, share = counts(name, options.seeds)
            print(f"{name}: {train} skeletons in train, {heldout} held out; {share:.0%} with a wording of their own")
    return 0


if __name__ == "__main__":
    run(main)
