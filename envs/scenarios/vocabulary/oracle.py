"""The oracle is the goal: checks compare calls with the oracle's, and success means reaching its final site."""

import weakref
from collections.abc import Callable, Mapping
from typing import TypeVar

from envs.api.errors import EnvError
from envs.api.operation import Json
from envs.api.simulator import Simulator
from envs.api.world import Record, World
from envs.reward.checks import Check, FinishedEpisode, at, exactly
from envs.reward.provenance import last_index, seen_before
from envs.reward.site_diff import normalised_changes
from envs.task import PlannedCall, Task
from envs.trace import Call, Trace

T = TypeVar("T")
Same = Callable[[Json, Json], float]
"""(value, the oracle's value) -> [0, 1]."""
Grade = Callable[[Call, PlannedCall, FinishedEpisode], float]
"""(call, the oracle's call, the episode) -> [0, 1]."""
Form = Callable[[Record, FinishedEpisode], Record]
"""Normal form of a changed record: (record, the episode that changed it) -> the fields to compare."""


def oracle_call(task: Task, operation: str) -> PlannedCall:
    """Return the oracle's last call of an operation. Raises EnvError if it makes none."""
    for call in reversed(task.oracle):
        if call.name == operation:
            return call
    raise EnvError(f"the oracle of {task.scenario} makes no call of {operation}")


def oracle_value(task: Task, operation: str, path: str) -> Json:
    """Return the value at a dotted path of the oracle's last call of an operation; None if there is none."""
    return at(oracle_call(task, operation).arguments, path)


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
        index = last_index(calls, operation)
        if index < 0:
            return 0.0
        value = at(calls[index].arguments, path)
        return exactly(value, oracle_value(episode.task, operation, path)) * seen_before(calls, index, value)

    return Check(f"argument/{path}", weight, score, f"The {path} of {operation} was read, not guessed, and is right.")


def integer(value: Json, wanted: Json) -> float:
    """1 for the same integer: neither a string nor a bool."""
    return float(type(value) is int and value == wanted)


def any_case(value: Json, wanted: Json) -> float:
    """1 for the same string, in capitals or not."""
    return float(isinstance(value, str) and value.upper() == wanted)


def same_site_as_oracle(
    weight: float,
    sentence: str,
    canonical: Mapping[str, Form] | None = None,
    also: Callable[[FinishedEpisode], float] = lambda episode: True,
) -> Check:
    """Check that the episode ends on the oracle's final site: the outcome, which alone decides success.

    New ids and times never count (`envs.reward.site_diff.normalised_changes`). `canonical` gives normal forms of
    changed records by table; records of other tables count whole.
    `also` is a further condition, for tasks that ask for an answer in words.
    """

    def changed(episode: FinishedEpisode) -> Json:
        def normal_form(table: str, record: Record) -> Record:
            form = (canonical or {}).get(table)
            return form(record, episode) if form else record

        return normalised_changes(episode.task.world, episode.final, normal_form)

    @once_per_task
    def wanted(task: Task) -> Json:
        return changed(FinishedEpisode(task, Trace(), oracle_site(task)))

    def score(episode: FinishedEpisode) -> float:
        return float(changed(episode) == wanted(episode.task) and also(episode))

    return Check("outcome", weight, score, sentence, outcome=True)


def only(*fields: str) -> Form:
    """Compare these fields of a record and no others."""
    return lambda record, _: {name: record.get(name) for name in fields}


def ignoring(*fields: str) -> Form:
    """Compare a record without these fields."""
    return lambda record, _: {name: value for name, value in record.items() if name not in fields}


def once_per_task(compute: Callable[[Task], T]) -> Callable[[Task], T]:
    """Cache a function of a task while the task lives. The result must not refer to the task.

    Tasks are frozen but hold dicts, which cannot be hashed: the key is the object's id.
    """
    results: dict[int, T] = {}

    def cached(task: Task) -> T:
        key = id(task)
        if key not in results:
            results[key] = compute(task)
            weakref.finalize(task, results.pop, key, None).atexit = False
        return results[key]

    return cached


@once_per_task
def oracle_site(task: Task) -> World:
    """Return the site after the oracle's calls, with the task's faults."""
    simulator = Simulator(task.world, task.api.by_name(), task.faults)
    for call in task.oracle:
        simulator.call(call.name, call.arguments)
    return simulator.world
