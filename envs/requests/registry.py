"""The scenarios that have requests as people write them, by name."""

import random
from collections.abc import Callable, Mapping

from envs.requests import (
    answer_without_tools,
    comment_mention,
    create_issue,
    create_page,
    create_subtask,
    label_page,
    link_duplicate,
    log_work,
    move_page,
    move_three_hops,
    page_from_facts,
    page_from_issue,
    plan_sprint,
    read_issue,
    recover,
    refuse_infeasible,
    resolve_ticket,
    transition_conflict,
    transition_ticket,
    triage_by_jql,
    update_conflict,
    update_page,
)
from envs.task import TaskDraft
from envs.words import Split

TALKS: Mapping[str, Callable[[random.Random, Split, int], TaskDraft]] = {
    "confluence_create_page": create_page.draw,
    "confluence_label_page": label_page.draw,
    "confluence_move_page": move_page.draw,
    "confluence_page_from_facts": page_from_facts.draw,
    "confluence_page_from_issue": page_from_issue.draw,
    "confluence_update_conflict": update_conflict.draw,
    "confluence_update_page": update_page.draw,
    "jira_answer_without_tools": answer_without_tools.draw,
    "jira_comment_mention": comment_mention.draw,
    "jira_create_issue": create_issue.draw,
    "jira_create_subtask": create_subtask.draw,
    "jira_link_duplicate": link_duplicate.draw,
    "jira_log_work": log_work.draw,
    "jira_move_three_hops": move_three_hops.draw,
    "jira_plan_sprint": plan_sprint.draw,
    "jira_read_issue": read_issue.draw,
    "jira_recover": recover.draw,
    "jira_refuse_infeasible": refuse_infeasible.draw,
    "jira_resolve_ticket": resolve_ticket.draw,
    "jira_transition_conflict": transition_conflict.draw,
    "jira_transition_ticket": transition_ticket.draw,
    "jira_triage_by_jql": triage_by_jql.draw,
}
