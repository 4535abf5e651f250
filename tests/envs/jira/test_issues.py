"""Jira issues: the real site's statuses, sentences and order of validation."""

import pytest

from envs.api.simulator import Simulator
from envs.jira import JIRA
from envs.jira.world import add_issue, add_project, empty_site, simple_workflow

STATUSES = ["To do", "Doing", "Finished"]
DOCUMENT = {
    "type": "doc",
    "version": 1,
    "content": [{"type": "paragraph", "content": [{"type": "text", "text": "Hello"}]}],
}


@pytest.fixture
def site() -> Simulator:
    world = empty_site()
    add_issue(world, add_project(world, "ABC", "Alpha", STATUSES, simple_workflow()), 12, "Old button")
    return Simulator(world, JIRA.by_name())


def fields(**changed) -> dict:
    """Return arguments of createIssue: valid ones with fields changed, or left out if the value is `...`."""
    base = {"project": {"key": "ABC"}, "issuetype": {"name": "Bug"}, "summary": "Broken button"}
    return {"fields": {name: value for name, value in (base | changed).items() if value is not ...}}


def test_create_issue__answers_id_key_self_and_numbers_go_up(site):
    first, second = (site.call("createIssue", fields()) for _ in range(2))
    assert (first.status, first.body["key"], second.body["key"]) == (201, "ABC-13", "ABC-14")
    assert set(first.body) == {"id", "key", "self"} and first.body["self"].endswith(
        f"/rest/api/3/issue/{first.body['id']}"
    )


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"project": ..., "summary": ...}, {"project": "Specify a valid project ID or key"}),
        ({"project": {"key": "NOPE"}, "issuetype": ...}, {"project": "Specify a valid project ID or key"}),
        ({"issuetype": ..., "summary": ...}, {"issuetype": "Specify an issue type"}),
        ({"issuetype": {"name": "Wish"}, "summary": ...}, {"issuetype": "Specify a valid issue type"}),
        ({"summary": ...}, {"summary": "You must specify a summary of the issue."}),
        ({"summary": "  "}, {"summary": "You must specify a summary of the issue."}),
        ({"summary": "x" * 256}, {"summary": "Summary must be less than 255 characters."}),
        ({"summary": "a\nb"}, {"summary": "The summary is invalid because it contains newline characters."}),
        ({"labels": ["a b"]}, {"labels": "The label 'a b' contains spaces which is invalid."}),
        (
            {"colour": "red"},
            {"colour": "Field 'colour' cannot be set. It is not on the appropriate screen, or unknown."},
        ),
        (
            {"summary": ..., "labels": ["a b"]},
            {
                "summary": "You must specify a summary of the issue.",
                "labels": "The label 'a b' contains spaces which is invalid.",
            },
        ),
        (
            {"description": {"type": "paragraph"}},
            {"description": "Operation value must be an Atlassian Document (see the Atlassian Document Format)"},
        ),
    ],
)
def test_create_issue__refuses_in_the_sites_words_and_order(site, changed, errors):
    before = site.world.digest()
    response = site.call("createIssue", fields(**changed))
    assert response.status == 400
    assert response.body == {"errorMessages": [], "errors": errors}
    assert site.world.digest() == before


def test_create_issue__without_fields_says_no_payload(site):
    for arguments in ({}, {"fields": {}}):
        response = site.call("createIssue", arguments)
        assert (response.status, response.body["errorMessages"]) == (400, ["No Issue Create payload supplied"])


def test_create_issue__what_was_written_can_be_read(site):
    response = site.call(
        "createIssue",
        fields(priority={"name": "High"}, labels=["b", "a", "a"], description=DOCUMENT, duedate="2026-03-01"),
    )
    read = site.call("getIssue", {"issueIdOrKey": response.body["key"].lower()}).body["fields"]
    assert (read["summary"], read["priority"]["name"], read["labels"]) == ("Broken button", "High", ["a", "b"])
    assert (read["project"]["key"], read["issuetype"]["name"], read["status"]["name"]) == ("ABC", "Bug", "To do")
    assert (read["description"], read["duedate"]) == (DOCUMENT, "2026-03-01")


def test_get_issue__unknown_key_is_404(site):
    response = site.call("getIssue", {"issueIdOrKey": "ABC-99"})
    assert response.status == 404
    assert response.body["errorMessages"] == ["Issue does not exist or you do not have permission to see it."]


def test_get_issue__keeps_only_selected_fields(site):
    assert set(site.call("getIssue", {"issueIdOrKey": "ABC-12", "fields": ["summary,status"]}).body["fields"]) == {
        "summary",
        "status",
    }


@pytest.mark.parametrize("value", ["ABC", 3, None, ["ABC"], True])
def test_create_issue__a_project_of_another_shape_is_refused(site, value):
    assert site.call("createIssue", fields(project=value)).status == 400
