"""The law of what is shown: in both views a right call can be known, and what no view shows is found."""

from dataclasses import replace

import pytest

import envs
from envs.audit.shown import everything_is_shown, unshown
from envs.scenarios.vocabulary.scenario import Scenario
from envs.task import PlannedCall

TEXT = {"type": "string"}


def failures(scenario: Scenario, seeds: int = 6) -> str:
    """Return the failures of a scenario as one text."""
    (finding,) = everything_is_shown(scenario, seeds)
    return "\n".join(finding.failures)


def showing(name: str, operation: str, compact: dict, body: tuple[str, ...] = ()) -> Scenario:
    """Return a scenario with another compact view of an operation."""
    scenario = envs.SCENARIOS[name]
    return replace(scenario, api=scenario.api.showing(operation, compact, body))


@pytest.mark.slow  # the audit of every scenario plays a few of these too
@pytest.mark.parametrize("scenario", envs.SCENARIOS.values(), ids=lambda scenario: scenario.name)
def test_shown__everything_that_a_right_call_needs(scenario):
    assert failures(scenario, 15) == ""


@pytest.mark.parametrize(
    ("scenario", "hidden"),
    [
        (showing("jira_log_work", "addWorklog", {"started": TEXT}), "started ="),
        (showing("jira_log_work", "addWorklog", {"started": {}}), "the name started"),
        (showing("jira_log_work", "addWorklog", {"adjustEstimate": TEXT}), "adjustEstimate ="),
        (showing("jira_comment_mention", "addComment", {"body": {"type": "object"}}), "the name attrs"),
        (showing("jira_create_subtask", "getProject", {}, ("name",)), "fields.issuetype.name ="),
        (showing("jira_transition_ticket", "getTransitions", {}, ("transitions.name",)), "transition.id ="),
        (showing("jira_triage_by_jql", "searchAndReconsileIssuesUsingJql", {"jql": TEXT}), "jql ="),
        (showing("confluence_update_page", "updatePage", {"body": {"type": "object"}}), "the name representation"),
        (showing("confluence_update_page", "getPageById", {}, ("title",)), "version.number ="),
        (showing("confluence_page_from_issue", "createPage", {}, ("title", "_links.webui")), "object.url ="),
        (
            showing("confluence_label_page", "addLabelsToContent", {"labels": {"type": "array", "items": {}}}),
            "the name prefix",
        ),
    ],
)
def test_shown__what_the_compact_view_leaves_out_is_found(scenario, hidden):
    found = failures(scenario)
    assert hidden in found and "compact view" in found and "full view" not in found


def test_shown__a_value_that_nothing_tells_is_found_in_both_views():
    task = envs.sample("jira_create_issue", 1, "train")
    (call,) = task.oracle
    secret = replace(task, oracle=(PlannedCall(call.name, {"fields": {**call.arguments["fields"], "duedate": "Zq"}}),))
    for detail in ("compact", "full"):
        assert 'createIssue (call 1): fields.duedate = "Zq"' in list(unshown(secret, detail))
