"""The scenarios that have requests as people write them, by name."""

import random
from collections.abc import Callable, Mapping

from envs.requests import (
    create_issue,
    create_page,
    move_three_hops,
    recover,
    resolve_ticket,
    transition_conflict,
    transition_ticket,
)
from envs.task import TaskDraft
from envs.words import Split

TALKS: Mapping[str, Callable[[random.Random, Split, int], TaskDraft]] = {
    "confluence_create_page": create_page.draw,
    "jira_create_issue": create_issue.draw,
    "jira_move_three_hops": move_three_hops.draw,
    "jira_recover": recover.draw,
    "jira_resolve_ticket": resolve_ticket.draw,
    "jira_transition_conflict": transition_conflict.draw,
    "jira_transition_ticket": transition_ticket.draw,
}
