"""The oracle of a task: its calls are the goal, and the site it leaves is success."""

import weakref
from collections.abc import Callable
from typing import TypeVar

from envs.api.errors import EnvError
from envs.api.operation import Json
from envs.api.simulator import Simulator
from envs.api.world import World
from envs.reward.checks import at
from envs.task import PlannedCall, Task

T = TypeVar("T")


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
    """Return the site after the oracle's calls, which meet the task's faults."""
    simulator = Simulator(task.world, task.api.by_name(), task.faults)
    for call in task.oracle:
        simulator.call(call.name, call.arguments)
    return simulator.world


def oracle_call(task: Task, operation: str) -> PlannedCall:
    """Return the oracle's last call of an operation. Raises EnvError if it makes none."""
    for call in reversed(task.oracle):
        if call.name == operation:
            return call
    raise EnvError(f"the oracle of {task.scenario} makes no call of {operation}")


def oracle_value(task: Task, operation: str, path: str) -> Json:
    """Return the value at a dotted path of the oracle's last call of an operation; None if there is none."""
    return at(oracle_call(task, operation).arguments, path)
