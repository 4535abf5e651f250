"""Speaks of issues whose ids a call needs: also one that is named by its key has to be searched."""

import random
from dataclasses import replace

from envs.api.world import Record
from envs.requests.drafts import Described
from envs.requests.jira_office import JiraOffice
from envs.requests.jira_references import SEARCH, issue_of
from envs.task import PlannedCall
from envs.words import Split


def issue_with_id(
    rng: random.Random, split: Split, office: JiraOffice, issue: Record, difficulty: int, first_names: bool = True
) -> Described:
    """Name or describe an issue; its last read is a search, by a query alone, that returns its id and key."""
    described = issue_of(rng, split, office, issue, difficulty, first_names)
    query = described.reads[-1].arguments["jql"] if described.reads else f"key = '{issue['key']}'"
    return replace(described, reads=(*described.reads[:-1], PlannedCall(SEARCH, {"jql": query})))


def by_key(described: Described) -> bool:
    """Return whether a request names an issue by its key."""
    return "key" in described.references[-1].conditions
