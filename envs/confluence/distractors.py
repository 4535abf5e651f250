"""Distractors for spaces and pages, see `envs.api.distractors`."""

import random

from envs.api.distractors import free_id, near_key, near_phrase
from envs.api.world import Record, World
from envs.words import Split


def _page(world: World, rng: random.Random, split: Split, page: Record) -> Record | None:
    if page["parentId"] is None:
        return None  # a space has exactly one homepage
    taken = {other["title"] for other in world.find("pages", spaceId=page["spaceId"])}
    return {**page, "id": free_id(world, rng), "title": near_phrase(rng, split, page["title"], taken)}


def _space(world: World, rng: random.Random, split: Split, space: Record) -> Record:
    key = near_key(rng, split, {other["key"] for other in world.find("spaces")}, space["key"])
    name = near_phrase(rng, split, space["name"], {other["name"] for other in world.find("spaces")})
    new = {**space, "id": free_id(world, rng), "key": key, "name": name}
    home = world.table("pages")[space["homepageId"]]
    new["homepageId"] = free_id(world, rng, but=new["id"])
    world.table("pages")[new["homepageId"]] = {**home, "id": new["homepageId"], "spaceId": new["id"]}
    return new


DISTRACTORS = {"spaces": _space, "pages": _page}
