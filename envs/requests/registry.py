"""The scenarios that have requests as people write them, by name."""

import random
from collections.abc import Callable, Mapping

from envs.requests import (
    comment_mention,
    create_issue,
    create_page,
    log_work,
    plan_sprint,
    transition_ticket,
    triage_by_jql,
)
from envs.task import TaskDraft
from envs.words import Split

TALKS: Mapping[str, Callable[[random.Random, Split, int], TaskDraft]] = {
    "confluence_create_page": create_page.draw,
    "jira_comment_mention": comment_mention.draw,
    "jira_create_issue": create_issue.draw,
    "jira_log_work": log_work.draw,
    "jira_plan_sprint": plan_sprint.draw,
    "jira_transition_ticket": transition_ticket.draw,
    "jira_triage_by_jql": triage_by_jql.draw,
}
