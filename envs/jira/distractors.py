"""Distractors for projects and issues, see `envs.api.distractors`."""

import random

from envs.api.distractors import free_id, near_key, near_phrase
from envs.api.world import Record, World
from envs.words import Split


def _project(world: World, rng: random.Random, split: Split, project: Record) -> Record:
    key = near_key(rng, split, {other["key"] for other in world.find("projects")}, project["key"])
    name = near_phrase(rng, split, project["name"], {other["name"] for other in world.find("projects")})
    return {**project, "id": free_id(world, rng), "key": key, "name": name, "next_number": 1}


def _issue(world: World, rng: random.Random, split: Split, issue: Record) -> Record | None:
    project = world.table("projects")[issue["project"]]
    taken = {other["key"] for other in world.find("issues")}
    free = [key for n in range(1, project["next_number"]) if (key := f"{project['key']}-{n}") not in taken]
    if not free:
        return None
    summary = near_phrase(rng, split, issue["fields"]["summary"], set())
    return {
        **issue,
        "id": free_id(world, rng),
        "key": rng.choice(free),
        "fields": {**issue["fields"], "summary": summary},
    }


DISTRACTORS = {"projects": _project, "issues": _issue}
