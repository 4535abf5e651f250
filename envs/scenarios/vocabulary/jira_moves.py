"""Moving an issue to another status: planned calls, and workflows to draw."""

import random
from collections.abc import Iterator, Sequence

from envs import words
from envs.api.world import Record
from envs.scenarios.vocabulary.oracle import oracle_call
from envs.task import PlannedCall, Task

MOVE = "doTransition"


def planned_read(issue: str) -> PlannedCall:
    """Plan a read of an issue's transitions."""
    return PlannedCall("getTransitions", {"issueIdOrKey": issue})


def planned_move(issue: str, transition: str, note: str = "", fails: bool = False) -> PlannedCall:
    """Plan a transition of an issue."""
    return PlannedCall(MOVE, {"issueIdOrKey": issue, "transition": {"id": transition}}, note, fails)


def workflow_steps(
    rng: random.Random, split: words.Split, fresh: Iterator[str], leads: Sequence[tuple[list[int], int]]
) -> list[Record]:
    """Draw ids and names for transitions (from, to), with statuses by index as `add_project` takes them."""
    ids = rng.sample(range(11, 100), len(leads))
    names = [words.phrase(rng, split, 1, 2, fresh) for _ in leads]
    steps = zip(ids, names, leads, strict=True)
    return [{"id": str(step_id), "name": name, "from": source, "to": to} for step_id, name, (source, to) in steps]


def moved_issue(task: Task) -> str:
    """Return the key of the issue that the oracle moves."""
    return str(oracle_call(task, MOVE).arguments["issueIdOrKey"])
