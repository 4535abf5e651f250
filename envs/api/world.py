"""The state of a simulated site: tables of records, a virtual clock, and counters. Plain data.

A record is never changed in place: a write puts a new record into its table. So a copy of the tables is a snapshot,
and a reset costs one shallow copy per table, whatever the records hold.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

START_MS = 1_767_600_000_000
"""The virtual clock's start, in Unix milliseconds: 2026-01-05T08:00:00Z."""
TICK_MS = 1_000
"""How far each write moves the clock."""


@dataclass
class World:
    """One site. Tables map an id to a record; ids are strings, as in the real bodies."""

    site: str = "https://example.atlassian.net"
    me: str = "5b10a2844c20165700ede21g"
    """Account id of the caller."""
    now_ms: int = START_MS
    next_id: int = 10_000
    """The next numeric id that a created record gets."""
    tables: dict[str, dict[str, Record]] = field(default_factory=dict)

    def copy(self) -> "World":
        """An independent world with the same records."""
        made = World.__new__(World)  # cheaper than dataclasses.replace, and this runs before every write
        vars(made).update(vars(self), tables={name: table.copy() for name, table in self.tables.items()})
        return made

    def become(self, other: "World") -> None:
        """Take over what another world holds, which is not to be used any more."""
        vars(self).update(vars(other))

    def table(self, name: str) -> dict[str, Record]:
        """A table, made on first use."""
        return self.tables.setdefault(name, {})

    def find(self, table: str, **values: Any) -> list[Record]:
        """The records whose fields equal all `values`, in order of creation."""
        found: Iterable[Record] = self.tables.get(table, {}).values()
        for name, value in values.items():
            found = [record for record in found if record.get(name) == value]
        return list(found)

    def new_id(self) -> str:
        """A fresh id: one that no record of any table has."""
        while any(str(self.next_id) in table for table in self.tables.values()):
            self.next_id += 1
        made, self.next_id = str(self.next_id), self.next_id + 1
        return made

    def tick(self) -> int:
        """Move the clock by one write; the new time in Unix milliseconds."""
        self.now_ms += TICK_MS
        return self.now_ms

    def digest(self) -> str:
        """A hash of every record: equal worlds, equal digests."""
        return hashlib.sha256(json.dumps(self.tables, sort_keys=True).encode()).hexdigest()[:16]
