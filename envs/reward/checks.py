"""Checks as data: named, weighted predicates on a finished episode, with constructors for the common ones."""

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
    """Everything that a reward may depend on."""

    task: Task
    trace: Trace
    final: World

    def last(self, operation: str) -> Call | None:
        """Return the last call of an operation, refused or not; None if there is none."""
        calls = self.trace.of(operation)
        return calls[-1] if calls else None


@dataclass(frozen=True)
class Check:
    """A named, weighted predicate on a finished episode."""

    name: str
    weight: float
    score: Callable[[FinishedEpisode], float]
    """Returns a score in [0, 1]."""
    sentence: str
    """The meaning of score 1, for people."""
    outcome: bool = False
    """Whether this check decides success; a scenario has exactly one such check."""


def at(value: Json, path: str) -> Json:
    """Return the value at a dotted path of object keys, or None."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def argument(
    operation: str, path: str, goal: str, weight: float, same: Callable[[Json, Json], float] | None = None
) -> Check:
    """Check that the last call of `operation` has the goal's value at `path`.

    `same`(value, goal's value) returns the score; by default it is `exactly`.
    """

    def score(episode: FinishedEpisode) -> float:
        call = episode.last(operation)
        return (same or exactly)(at(call.arguments, path), episode.task.goal[goal]) if call else 0.0

    return Check(f"argument/{path}", weight, score, f"{operation} was called with the right {path}.")


def exactly(value: Json, expected: Json) -> float:
    """Return 1 for equal values, otherwise 0. An id may be a number or a string, since real clients send both."""
    if isinstance(value, bool):
        return 0.0
    return float(value == expected or (isinstance(value, int) and str(value) == expected))


def overlap(value: Json, expected: Json) -> float:
    """Return the intersection over union of two lists regarded as sets; 0 if `value` is not a list."""
    if not isinstance(value, list):
        return 0.0
    given = {json.dumps(item, sort_keys=True) for item in value}
    goal = {json.dumps(item) for item in expected}
    return len(given & goal) / len(given | goal) if given | goal else 1.0


def read_first(read: str, write: str, weight: float, right: Callable[[Call, Task], float]) -> Check:
    """Check that a fitting `read` was answered before the last `write`, so that the write is not a guess.

    The score is the highest `right`(call, task) of those reads, or 0.
    """

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        last = max((index for index, call in enumerate(calls) if call.name == write), default=-1)
        earlier = [call for call in answered_before(calls, last) if call.name == read and call.ok]
        return max((float(right(call, episode.task)) for call in earlier), default=0.0)

    return Check(f"procedure/{read}", weight, score, f"{read} was called, and answered, before {write}.")


def stopped_after(write: str, weight: float) -> Check:
    """Check that the model ended the episode itself, directly after a `write` that the API accepted."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        return float(episode.trace.stopped and bool(calls) and calls[-1].name == write and calls[-1].ok)

    return Check("procedure/stop", weight, score, f"The model stopped after {write} was accepted.")


def outcome(weight: float, holds: Callable[[Task, list[Change]], bool], sentence: str) -> Check:
    """Check the changed records: `holds`(task, changes) says whether the goal was reached and nothing else changed."""

    def score(episode: FinishedEpisode) -> float:
        return float(holds(episode.task, changes(episode.task.world, episode.final)))

    return Check("outcome", weight, score, sentence, outcome=True)
