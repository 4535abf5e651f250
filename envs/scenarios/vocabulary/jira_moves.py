"""Moving an issue to another status: the calls, and the checks of reading and choosing a transition."""

from collections.abc import Mapping

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
