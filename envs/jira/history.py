"""Write to an issue: each write advances the clock, sets `updated` and adds a history entry with the changes."""

from typing import Any

from envs.api.operation import Json
from envs.api.world import Record, World


def item(field: str, before: tuple[Json, Json], after: tuple[Json, Json]) -> Record:
    """Return a body of schema ChangeDetails; `before` and `after` are (id, text), either of which may be None."""
    return {
        "field": field,
        "fieldtype": "jira",
        "fieldId": field,
        "from": before[0],
        "fromString": before[1],
        "to": after[0],
        "toString": after[1],
    }


def rewrite(world: World, issue: Record, items: list[Record], **changes: Any) -> Record:
    """Replace the issue's record and return the new one; without items, `updated` is set but no history entry added."""
    now = world.tick()
    new = {**issue, **changes, "updated": now}
    if items:
        entries = issue.get("history", [])
        entry = {"id": f"{issue['id']}{len(entries) + 1:04d}", "created": now, "author": world.me, "items": items}
        new["history"] = [*entries, entry]
    world.table("issues")[issue["id"]] = new
    return new
