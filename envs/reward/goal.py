"""The goal of a task, derived from its oracle: how the site must differ, and what had to be read first."""

import re
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from envs.api.json_paths import leaves
from envs.api.operation import Json
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.reward.site_diff import NormalChange, normalised_changes
from envs.task import PlannedCall, Task
from envs.trace import Call, Trace, answered_before

T = TypeVar("T")
_QUOTED = re.compile(r'"([^"]*)"')
_SHORTEST = 5
"""Least length of a value that is recognised inside a text."""


@dataclass(frozen=True)
class NeededRead:
    """A read of the oracle, with the values in its response that a later call or the answer uses."""

    operation: str
    values: frozenset[str]


@dataclass(frozen=True)
class Goal:
    """Consequences of a task's oracle: the changes it makes, and the values it reads before it uses them."""

    contested: World
    """The initial site after the calls of the task's rival, which are nobody's achievement."""
    site: World
    """The site after the oracle's calls."""
    changes: tuple[NormalChange, ...]
    """Differences of `site` from `contested`."""
    reads: tuple[NeededRead, ...]
    learnt: frozenset[str]
    """Values of the oracle's calls that the request does not contain and an earlier response does."""
    read_count: int
    """Number of its reads."""
    probe_count: int
    """Number of its reads that the API refuses, because what they ask for is missing."""
    write_count: int
    """Number of its writes that are accepted."""


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
def goal_of(task: Task) -> Goal:
    """Return the goal of a task, by replaying its oracle with the task's faults."""
    operations = task.api.by_name()
    simulator = Simulator(task.world, operations, task.faults)
    responses = [simulator.call(call.name, call.arguments) for call in task.oracle]
    told = [scalars(response.body) if response.ok else frozenset() for response in responses]
    # By call: the values of its response that were not known before and that are used later.
    used: list[set[str]] = [set() for _ in task.oracle]
    learnt: set[str] = set()
    held = [{str(value) for _, value in leaves(call.arguments)} for call in task.oracle]
    for number, call in enumerate([*task.oracle, _answer_as_call(task)]):
        for value in _unknown(task, call):
            for index, part in _sources(value, told[:number], task.request):
                used[index].add(part)
                # Nothing is learnt from the response to a call that held the value: the first of two alike writes.
                whole = isinstance(value, str) or part == str(value)
                if whole and not any(part in each for each in held[: index + 1]):
                    learnt.add(part)
    reads = [index for index, call in enumerate(task.oracle) if not operations[call.name].writes]
    contested = _after_rival(task)
    return Goal(
        contested,
        simulator.world,
        normalised_changes(contested, simulator.world, task.api.normal_forms),
        tuple(NeededRead(task.oracle[index].name, frozenset(used[index])) for index in reads if used[index]),
        frozenset(learnt),
        len(reads),
        sum(not responses[index].ok and not responses[index].cause for index in reads),
        sum(response.ok for response in responses) - sum(responses[index].ok for index in reads),
    )


def _after_rival(task: Task) -> World:
    """Return the initial site after the calls of the task's rival, if it has one."""
    rival = task.faults.rival if task.faults else None
    if rival is None:
        return task.world
    simulator = Simulator(task.world, task.api.by_name())
    simulator.world.me = rival.account
    for name, arguments in rival.calls:
        simulator.call(name, arguments)
    return simulator.world


def changes_made(goal: Goal, task: Task, trace: Trace, final: World) -> tuple[NormalChange, ...]:
    """Return how the final site of an episode differs from the one that the model found."""
    rival = task.faults.rival if task.faults else None
    met = rival and any(call.name == rival.operation and call.error in ("", "conflict") for call in trace)
    return normalised_changes(goal.contested if met else task.world, final, task.api.normal_forms)


def _answer_as_call(task: Task) -> PlannedCall:
    """Return the oracle's answer as a last call, with what it states in quotes as arguments."""
    return PlannedCall("", {str(number): value for number, value in enumerate(_QUOTED.findall(task.answer))})


def _unknown(task: Task, call: PlannedCall) -> list[Json]:
    """Return the values of a call that are neither in the request nor among those that the schema enumerates."""
    operation = task.api.by_name().get(call.name)
    # A description may have values in quotes, as an example of a document has.
    texts = scalars(operation.schema()) if operation else frozenset()
    values = [value for _, value in leaves(call.arguments) if not isinstance(value, bool | None)]
    return [
        value
        for value in values
        if not contains(task.request, str(value))
        and value not in texts
        and not any(f'"{value}"' in text for text in texts)
    ]


def contains(text: str, value: str) -> bool:
    """Return whether a text contains a value as whole words, in any case; what a hyphen joins is one word."""
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-])", text, re.IGNORECASE) is not None


def _sources(value: Json, told: list[frozenset[str]], request: str) -> list[tuple[int, str]]:
    """Return where a value comes from: the first response with it, and the value as it is there.

    A text may also contain values of several responses, as a page's text an issue's summary and an address a page's id.
    A number may be the successor of one in a response, as a page's next version; that counts from the latest response.
    """
    for index, values in enumerate(told):
        if str(value) in values:
            return [(index, str(value))]
    if isinstance(value, str):
        parts: dict[str, int] = {}
        for index, values in enumerate(told):
            for part in values:
                if len(part) >= _SHORTEST and contains(value, part) and not contains(request, part):
                    parts.setdefault(part, index)
        return [
            (index, part)
            for part, index in parts.items()
            if not any(part != other and part in other for other in parts)
        ]
    if isinstance(value, int):
        for index in reversed(range(len(told))):
            if str(value - 1) in told[index]:
                return [(index, str(value - 1))]
    return []


def scalars(body: Json) -> frozenset[str]:
    """Return the values inside a response, as text."""
    if isinstance(body, Mapping):
        return frozenset().union(*map(scalars, body.values()))
    if isinstance(body, list):
        return frozenset().union(*map(scalars, body))
    return frozenset() if body is None else frozenset((str(body),))


def shares_read(goal: Goal, trace: Trace) -> list[tuple[NeededRead, float]]:
    """Return, for each needed read, the share of its values that a response to the model contained."""
    seen = seen_values(trace)
    return [(read, len(read.values & seen) / len(read.values)) for read in goal.reads]


def seen_values(calls: Iterable[Call]) -> frozenset[str]:
    """Return the values in the responses to successful calls."""
    return frozenset().union(*(scalars(call.body) for call in calls if call.ok))


def guessed(goal: Goal, trace: Trace) -> bool:
    """Return whether an accepted call used a value that had to be read before any response contained it."""
    pending = set(goal.learnt)
    for index, call in enumerate(trace.calls):
        if not pending:
            break
        if call.ok:
            texts = [str(value) for _, value in leaves(call.arguments)]
            used = {value for value in pending if any(_uses(text, value) for text in texts)}
            if used - seen_values(answered_before(trace.calls, index)):
                return True
            pending -= used
    return False


def _uses(text: str, value: str) -> bool:
    """Return whether an argument is a value or, as a query or an address, contains it."""
    return text == value or (len(value) >= _SHORTEST and contains(text, value))
