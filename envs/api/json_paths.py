"""Places inside plain JSON data, copies that differ at one of them, and how much two nested values share."""

import json
from collections.abc import Mapping
from typing import Any

from envs.api.operation import Json

Path = tuple[str | int, ...]
"""Names of properties and numbers of elements, from the outside in."""


def inner_paths(value: Json, path: Path = ()) -> list[Path]:
    """The paths of all values inside a value, outer ones included."""
    items: Any = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    return ([path] if path else []) + [found for name, inner in items for found in inner_paths(inner, (*path, name))]


def inside(value: Json, path: Path) -> Json:
    """What is at a path; KeyError or IndexError if nothing is."""
    for name in path:
        value = value[name]
    return value


def leaves(value: Json) -> list[tuple[Path, Json]]:
    """(path, value) of everything inside a value that holds nothing itself."""
    found = []
    for path in inner_paths(value):
        inner = inside(value, path)
        if not isinstance(inner, Mapping | list):
            found.append((path, inner))
    return found


def without(value: Json, path: Path) -> Json:
    """A copy that lacks what is at the path."""
    made = json.loads(json.dumps(value))
    place = made
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return made


def replaced(value: Json, path: Path, new: Json) -> Json:
    """A copy with another value at the path; that value itself at the empty path."""
    if not path:
        return new
    made = json.loads(json.dumps(value))
    place = made
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = new
    return made


def leafwise(value: Json, wanted: Json) -> float:
    """How much two nested values share, leaf by leaf: places with equal values over all places and values of either."""
    mine, theirs = ({(path, json.dumps(leaf)) for path, leaf in leaves(nested)} for nested in (value, wanted))
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0
