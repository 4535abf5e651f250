"""A small Confluence site for tests."""

from envs.api.simulator import Simulator
from envs.api.world import World
from envs.confluence import CONFLUENCE
from envs.confluence.world import put_page, put_space

A, HOME, B = "111111", "111112", "111116"
"""Ids of a space, its homepage, and the page "Handbook" under that."""
TEXT = {"representation": "storage", "value": "<p>Hi</p>"}


def site() -> Simulator:
    """Return a site of two spaces with a handbook each; the first handbook has an attachment."""
    world = World(next_id=500_000)
    for space_id, home, key in ((A, HOME, "AA"), ("222222", "222223", "BB")):
        space = put_space(world, space_id, home, key, key.title())
        put_page(world, str(int(space_id) + 5), space, home, "Handbook", dict(TEXT))
    world.table("attachments")["att77"] = {
        "id": "att77",
        "pageId": B,
        "title": "plan.txt",
        "mediaType": "text/plain",
        "fileSize": 12,
        "comment": "",
        "version": 1,
        "createdAt": world.now_ms,
    }
    return Simulator(world, CONFLUENCE.by_name())
