"""Families of tasks on Jira, one file each."""

from envs.scenarios.jira import (
    answer_without_tools,
    comment_mention,
    create_issue,
    create_subtask,
    link_duplicate,
    log_work,
    move_three_hops,
    plan_sprint,
    read_issue,
    recover,
    refuse_infeasible,
    resolve_ticket,
    transition_conflict,
    transition_ticket,
    triage_by_jql,
)

_FAMILIES = (
    (create_issue, transition_ticket, read_issue, triage_by_jql, create_subtask, link_duplicate, log_work)
    + (comment_mention, recover, move_three_hops, refuse_infeasible, resolve_ticket, plan_sprint)
    + (answer_without_tools, transition_conflict)
)
SCENARIOS = tuple(family.SCENARIO for family in _FAMILIES)
