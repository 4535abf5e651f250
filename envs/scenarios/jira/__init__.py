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

SCENARIOS = (
    create_issue.SCENARIO,
    transition_ticket.SCENARIO,
    read_issue.SCENARIO,
    triage_by_jql.SCENARIO,
    create_subtask.SCENARIO,
    link_duplicate.SCENARIO,
    log_work.SCENARIO,
    comment_mention.SCENARIO,
    recover.SCENARIO,
    move_three_hops.SCENARIO,
    refuse_infeasible.SCENARIO,
    resolve_ticket.SCENARIO,
    plan_sprint.SCENARIO,
    answer_without_tools.SCENARIO,
    transition_conflict.SCENARIO,
)
