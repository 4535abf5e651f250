"""Facts of an issue that a question can ask for, and the claim that answers it."""

import random

from envs.api.world import Record, World
from envs.jira.world import PRIORITIES, add_issue
from envs.requests.issue_questions import claim_about, facts_of

__all__ = ["FACTS", "TYPES", "any_issue", "claim_about", "facts_of"]

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
