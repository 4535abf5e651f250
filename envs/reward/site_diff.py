"""Difference between two states of a site: every changed record, as it is or under normal forms."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from envs.api.operation import Json
from envs.api.world import START_MS, Record, World


@dataclass(frozen=True)
class Change:
    """A record that an episode created, replaced or deleted."""

    table: str
    before: Record | None
    after: Record | None


def changes(before: World, after: World) -> list[Change]:
    """Every record in which two worlds differ."""
    found = []
    for table in {**before.tables, **after.tables}:
        old, new = before.tables.get(table, {}), after.tables.get(table, {})
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                found.append(Change(table, old.get(key), new.get(key)))
    return found


def normalised_changes(
    before: World, after: World, normal_form: Callable[[str, Record], Record] = lambda table, record: record
) -> Json:
    """What a site has become, without what depends on the number and order of calls: new ids and times.

    `normal_form` (table, changed record -> record) may drop more.
    """
    changed: list[tuple[str, str, Any]] = []
    made: dict[str, str] = {}
    for table, records in after.tables.items():
        old = before.tables.get(table, {})
        for key in records:
            if key not in old and key.isdigit():
                made[key] = f"new record {len(made) + 1} of {table}"
        new = {key: record for key, record in records.items() if old.get(key) != record}
        changed += [(table, made.get(key, key), normal_form(table, record)) for key, record in new.items()]
        changed += [(table, key, None) for key in old if key not in records]
    return sorted(json.dumps(_plain(change, made), sort_keys=True) for change in changed)


def _plain(value: Any, made: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner, made) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, made) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= START_MS:
        return "a time"
    return made.get(value, value) if isinstance(value, str) else value
