"""Moving an issue to another status: the calls, and the checks of reading and choosing a transition."""

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


def reads(issue: str) -> PlannedCall:
    """Read the transitions of an issue."""
    return PlannedCall("getTransitions", {"issueIdOrKey": issue})


def moves(issue: str, transition: str, note: str = "", fails: bool = False) -> PlannedCall:
    """Make a transition."""
    return PlannedCall(MOVE, {"issueIdOrKey": issue, "transition": {"id": transition}}, note, fails)


def workflow_steps(
    rng: random.Random, split: words.Split, fresh: Iterator[str], leads: Sequence[tuple[list[int], int]]
) -> list[Record]:
    """Draw ids and names for transitions (from, to), with statuses by index as `add_project` takes them."""
    ids = rng.sample(range(11, 100), len(leads))
    names = [words.phrase(rng, split, 1, 2, fresh) for _ in leads]
    steps = zip(ids, names, leads, strict=True)
    return [{"id": str(made), "name": name, "from": source, "to": to} for made, name, (source, to) in steps]


def _wherever_it_was(issue: Record, episode: FinishedEpisode) -> Record:
    created = issue["id"] not in episode.task.world.tables["issues"]
    left_out = ("key", "status") if created else _ON_THE_WAY
    return {name: value for name, value in issue.items() if name not in left_out}


MOVED: Mapping[str, Form] = {"issues": _wherever_it_was, "projects": only()}
"""What counts of a moved issue: not what transitions on the way left behind. A new issue counts but for its number."""


def the_issue(task: Task) -> str:
    """Return the key of the issue that the oracle moves."""
    return str(oracle_call(task, MOVE).arguments["issueIdOrKey"])


def about_it(call: Call, task: Task) -> bool:
    """Return whether a call is about the issue that the oracle moves."""
    return str(call.arguments.get("issueIdOrKey", "")).upper() == the_issue(task)


def transitions_read(weight: float) -> Check:
    """Check that the issue's transitions were read before the last move."""
    return read_first("getTransitions", MOVE, weight, about_it)


def right_transition(weight: float) -> Check:
    """Check the id of the last transition, which counts only if the issue's transitions were read before."""
    plain, was_read = like_oracle(MOVE, "transition.id", weight), transitions_read(0.0)

    def score(episode: FinishedEpisode) -> float:
        return plain.score(episode) * was_read.score(episode)

    sentence = "The transition that leads to the wanted status was read and chosen."
    return Check(plain.name, weight, score, sentence)
