"""Wrong values for an argument: another record's, another one of the request, or one that exists nowhere."""

from envs.api.operation import Json
from envs.api.world import World
from envs.scripted_policies import quoted
from envs.task import Task

NOWHERE = "Zq"
"""Prefix of wrong strings; no string of any task begins with it."""
_NAMES = ("id", "key", "name", "title", "accountId")


def wrong_values(task: Task, value: Json) -> list[Json]:
    """Return other values that a model might write instead of `value`."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1]
    if not isinstance(value, str):
        return [NOWHERE]
    # A quoted value that is part of the right one, as the text of a page, may be the same in another form.
    others = (other for other in quoted(task.request) if other not in value)
    near = sibling(task.world, value) or next(others, None)
    return [NOWHERE + value, *([near] if near else [])]


def sibling(world: World, value: str) -> str | None:
    """Return the same field of another record if `value` is the id, key, name or title of one; otherwise None."""
    for table in world.tables.values():
        for name in _NAMES:
            values = [record[name] for record in table.values() if isinstance(record.get(name), str)]
            if value in values:
                return next((other for other in values if other.lower() != value.lower()), None)
    return None
