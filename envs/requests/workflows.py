"""Gives a project of a believable site another workflow, with statuses and ways that a scenario needs."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from envs.api.world import Record, World
from envs.requests import names
from envs.words import Split


@dataclass(frozen=True)
class Lead:
    """A transition to be made."""

    sources: tuple[str, ...]
    """Ids of the statuses that it leaves; empty for all."""
    to: str
    """Id of the status that it leads to."""
    name: str = ""
    """Its name; drawn if empty."""
    screen: Mapping[str, bool] = field(default_factory=dict)
    """Whether each field on its screen is required."""


def other_statuses(world: World, issue: Record) -> list[str]:
    """Return the ids of the statuses of an issue's project, except the issue's own."""
    flow = world.table("workflows")[world.table("projects")[issue["project"]]["workflow"]]
    known = {status for step in flow["transitions"] for status in (*step["from"], step["to"])}
    return sorted(known - {issue["status"]})


def name_of(world: World, status: str) -> str:
    """Return the name of a status."""
    return str(world.table("statuses")[status]["name"])


def rename(world: World, status: str, name: str) -> None:
    """Give a status another name."""
    world.table("statuses")[status] = {**world.table("statuses")[status], "name": name}


def rewire(world: World, rng: random.Random, split: Split, issue: Record, leads: Sequence[Lead]) -> tuple[str, ...]:
    """Replace all transitions of an issue's project, in random order; return their ids in the order of `leads`."""
    ids = [str(number) for number in rng.sample(range(11, 100), len(leads))]
    steps = []
    for transition, lead in zip(ids, leads, strict=True):
        name = lead.name or names.transition(rng, split)
        step = {"id": transition, "name": name, "from": list(lead.sources), "to": lead.to}
        steps.append(step | ({"screen": dict(lead.screen)} if lead.screen else {}))
    flow = world.table("projects")[issue["project"]]["workflow"]
    workflows = world.table("workflows")
    workflows[flow] = {**workflows[flow], "transitions": rng.sample(steps, len(steps))}
    return tuple(ids)
