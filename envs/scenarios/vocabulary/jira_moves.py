"""Moving an issue to another status: the calls, and the checks of reading and choosing a transition."""

from collections.abc import Mapping

from envs.api.world import Record
from envs.reward.checks import Check, FinishedEpisode, at, exactly, read_first
from envs.scenarios.vocabulary.oracle import Form, only, oracle_call, oracle_value
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
    was_read = transitions_read(0.0)

    def score(episode: FinishedEpisode) -> float:
        call, wanted = episode.last(MOVE), oracle_value(episode.task, MOVE, "transition.id")
        return exactly(at(call.arguments, "transition.id"), wanted) * was_read.score(episode) if call else 0.0

    sentence = "The transition that leads to the wanted status was read and chosen."
    return Check("argument/transition.id", weight, score, sentence)
