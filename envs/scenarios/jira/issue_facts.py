"""Facts of an issue that a question can ask for, and the facts that an answer states."""

import random
import re
from collections.abc import Iterable, Mapping

from envs.api.world import Record, World
from envs.jira.world import ISSUE_TYPES, PRIORITIES, add_issue
from envs.reward.answers import named

TYPES = ("Task", "Bug", "Story")
FACTS = ("status", "priority", "type", "summary")


def any_issue(world: World, rng: random.Random, project: Record, number: int, summary: str) -> Record:
    """Add an issue in any status of its project, of any type and priority."""
    flow = world.table("workflows")[project["workflow"]]
    status = rng.choice([flow["initial"], *(step["to"] for step in flow["transitions"])])
    issue = add_issue(world, project, number, summary, rng.choice(TYPES), status)
    priority = world.find("priorities", name=rng.choice(PRIORITIES))[0]["id"]
    world.table("issues")[issue["id"]] = issue = {**issue, "fields": {**issue["fields"], "priority": priority}}
    return issue


def facts_of(world: World, issue: Record) -> Mapping[str, str]:
    """Return an issue's FACTS."""
    return {
        "status": world.table("statuses")[issue["status"]]["name"],
        "priority": world.table("priorities")[issue["fields"]["priority"]]["name"],
        "type": world.table("issuetypes")[issue["issuetype"]]["name"],
        "summary": issue["fields"]["summary"],
    }


def possible(world: World, fact: str) -> set[str]:
    """Return the possible values of a fact on a site."""
    if fact == "summary":
        return {issue["fields"]["summary"] for issue in world.find("issues")}
    table = {"status": "statuses", "priority": "priorities", "type": "issuetypes"}[fact]
    return {record["name"] for record in world.find(table)}


def unasked(text: str, key: str, facts: Mapping[str, str], requested: Iterable[str]) -> set[str]:
    """Return the facts of an issue that a text states without having been asked for them.

    The type does not count as stated in the issue's name, as in `the bug "AB-1"`, or in lower case.
    """
    kinds = "|".join(map(re.escape, ISSUE_TYPES))
    text = re.sub(rf'\b(?:(?:{kinds})\s+)?"?{re.escape(key)}\b', " ", text, flags=re.IGNORECASE)
    text = re.sub(rf"\b(?:{kinds.lower()})\b", " ", text)
    wanted = [facts[fact] for fact in requested]
    stated = named(text, facts.values())
    return {fact for fact, value in facts.items() if value.lower() in stated and value not in wanted}
