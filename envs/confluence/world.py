"""The tables of a Confluence site, and functions that fill them for scenarios.

spaces       id -> id, key, name, homepageId, createdAt
pages        id -> id, spaceId, parentId (None for a homepage), title, status, body, version, createdAt;
             optionally labels, position, updatedAt, message, history (fields of earlier versions)
comments     id -> id, kind (footer or inline), pageId, parentCommentId, body, version, createdAt, updatedAt, selection
properties   id -> id, pageId, key, value, version, updatedAt
attachments  id -> id, pageId, title, mediaType, fileSize, comment, version, createdAt
"""

import random

from envs import words
from envs.api.world import Record, World
from envs.words import Split


def put_page(
    world: World, page_id: str, space: Record, parent: str | None, title: str, body: Record | None = None
) -> Record:
    """Add a page with a given id; by default its text is empty."""
    page = {
        "id": page_id,
        "spaceId": space["id"],
        "parentId": parent,
        "title": title,
        "status": "current",
        "body": body or {"representation": "storage", "value": ""},
        "version": 1,
        "createdAt": world.now_ms,
    }
    world.table("pages")[page_id] = page
    return page


def put_space(world: World, space_id: str, homepage_id: str, key: str, name: str) -> Record:
    """Add a space and its homepage with given ids."""
    space = {"id": space_id, "key": key, "name": name, "homepageId": homepage_id, "createdAt": world.now_ms}
    world.table("spaces")[space_id] = space
    put_page(world, homepage_id, space, None, f"{name} home")
    return space


def six_digits(rng: random.Random, count: int) -> list[str]:
    """Draw distinct ids of six digits."""
    return [str(number) for number in rng.sample(range(100_000, 1_000_000), count)]


def site(rng: random.Random, split: Split, key: str, parent_title: str) -> tuple[World, Record, Record]:
    """Return a world with the space `key`, two other spaces, and a page `parent_title` in the space and in one of them.

    Returns (world, the space, its page of that title).
    """
    ids = six_digits(rng, 9)
    world = World(next_id=int(six_digits(rng, 1)[0]))
    others = [other for other in words.distinct(rng, 3, lambda r: words.key(r, split)) if other != key][:2]
    spaces = []
    for number, name in enumerate(rng.sample([key, *others], 3)):
        spaces.append(put_space(world, ids[2 * number], ids[2 * number + 1], name, words.phrase(rng, split, 1, 2)))
    space = next(space for space in spaces if space["key"] == key)
    twin = rng.choice([other for other in spaces if other is not space])
    first, second = sorted([space, twin], key=lambda _: rng.random())
    pages = [
        put_page(world, ids[6 + index], each, each["homepageId"], parent_title)
        for index, each in enumerate((first, second))
    ]
    put_page(world, ids[8], space, space["homepageId"], words.phrase(rng, split, 2, 3))
    return world, space, next(page for page in pages if page["spaceId"] == space["id"])
