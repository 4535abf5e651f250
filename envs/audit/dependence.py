"""Dependences between an oracle's calls, found by replaying them: which order matters, and which answer is needed."""

import json
from collections.abc import Iterator

from envs.api.json_paths import leaves
from envs.reward.site_diff import normalised_changes
from envs.scripted_policies import replay
from envs.task import PlannedCall, Task


def needs_answer(task: Task) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, in which call j cannot be written before call i is answered.

    Either call j uses a value that only that answer contains; or call j is the last write and call i, immediately
    before it, reads the record it writes; or call i fails and call j, immediately after it, reacts to that.
    """
    operations = task.api.by_name()
    bodies = [response.body for response in replay(task, task.oracle)[0]]
    last_write = max((i for i, call in enumerate(task.oracle) if operations[call.name].writes), default=-1)
    pairs = []
    for later, second in enumerate(task.oracle):
        used = _strings(second)
        for earlier, first in enumerate(task.oracle[:later]):
            known = task.request + json.dumps(bodies[:earlier])
            answer = {str(value) for _, value in leaves(bodies[earlier])} if bodies[earlier] is not None else set()
            learnt = any(value in answer and value not in known for value in used)
            reads_it = not operations[first.name].writes and bool(used & _strings(first))
            adjacent = later == earlier + 1
            if learnt or (adjacent and ((reads_it and later == last_write) or first.fails)):
                pairs.append((earlier, later))
    return pairs


def _strings(call: PlannedCall) -> set[str]:
    return {value for _, value in leaves(call.arguments) if isinstance(value, str)}


def needs_order(task: Task) -> Iterator[int]:
    """Yield the indices of calls that must precede the next call: swapping the two is a fault.

    It is one if the next call needs this one's answer, or if the two calls in reverse order are refused or lead to a
    different site.
    """
    operations, answers = task.api.by_name(), needs_answer(task)
    for index, (first, second) in enumerate(zip(task.oracle, task.oracle[1:], strict=False)):
        if (first.name, first.arguments) == (second.name, second.arguments):
            continue
        if (index, index + 1) in answers or (operations[first.name].writes and _differ_swapped(task, index)):
            yield index


def _differ_swapped(task: Task, index: int) -> bool:
    """Return whether call `index` and the next one, swapped, are refused or lead to a different site."""
    plan = list(task.oracle)
    plan[index], plan[index + 1] = plan[index + 1], plan[index]
    responses, world = replay(task, plan)
    _, expected = replay(task, task.oracle)
    refused = any(not response.ok and not response.cause for response in responses)
    return refused or normalised_changes(task.world, world) != normalised_changes(task.world, expected)
