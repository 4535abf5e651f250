"""Checks of writes: the last call of an operation is compared with the oracle's."""

from collections.abc import Callable

from envs.api.operation import Json
from envs.reward.checks import Check, FinishedEpisode, at, exactly
from envs.reward.provenance import last_place, seen_before
from envs.scenarios.vocabulary.oracle import oracle_call, oracle_value
from envs.task import PlannedCall
from envs.trace import Call

Same = Callable[[Json, Json], float]
"""(value, the oracle's value) -> [0, 1]."""
Grade = Callable[[Call, PlannedCall, FinishedEpisode], float]
"""(call, the oracle's call, the episode) -> [0, 1]."""


def graded_call(operation: str, name: str, weight: float, grade: Grade, sentence: str) -> Check:
    """Grade the last call of an operation against the oracle's last; 0 without a call."""

    def score(episode: FinishedEpisode) -> float:
        call = episode.last(operation)
        return float(grade(call, oracle_call(episode.task, operation), episode)) if call else 0.0

    return Check(f"argument/{name}", weight, score, sentence)


def like_oracle(operation: str, path: str, weight: float, same: Same = exactly) -> Check:
    """Check that a call has the oracle's value at a dotted path; `same` grades near misses."""

    def grade(call: Call, planned: PlannedCall, episode: FinishedEpisode) -> float:
        return same(at(call.arguments, path), at(planned.arguments, path))

    return graded_call(operation, path, weight, grade, f"{operation} was called with the right {path}.")


def read_like_oracle(operation: str, path: str, weight: float) -> Check:
    """Check that a call has the oracle's value at a dotted path and that an earlier response contained it."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        place = last_place(calls, operation)
        if place < 0:
            return 0.0
        value = at(calls[place].arguments, path)
        return exactly(value, oracle_value(episode.task, operation, path)) * seen_before(calls, place, value)

    return Check(f"argument/{path}", weight, score, f"The {path} of {operation} was read, not guessed, and is right.")


def integer(value: Json, wanted: Json) -> float:
    """1 for the same integer: neither a string nor a bool."""
    return float(type(value) is int and value == wanted)


def any_case(value: Json, wanted: Json) -> float:
    """1 for the same string, in capitals or not."""
    return float(isinstance(value, str) and value.upper() == wanted)
