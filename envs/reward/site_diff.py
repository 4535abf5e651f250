"""The difference between two states of a site: changed records, in normal form, and how far two differences agree."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs.api.operation import Json, NormalForm
from envs.api.world import START_MS, Record, World

_LONG_NUMBER = re.compile(r"\d{4,}")
Facts = Counter[tuple[str, ...]]
"""Statements of a change about its record: the path and the value of each leaf, as text."""


@dataclass(frozen=True)
class Change:
    """A record that was created (`before` is None), replaced, or deleted (`after` is None)."""

    table: str
    before: Record | None
    after: Record | None


def changes(before: World, after: World) -> list[Change]:
    """Return every record in which two worlds differ."""
    return [change for _, change in _keyed_changes(before, after)]


def _keyed_changes(before: World, after: World) -> Iterator[tuple[str, Change]]:
    """Yield every changed record with the id under which it is stored."""
    for table in {**before.tables, **after.tables}:
        old, new = before.tables.get(table, {}), after.tables.get(table, {})
        for key in {**old, **new}:
            if old.get(key) != new.get(key):
                yield key, Change(table, old.get(key), new.get(key))


@dataclass(frozen=True)
class NormalChange:
    """A changed record in normal form, with new ids and times replaced by words."""

    table: str
    record: str
    """The id of a record that existed before; a name for a new one."""
    before: Json
    after: Json

    def facts(self) -> Facts:
        """Return the leaves that the change adds and removes; for a record that existed before, also which it is."""
        if self.before is None:
            return Counter(_leaves(self.after))
        record = ("record", self.record)
        if self.after is None:
            return Counter([record, ("deleted",)])
        old, new = Counter(_leaves(self.before)), Counter(_leaves(self.after))
        removed = Counter({("no longer", *leaf): count for leaf, count in (old - new).items()})
        return Counter([record]) + (new - old) + removed


def normalised_changes(
    before: World, after: World, normal_forms: Mapping[str, NormalForm] | None = None
) -> tuple[NormalChange, ...]:
    """Return the changed records in normal form, in an order that does not depend on that of the calls.

    `normal_forms` holds a function per table (site, record) -> what counts of the record; other tables count whole.
    Ids of new records and times become words, empty values are left out. A record whose normal form is unchanged is
    not a change.
    """
    forms = normal_forms or {}
    new_ids = {
        key
        for table, records in after.tables.items()
        for key in records
        if key not in before.tables.get(table, {}) and key.isdigit()
    }
    found: list[tuple[str, str, Json, Json]] = []
    for key, change in _keyed_changes(before, after):
        form = forms.get(change.table, lambda world, record: record)
        old = None if change.before is None else _compact(form(before, change.before))
        new = None if change.after is None else _compact(form(after, change.after))
        if old != new or (change.before is None) != (change.after is None):
            found.append((change.table, key, old, new))
    names = _names_of_new(found, new_ids)
    named = [
        NormalChange(table, names.get(key, key), _renamed(old, names), _renamed(new, names))
        for table, key, old, new in found
    ]
    return tuple(sorted(named, key=_text))


def agreement(wanted: Sequence[NormalChange], made: Sequence[NormalChange]) -> float:
    """Return the share of the wanted facts that were achieved, over the wanted ones and the unwanted ones made.

    Each wanted change is compared with the most similar change of the same table that is left. 1 if nothing was wanted
    and nothing made.
    """
    needed, achieved = [change.facts() for change in wanted], [change.facts() for change in made]
    pairs = sorted(
        (
            (-sum((goal & fact).values()), first, second)
            for first, goal in enumerate(needed)
            for second, fact in enumerate(achieved)
            if (wanted[first].table, wanted[first].before is None) == (made[second].table, made[second].before is None)
        ),
    )
    matched, first_used, second_used = 0, set(), set()
    for overlap, first, second in pairs:
        if first not in first_used and second not in second_used:
            matched -= overlap
            first_used.add(first)
            second_used.add(second)
    total = sum(facts.total() for facts in (*needed, *achieved)) - matched
    return matched / total if total else 1.0


def _names_of_new(found: Sequence[tuple[str, str, Json, Json]], new_ids: set[str]) -> dict[str, str]:
    """Name new ids after their tables and contents, so that the order of creation does not matter."""
    hidden = dict.fromkeys(new_ids, "new record")
    created = sorted(
        (table, _text(_renamed(new, hidden)), key) for table, key, old, new in found if old is None and key in new_ids
    )
    return hidden | {key: f"new record {number} of {table}" for number, (table, _, key) in enumerate(created, 1)}


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Replace new ids, also inside texts such as addresses, and times."""
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(inner, names) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(inner, names) for inner in value]
    if isinstance(value, str):
        return _LONG_NUMBER.sub(lambda match: names.get(match[0], match[0]), value) if names else value
    if isinstance(value, int) and not isinstance(value, bool) and value >= START_MS:
        return "a time"
    return value


def _compact(value: Any) -> Any:
    """Leave out what is null or empty: an absent value is the same."""
    if isinstance(value, Mapping):
        inner = {str(key): _compact(each) for key, each in value.items()}
        return {key: each for key, each in inner.items() if each is not None and each != {} and each != []}
    return [_compact(each) for each in value] if isinstance(value, list | tuple) else value


def _leaves(value: Json, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the path and value of each leaf as text; the place in a list of plain values is left out."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, name))
    elif isinstance(value, list):
        plain = not any(isinstance(inner, dict | list) for inner in value)
        for number, inner in enumerate(value):
            yield from _leaves(inner, (*path, "" if plain else str(number)))
    else:
        yield (*path, repr(value))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=vars)
