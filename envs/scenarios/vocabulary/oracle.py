"""Values of the oracle's calls, for mistakes that change them: nothing else states the goal."""

from envs.api.errors import EnvError
from envs.api.json_paths import at
from envs.api.operation import Json
from envs.task import PlannedCall, Task


def oracle_call(task: Task, operation: str) -> PlannedCall:
    """Return the oracle's last call of an operation. Raises EnvError if it makes none."""
    for call in reversed(task.oracle):
        if call.name == operation:
            return call
    raise EnvError(f"the oracle of {task.scenario} makes no call of {operation}")


def oracle_value(task: Task, operation: str, path: str) -> Json:
    """Return the value at a dotted path of the oracle's last call of an operation; None if there is none."""
    return at(oracle_call(task, operation).arguments, path)
