"""Values to put into a call: wrong ones in a right one's place, and any of the right shape, from the request."""

import re
from collections.abc import Mapping

from envs.api.operation import Json
from envs.api.world import World
from envs.task import Task

NOWHERE = "Zq"
"""What a wrong string starts with that no task has."""
_NAMES = ("id", "key", "name", "title", "accountId")


def sample_arguments(task: Task, name: str) -> Mapping[str, Json]:
    """Arguments of a tool's compact schema, strings taken from the request."""
    properties = task.api.by_name()[name].schema(compact=True)["properties"]
    return {key: filled(schema, task, place) for place, (key, schema) in enumerate(properties.items())}


def wrong_values(task: Task, value: Json) -> list[Json]:
    """Other values that a model might write in a value's place."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1]
    if not isinstance(value, str):
        return [NOWHERE]
    near = sibling(task.world, value) or next((other for other in quoted(task.request) if other != value), None)
    return [NOWHERE + value, *([near] if near else [])]


def sibling(world: World, value: str) -> str | None:
    """The same field of another record, for a value that is some record's id, key, name or title."""
    for table in world.tables.values():
        for name in _NAMES:
            there = [record[name] for record in table.values() if isinstance(record.get(name), str)]
            if value in there:
                return next((other for other in there if other.lower() != value.lower()), None)
    return None


def quoted(request: str) -> list[str]:
    """The values that a request quotes."""
    return re.findall(r'"([^"]*)"', request)


def filled(schema: Mapping[str, Json], task: Task, at: int = 0) -> Json:
    """A value of a schema's shape, strings taken from the request in order from the `at`-th quoted one."""
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        inner = schema.get("properties", {})
        return {name: filled(each, task, at + place) for place, (name, each) in enumerate(inner.items())}
    if kind == "array":
        return [filled(schema.get("items", {}), task, at)]
    if kind in ("integer", "number"):
        return 1
    values = quoted(task.request) or [task.request]
    return True if kind == "boolean" else values[at % len(values)]
