"""The state of a simulated site as plain data: tables of records, a virtual clock and a counter of ids.

Records are never modified in place: a write puts a new record into its table. A shallow copy of the tables is therefore
a snapshot, and a reset costs one shallow copy per table.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]

START_MS = 1_767_600_000_000
"""Start of the virtual clock in Unix milliseconds: 2026-01-05T08:00:00Z."""
TICK_MS = 1_000
"""Milliseconds by which each write advances the clock."""


@dataclass
class World:
    """The state of one site. A table maps ids to records; ids are strings, as in the real APIs' bodies."""

    site: str = "https://example.atlassian.net"
    me: str = "5b10a2844c20165700ede21g"
    """Account id of the caller."""
    now_ms: int = START_MS
    next_id: int = 10_000
    """The number from which `new_id` looks for a free id."""
    tables: dict[str, dict[str, Record]] = field(default_factory=dict)

    def copy(self) -> "World":
        """Return an independent world with the same records."""
        copy = World.__new__(World)  # cheaper than dataclasses.replace, and this runs before every write
        vars(copy).update(vars(self), tables={name: table.copy() for name, table in self.tables.items()})
        return copy

    def become(self, other: "World") -> None:
        """Take over the state of another world, which must not be used afterwards."""
        vars(self).update(vars(other))

    def table(self, name: str) -> dict[str, Record]:
        """Return a table, created on first use."""
        return self.tables.setdefault(name, {})

    def find(self, table: str, **values: Any) -> list[Record]:
        """Return the records of a table whose fields equal all `values`, in the table's order."""
        records: Iterable[Record] = self.tables.get(table, {}).values()
        for name, value in values.items():
            records = [record for record in records if record.get(name) == value]
        return list(records)

    def new_id(self) -> str:
        """Return an id that no record of any table has."""
        while any(str(self.next_id) in table for table in self.tables.values()):
            self.next_id += 1
        new, self.next_id = str(self.next_id), self.next_id + 1
        return new

    def tick(self) -> int:
        """Advance the clock by one write; return the new time in Unix milliseconds."""
        self.now_ms += TICK_MS
        return self.now_ms

    def digest(self) -> str:
        """Return a hash of all records; equal tables have equal digests."""
        return hashlib.sha256(json.dumps(self.tables, sort_keys=True).encode()).hexdigest()[:16]
