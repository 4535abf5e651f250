"""Checks as data: named, weighted predicates on a finished episode, and functions that make the common ones."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from envs.api.operation import Json
from envs.api.world import World
from envs.reward.site_diff import Change, changes
from envs.task import Task
from envs.trace import Call, Trace, answered_before


@dataclass(frozen=True)
class FinishedEpisode:
    """All that a reward may depend on."""

    task: Task
    trace: Trace
    final: World

    def last(self, operation: str) -> Call | None:
        """The last call of an operation, refused or not."""
        calls = self.trace.of(operation)
        return calls[-1] if calls else None


@dataclass(frozen=True)
class Check:
    """A weighted predicate."""

    name: str
    weight: float
    score: Callable[[FinishedEpisode], float]
    """Gives [0, 1]."""
    sentence: str
    """What a full score means, for people."""
    outcome: bool = False
    """Whether this check alone decides success."""


def at(value: Json, path: str) -> Json:
    """The value at a dotted path, or None."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def argument(
    operation: str, path: str, goal: str, weight: float, same: Callable[[Json, Json], float] | None = None
) -> Check:
    """Whether the last call of `operation` had the goal's value at `path`; `same` grades near misses."""

    def score(episode: FinishedEpisode) -> float:
        call = episode.last(operation)
        return (same or exactly)(at(call.arguments, path), episode.task.goal[goal]) if call else 0.0

    return Check(f"argument/{path}", weight, score, f"{operation} was called with the right {path}.")


def exactly(value: Json, wanted: Json) -> float:
    """1 for equal values; ids may be numbers or strings, as real clients send both."""
    if isinstance(value, bool):
        return 0.0
    return float(value == wanted or (isinstance(value, int) and str(value) == wanted))


def overlap(value: Json, wanted: Json) -> float:
    """How much two lists share, order aside: intersection over union."""
    if not isinstance(value, list):
        return 0.0
    mine, theirs = {json.dumps(item, sort_keys=True) for item in value}, {json.dumps(item) for item in wanted}
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 1.0


def read_first(read: str, write: str, weight: float, right: Callable[[Call, Task], float]) -> Check:
    """How well, by `right`, the best `read` that was answered before the last `write` fits: nothing is guessed."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        last = max((place for place, call in enumerate(calls) if call.name == write), default=-1)
        earlier = [call for call in answered_before(calls, last) if call.name == read and call.ok]
        return max((float(right(call, episode.task)) for call in earlier), default=0.0)

    return Check(f"procedure/{read}", weight, score, f"{read} was called, and answered, before {write}.")


def stopped_after(write: str, weight: float) -> Check:
    """Whether the model ended the episode by itself, right after a `write` that the API accepted."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        return float(episode.trace.stopped and bool(calls) and calls[-1].name == write and calls[-1].ok)

    return Check("procedure/stop", weight, score, f"The model stopped after {write} was accepted.")


def outcome(weight: float, holds: Callable[[Task, list[Change]], bool], sentence: str) -> Check:
    """Whether the final site is the goal's and nothing else has changed."""
    return Check(
        "outcome", weight, lambda a: float(holds(a.task, changes(a.task.world, a.final))), sentence, outcome=True
    )
