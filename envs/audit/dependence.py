"""What an oracle's calls need of each other, found out by making them: which order is a fault, and which turn."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from envs.api.json_paths import leaves
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.reward.site_diff import normalised_changes
from envs.task import PlannedCall, Task


def needs_answer(task: Task) -> list[tuple[int, int]]:
    """(i, j), i < j: call j cannot be written before call i is answered.

    It uses a value that only that answer tells; or it is the last write and call i, right before it, reads what it
    writes to; or call i fails, and call j, the next one, is made because of that.
    """
    operations = task.api.by_name()
    bodies = [response.body for response in replay(task, task.oracle)[0]]
    last_write = max((p for p, call in enumerate(task.oracle) if operations[call.name].writes), default=-1)
    found = []
    for later, second in enumerate(task.oracle):
        used = _strings(second)
        for earlier, first in enumerate(task.oracle[:later]):
            known = task.request + json.dumps(bodies[:earlier])
            told = {str(value) for _, value in leaves(bodies[earlier])} if bodies[earlier] is not None else set()
            learnt = any(value in told and value not in known for value in used)
            reads_it = not operations[first.name].writes and bool(used & _strings(first))
            next_one = later == earlier + 1
            if learnt or (next_one and ((reads_it and later == last_write) or first.fails)):
                found.append((earlier, later))
    return found


def _strings(call: PlannedCall) -> set[str]:
    return {value for _, value in leaves(call.arguments) if isinstance(value, str)}


def needs_order(task: Task) -> Iterator[int]:
    """Places of calls whose successor needs them, so that making it first is a fault.

    It does if it cannot be written before they are answered, or if the two in the other order are refused or leave
    another site behind.
    """
    operations, answers = task.api.by_name(), needs_answer(task)
    for place, (first, second) in enumerate(zip(task.oracle, task.oracle[1:], strict=False)):
        if (first.name, first.arguments) == (second.name, second.arguments):
            continue
        if (place, place + 1) in answers or (operations[first.name].writes and _differ_swapped(task, place)):
            yield place


def _differ_swapped(task: Task, place: int) -> bool:
    plan = list(task.oracle)
    plan[place], plan[place + 1] = plan[place + 1], plan[place]
    responses, world = replay(task, plan)
    _, wanted = replay(task, task.oracle)
    refused = any(not response.ok and not response.cause for response in responses)
    return refused or normalised_changes(task.world, world) != normalised_changes(task.world, wanted)


def replay(task: Task, plan: Sequence[PlannedCall]) -> tuple[list[Any], World]:
    """The answers to a plan's calls, and the site after them."""
    simulator = Simulator(task.world, task.api.by_name(), task.faults)
    return [simulator.call(call.name, call.arguments) for call in plan], simulator.world
