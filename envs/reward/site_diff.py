"""The difference between two states of a site: every changed record, verbatim or in normal form."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from envs.api.operation import Json
from envs.api.world import START_MS, Record, World


@dataclass(frozen=True)
class Change:
    """A record that was created (`before` is None), replaced, or deleted (`after` is None)."""

    table: str
    before: Record | None
    after: Record | None


def changes(before: World, after: World) -> list[Change]:
    """Return every record in which two worlds differ."""
    differing = []
    for table in {**before.tables, **after.tables}:
        old, new = before.tables.get(table, {}), after.tables.get(table, {})
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                differing.append(Change(table, old.get(key), new.get(key)))
    return differing


def normalised_changes(
    before: World, after: World, normal_form: Callable[[str, Record], Record] = lambda table, record: record
) -> Json:
    """Return the changed records in normal form: new ids and times, which depend on the calls' order, are replaced.

    `normal_form` (table, changed record -> record) may drop more.
    """
    changed: list[tuple[str, str, Any]] = []
    new_ids: dict[str, str] = {}
    for table, records in after.tables.items():
        old = before.tables.get(table, {})
        for key in records:
            if key not in old and key.isdigit():
                new_ids[key] = f"new record {len(new_ids) + 1} of {table}"
        new = {key: record for key, record in records.items() if old.get(key) != record}
        changed += [(table, new_ids.get(key, key), normal_form(table, record)) for key, record in new.items()]
        changed += [(table, key, None) for key in old if key not in records]
    return sorted(json.dumps(_normalised(change, new_ids), sort_keys=True) for change in changed)


def _normalised(value: Any, new_ids: Mapping[str, str]) -> Any:
    """Replace new ids and times inside a value."""
    if isinstance(value, Mapping):
        return {key: _normalised(inner, new_ids) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_normalised(inner, new_ids) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= START_MS:
        return "a time"
    return new_ids.get(value, value) if isinstance(value, str) else value
