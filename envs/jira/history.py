"""Writes to an issue: each moves the clock and `updated`, and leaves one history with what changed."""

from typing import Any

from envs.api.operation import Json
from envs.api.world import Record, World


def item(field: str, before: tuple[Json, Json], after: tuple[Json, Json]) -> Record:
    """ChangeDetails: (id, text) before and after; both may be None."""
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
    """Replace the issue's record; without items there is no history, but `updated` moves all the same."""
    now = world.tick()
    made = {**issue, **changes, "updated": now}
    if items:
        past = issue.get("history", [])
        entry = {"id": f"{issue['id']}{len(past) + 1:04d}", "created": now, "author": world.me, "items": items}
        made["history"] = [*past, entry]
    world.table("issues")[issue["id"]] = made
    return made
