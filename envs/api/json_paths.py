"""Paths into plain JSON data, copies changed at one path, and the similarity of two nested values."""

import json
from collections.abc import Mapping
from typing import Any

from envs.api.operation import Json

Path = tuple[str | int, ...]
"""Keys of objects and indices of lists, from the outside in."""


def inner_paths(value: Json, path: Path = ()) -> list[Path]:
    """Return the paths of all values inside a value, containers included and before what they contain."""
    items: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    return ([path] if path else []) + [deeper for name, inner in items for deeper in inner_paths(inner, (*path, name))]


def inside(value: Json, path: Path) -> Json:
    """Return the value at a path. Raises KeyError or IndexError if the path does not exist."""
    for name in path:
        value = value[name]
    return value


def leaves(value: Json) -> list[tuple[Path, Json]]:
    """Return (path, value) of everything inside a value that is not an object or a list."""
    result = []
    for path in inner_paths(value):
        inner = inside(value, path)
        if not isinstance(inner, Mapping | list):
            result.append((path, inner))
    return result


def without(value: Json, path: Path) -> Json:
    """Return a copy without the value at the path."""
    copy = json.loads(json.dumps(value))
    del inside(copy, path[:-1])[path[-1]]
    return copy


def replaced(value: Json, path: Path, new: Json) -> Json:
    """Return a copy with `new` at the path; `new` itself for the empty path."""
    if not path:
        return new
    copy = json.loads(json.dumps(value))
    inside(copy, path[:-1])[path[-1]] = new
    return copy


def leafwise(value: Json, expected: Json) -> float:
    """Return the intersection over union of two nested values' leaves, each a (path, value); 0 if neither has any."""
    given, goal = ({(path, json.dumps(leaf)) for path, leaf in leaves(nested)} for nested in (value, expected))
    return len(given & goal) / len(given | goal) if given | goal else 0.0


def at(value: Json, path: str) -> Json:
    """Return the value at a dotted path of object keys, or None."""
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value
