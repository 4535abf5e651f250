"""Facts of an issue that a question can ask for, and the claim that answers it."""

import random
from collections.abc import Callable, Mapping, Sequence

from envs.api.world import Record, World
from envs.claims.clauses import Claim
from envs.claims.facts import FieldValues
from envs.jira.world import PRIORITIES, add_issue

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


def claim_about(issue: Record, asked: Sequence[str]) -> Callable[[World], Claim]:
    """Return what an answer to a question for these facts of an issue has to say."""

    def claim(world: World) -> Claim:
        facts = facts_of(world, issue)
        return FieldValues(
            issue["key"],
            {fact: facts[fact] for fact in asked},
            {fact: _possible(world, fact) for fact in asked},
            {fact: value for fact, value in facts.items() if fact not in asked},
        )

    return claim


def _possible(world: World, fact: str) -> frozenset[str]:
    """Return the possible values of a fact on a site."""
    if fact == "summary":
        return frozenset(issue["fields"]["summary"] for issue in world.find("issues"))
    table = {"status": "statuses", "priority": "priorities", "type": "issuetypes"}[fact]
    return frozenset(record["name"] for record in world.find(table))
