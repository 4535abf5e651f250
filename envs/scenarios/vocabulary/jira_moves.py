"""Moving an issue to another status: planned calls, and checks that a transition was read and chosen."""

import random
from collections.abc import Iterator, Mapping, Sequence

from envs import words
from envs.api.world import Record
from envs.reward.checks import Check, FinishedEpisode, read_first
from envs.scenarios.vocabulary.oracle import Form, like_oracle, only, oracle_call
from envs.task import PlannedCall, Task
from envs.trace import Call

MOVE = "doTransition"
_ON_THE_WAY = ("history", "resolution", "resolutiondate", "statuscategorychangedate")


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


def _regardless_of_route(issue: Record, episode: FinishedEpisode) -> Record:
    created = issue["id"] not in episode.task.world.tables["issues"]
    left_out = ("key", "status") if created else _ON_THE_WAY
    return {name: value for name, value in issue.items() if name not in left_out}


MOVED: Mapping[str, Form] = {"issues": _regardless_of_route, "projects": only()}
"""Normal forms for moved issues, without traces of intermediate transitions, and for new ones, without their key."""


def moved_issue(task: Task) -> str:
    """Return the key of the issue that the oracle moves."""
    return str(oracle_call(task, MOVE).arguments["issueIdOrKey"])


def about_moved_issue(call: Call, task: Task) -> bool:
    """Return whether a call is about the issue that the oracle moves."""
    return str(call.arguments.get("issueIdOrKey", "")).upper() == moved_issue(task)


def transitions_read(weight: float) -> Check:
    """Check that the issue's transitions were read before the last move."""
    return read_first("getTransitions", MOVE, weight, about_moved_issue)


def right_transition(weight: float) -> Check:
    """Check the id of the last transition, which counts only if the issue's transitions were read before."""
    plain, was_read = like_oracle(MOVE, "transition.id", weight), transitions_read(0.0)

    def score(episode: FinishedEpisode) -> float:
        return plain.score(episode) * was_read.score(episode)

    sentence = "The model read and chose the transition that leads to the wanted status."
    return Check(plain.name, weight, score, sentence)
