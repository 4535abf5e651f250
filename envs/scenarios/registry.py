"""The scenarios by name."""

from envs.api.errors import EnvError
from envs.scenarios import (
    confluence_create_page,
    confluence_label_page,
    confluence_move_page,
    confluence_page_from_facts,
    confluence_page_from_issue,
    confluence_update_conflict,
    confluence_update_page,
    jira_answer_without_tools,
    jira_comment_mention,
    jira_create_issue,
    jira_create_subtask,
    jira_link_duplicate,
    jira_log_work,
    jira_move_three_hops,
    jira_plan_sprint,
    jira_read_issue,
    jira_recover,
    jira_refuse_infeasible,
    jira_resolve_ticket,
    jira_transition_conflict,
    jira_transition_ticket,
    jira_triage_by_jql,
)
from envs.scenarios.scenario import Scenario
from envs.task import Task

SCENARIOS: dict[str, Scenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (
        jira_create_issue,
        jira_transition_ticket,
        confluence_create_page,
        confluence_label_page,
        confluence_update_page,
        confluence_move_page,
        confluence_page_from_facts,
        jira_read_issue,
        jira_triage_by_jql,
        jira_create_subtask,
        jira_link_duplicate,
        jira_log_work,
        jira_comment_mention,
        jira_recover,
        jira_move_three_hops,
        jira_refuse_infeasible,
        jira_resolve_ticket,
        jira_plan_sprint,
        jira_answer_without_tools,
        confluence_update_conflict,
        jira_transition_conflict,
        confluence_page_from_issue,
    )
}


def sample(scenario: str, seed: int, split: str, difficulty: int = 1, tools: int = 0) -> Task:
    """A task by its coordinates, see `Scenario.sample`. Raises EnvError for an unknown scenario."""
    if scenario not in SCENARIOS:
        raise EnvError(f"unknown scenario {scenario!r}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[scenario].sample(seed, split, difficulty, tools)
