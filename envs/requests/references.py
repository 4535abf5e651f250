"""The records that a phrase of a request fits, so that a check can prove that it means exactly one.

A condition is a dotted path into the record with the value there, or one of these names:

    issues   project (key), type, status, priority (names), reporter, assignee (display names; None for nobody),
             created (YYYY-MM-DD), mentions (words of the summary), label, newest (True: the latest of those
             that meet the other conditions)
    users    first_name, full_name
    pages    space (key), parent (title), created (YYYY-MM-DD), label
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from envs.api.operation import Json
from envs.api.world import Record, World
from envs.task import Reference

Value = Callable[[World, Record], Json]


def _named(table: str, *path: str) -> Value:
    def value(world: World, record: Record) -> Json:
        for name in path:
            record = record[name]
        return world.table(table)[str(record)]["name"]

    return value


def _user(field: str) -> Value:
    def value(world: World, record: Record) -> Json:
        account = record["fields"].get(field, world.me if field == "reporter" else None)
        return world.table("users")[account]["displayName"] if account else None

    return value


def day_of(ms: int) -> str:
    """Return the day of a time in Unix milliseconds, as YYYY-MM-DD."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def _parent(world: World, page: Record) -> Json:
    return world.table("pages")[page["parentId"]]["title"] if page["parentId"] else None


_VALUES: Mapping[str, Mapping[str, Value]] = {
    "issues": {
        "project": lambda world, issue: world.table("projects")[issue["project"]]["key"],
        "type": _named("issuetypes", "issuetype"),
        "status": _named("statuses", "status"),
        "priority": _named("priorities", "fields", "priority"),
        "reporter": _user("reporter"),
        "assignee": _user("assignee"),
        "created": lambda world, issue: day_of(issue["created"]),
    },
    "users": {
        "first_name": lambda world, user: user["displayName"].split()[0],
        "full_name": lambda world, user: user["displayName"],
    },
    "pages": {
        "space": lambda world, page: world.table("spaces")[page["spaceId"]]["key"],
        "parent": _parent,
        "created": lambda world, page: day_of(page["createdAt"]),
    },
}


def fitting(world: World, reference: Reference) -> list[str]:
    """Return the ids of the records that meet all conditions of a reference."""
    records = [
        (key, record)
        for key, record in world.tables.get(reference.table, {}).items()
        if _meets_all(world, reference, record)
    ]
    if reference.conditions.get("newest") and records:
        latest = max(record["created"] for _, record in records)
        records = [(key, record) for key, record in records if record["created"] == latest]
    return [key for key, _ in records]


def determined(world: World, references: Sequence[Reference]) -> bool:
    """Return whether each reference fits the record that it means, and no other."""
    return all(fitting(world, reference) == [reference.record] for reference in references)


def confusable(references: Sequence[Reference], world: World, table: str, record: Record) -> bool:
    """Return whether one of the references would fit a new record, or would no longer be clear because of it."""
    return any(reference.table == table and _meets_all(world, reference, record) for reference in references)


def _meets_all(world: World, reference: Reference, record: Record) -> bool:
    """Return whether a record meets all conditions but `newest`."""
    conditions = reference.conditions.items()
    return all(_meets(world, reference.table, record, name, value) for name, value in conditions if name != "newest")


def _meets(world: World, table: str, record: Record, name: str, value: Json) -> bool:
    if name == "mentions":
        summary = record["fields"]["summary"].lower()
        return all(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", summary) for word in str(value).lower().split())
    if name == "label":
        labels = (
            record["fields"]["labels"] if table == "issues" else [each["name"] for each in record.get("labels", [])]
        )
        return value in labels
    derived = _VALUES.get(table, {}).get(name)
    if derived:
        return bool(derived(world, record) == value)
    found: Json = record
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return bool(found == value)
