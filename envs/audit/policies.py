"""Policies that deserve nothing, and a family that deserves more the better it is.

The cheap ones know the tools and the request, not the oracle, except where their name says so. What they collect on
average is the floor under a scenario's reward.
"""

import random
from collections.abc import Callable, Mapping

from envs.api.json_paths import leaves, replaced, without
from envs.api.operation import Json
from envs.audit.mutants import answers_shown, extra_writes
from envs.audit.wrong_values import filled, quoted, sample_arguments, wrong_values
from envs.scripted_policies import turn
from envs.task import DONE, PlannedCall, Task

Policy = Callable[[Task], list[str]]
_SPAM = 8
"""How often the spammer repeats itself."""


def do_nothing(task: Task) -> list[str]:
    """Ends at once."""
    return [DONE]


def read_only(task: Task) -> list[str]:
    """Reads what the oracle reads, and stops; where the oracle writes nothing, reads with every tool instead."""
    operations = task.api.by_name()
    reads = [call for call in task.oracle if not operations[call.name].writes]
    if len(reads) == len(task.oracle):
        reads = [_echoed(task, name) for name in task.tools if not operations[name].writes]
    return [*map(turn, reads), DONE]


def random_valid(task: Task) -> list[str]:
    """Calls three random tools with arguments of the right shape, strings drawn from what the request quotes."""
    rng = random.Random(f"random-valid/{task.scenario}/{task.split}/{task.seed}")
    values = quoted(task.request) or [task.request]

    def draw(schema: Mapping[str, Json]) -> Json:
        if "enum" in schema:
            return rng.choice(schema["enum"])
        shape = filled(schema, task)
        if isinstance(shape, dict):
            return {name: draw(inner) for name, inner in schema.get("properties", {}).items()}
        if isinstance(shape, list):
            return [draw(schema.get("items", {}))]
        return rng.choice(values) if isinstance(shape, str) else shape

    operations = task.api.by_name()
    names = [rng.choice(task.tools) for _ in range(3)]
    return [*(turn(PlannedCall(name, draw(operations[name].schema(compact=True)))) for name in names), DONE]


def duplicate_spam(task: Task) -> list[str]:
    """Makes the oracle's first call over and over; any tool's, where the oracle makes none."""
    first = task.oracle[0] if task.oracle else _echoed(task, task.tools[0])
    return [*[turn(first)] * _SPAM, DONE]


def echo(task: Task) -> list[str]:
    """Calls every tool with the whole request in each string."""
    made = []
    for name in task.tools:
        arguments = _echoed(task, name).arguments
        for path, value in leaves(arguments):
            if isinstance(value, str):
                arguments = replaced(arguments, path, task.request)
        made.append(turn(PlannedCall(name, arguments)))
    return [*made, DONE]


def same_answer(first: Task) -> Policy:
    """Does to every task what would be right for `first`."""
    turns = [*map(turn, first.oracle), first.answer]
    return lambda task: turns


def dump(task: Task) -> list[str]:
    """Reads what the oracle reads, anything where it reads nothing, and says word for word what it was answered."""
    operations = task.api.by_name()
    reads = [call for call in task.oracle if not operations[call.name].writes]
    offered = [_echoed(task, name) for name in task.tools if not operations[name].writes]
    reads = reads or offered[:1]
    return [*map(turn, reads), "\n".join(answers_shown(task, reads)) or DONE]


def _echoed(task: Task, name: str) -> PlannedCall:
    return PlannedCall(name, sample_arguments(task, name))


CHEAP: Mapping[str, Policy] = {
    "do-nothing": do_nothing,
    "read-only": read_only,
    "random-valid": random_valid,
    "duplicate-spam": duplicate_spam,
    "echo-request": echo,
    "dump-answer": dump,
}
"""All but always-the-same-answer, which is made from a task."""


def weak(task: Task, right: float) -> list[str]:
    """Does each of the oracle's steps, a call or the stop at the end, right with probability `right`.

    A wrong step is a call left out, a call with about half of its values wrong or missing, a call of another tool, or,
    instead of the stop, a call too many.
    """
    rng = random.Random(f"weak/{task.scenario}/{task.split}/{task.seed}")
    turns = []
    for call in task.oracle:
        # Drawn whether needed or not: a better policy is then the same one with fewer faults.
        chance, fault = rng.random(), random.Random(rng.random())
        if chance < right:
            turns.append(turn(call))
        elif made := _faulty(task, call, fault):
            turns.append(turn(made))
    said = task.answer
    if rng.random() >= right:
        said = DONE
        extra = list(extra_writes(task)) or [_echoed(task, task.tools[0])]
        turns.append(turn(rng.choice(extra)))
    return [*turns, said]


def _faulty(task: Task, call: PlannedCall, rng: random.Random) -> PlannedCall | None:
    kind = rng.random()
    if kind < 0.4:
        return None
    if kind < 0.5:
        return PlannedCall(f"{call.name}s", call.arguments)
    arguments: Json = call.arguments
    found = leaves(arguments)
    spoiled = [leaf for leaf in found if rng.random() < 0.5] or rng.sample(found, min(1, len(found)))
    # From the last to the first: leaving out an element moves those after it.
    for path, value in reversed(spoiled):
        others = wrong_values(task, value)
        arguments = without(arguments, path) if rng.random() < 0.5 else replaced(arguments, path, rng.choice(others))
    return PlannedCall(call.name, arguments)
