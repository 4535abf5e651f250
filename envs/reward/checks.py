"""Checks as data: named, weighted predicates on an episode. What every scenario subtracts is in `envs.reward.penalties`.

reward  = sum of weight x score over the scenario's checks, minus penalties, within [0, 1]
success = the outcome alone: the site is as the goal says, and nothing else on it has changed

By the trace alone, as in arXiv 2607.01465, the outcome's weight is shared out among the other checks; success stays.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from envs.api.operation import Json
from envs.api.world import Record, World
from envs.reward.penalties import PenaltyResult, penalties
from envs.task import Task
from envs.trace import Call, Trace, answered_before


@dataclass(frozen=True)
class Attempt:
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
    score: Callable[[Attempt], float]
    """Gives [0, 1]."""
    sentence: str
    """What a full score means, for people."""
    outcome: bool = False
    """Whether this check alone decides success."""


@dataclass(frozen=True)
class CheckResult:
    """A check's part of a verdict."""

    name: str
    weight: float
    score: float
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """What an episode is worth, and why."""

    reward: float
    success: bool
    checks: tuple[CheckResult, ...]
    penalties: tuple[PenaltyResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class Change:
    """A record that an episode created, replaced or deleted."""

    table: str
    before: Record | None
    after: Record | None


def judge(attempt: Attempt, checks: Sequence[Check], trace_only: bool = False) -> Verdict:
    """The verdict: a pure function of task, trace and final world.

    With `trace_only` the reward does not depend on the final world. A task that asks for no write is judged by its
    trace in any case.
    """
    trace_only = trace_only and attempt.task.any_writes(attempt.task.oracle)
    scored = [(check, float(check.score(attempt))) for check in checks]
    success = all(score == 1.0 for check, score in scored if check.outcome)
    counted = [(check, score) for check, score in scored if not (trace_only and check.outcome)]
    whole = sum(check.weight for check, _ in counted) if trace_only else 1.0
    results = tuple(CheckResult(check.name, check.weight / whole, score, check.sentence) for check, score in counted)
    lost = penalties(attempt.task, attempt.trace, success or trace_only)
    reward = sum(result.weight * result.score for result in results) - sum(penalty.cost for penalty in lost)
    return Verdict(min(1.0, max(0.0, round(reward, 9))), success, results, lost)


def changes(before: World, after: World) -> list[Change]:
    """Every record in which two worlds differ."""
    found = []
    for table in {**before.tables, **after.tables}:
        old, new = before.tables.get(table, {}), after.tables.get(table, {})
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                found.append(Change(table, old.get(key), new.get(key)))
    return found


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

    def score(attempt: Attempt) -> float:
        call = attempt.last(operation)
        return (same or exactly)(at(call.arguments, path), attempt.task.goal[goal]) if call else 0.0

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

    def score(attempt: Attempt) -> float:
        calls = attempt.trace.calls
        last = max((place for place, call in enumerate(calls) if call.name == write), default=-1)
        earlier = [call for call in answered_before(calls, last) if call.name == read and call.ok]
        return max((float(right(call, attempt.task)) for call in earlier), default=0.0)

    return Check(f"procedure/{read}", weight, score, f"{read} was called, and answered, before {write}.")


def stopped_after(write: str, weight: float) -> Check:
    """Whether the model ended the episode by itself, right after a `write` that the API accepted."""

    def score(attempt: Attempt) -> float:
        calls = attempt.trace.calls
        return float(attempt.trace.stopped and bool(calls) and calls[-1].name == write and calls[-1].ok)

    return Check("procedure/stop", weight, score, f"The model stopped after {write} was accepted.")


def outcome(weight: float, holds: Callable[[Task, list[Change]], bool], sentence: str) -> Check:
    """Whether the final site is the goal's and nothing else has changed."""
    return Check(
        "outcome", weight, lambda a: float(holds(a.task, changes(a.task.world, a.final))), sentence, outcome=True
    )
