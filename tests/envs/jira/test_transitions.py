"""Jira transitions: which are available in a status, and which are refused."""

import pytest

from envs.api.simulator import Simulator
from envs.jira import JIRA
from envs.jira.world import add_issue, add_project, add_type_workflow, empty_site
from tests.envs.jira.site import site as walked_site
from tests.envs.jira.site import text

WORKFLOW = [
    {"id": "31", "name": "Start", "from": [0], "to": 1},
    {"id": "72", "name": "Finish", "from": [1], "to": 2},
    {"id": "15", "name": "Reset", "from": [], "to": 0},
]


@pytest.fixture
def site() -> Simulator:
    world = empty_site()
    add_issue(world, add_project(world, "ABC", "Alpha", ["To do", "Doing", "Finished"], WORKFLOW), 12, "Old button")
    return Simulator(world, JIRA.by_name())


def offered(site: Simulator, **arguments) -> list[tuple[str, str]]:
    """Return (id, target status) of every transition that getTransitions lists."""
    body = site.call("getTransitions", {"issueIdOrKey": "ABC-12", **arguments}).body
    assert body["expand"] == "transitions"
    return [(step["id"], step["to"]["name"]) for step in body["transitions"]]


def test_get_transitions__lists_what_leaves_the_status_and_global_ones(site):
    assert offered(site) == [("31", "Doing"), ("15", "To do")]
    assert site.call("doTransition", {"issueIdOrKey": "ABC-12", "transition": {"id": "31"}}).status == 204
    assert offered(site) == [("72", "Finished"), ("15", "To do")]


def test_get_transitions__filters_by_id_and_an_unknown_one_gives_an_empty_list(site):
    assert offered(site, transitionId="31") == [("31", "Doing")]
    assert offered(site, transitionId="99") == []


def test_do_transition__has_no_body_and_moves_the_status(site):
    response = site.call("doTransition", {"issueIdOrKey": "abc-12", "transition": {"id": 31}})
    assert (response.status, response.body) == (204, None)
    assert site.call("getIssue", {"issueIdOrKey": "ABC-12"}).body["fields"]["status"]["name"] == "Doing"


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        ({"transition": {"id": "72"}}, 400, "Transition id '72' is not valid for this issue."),
        ({"transition": {"id": "999"}}, 400, "Transition id '999' is not valid for this issue."),
        ({"transition": {}}, 400, "Missing 'transition' identifier"),
        ({}, 400, "Missing 'transition' identifier"),
        (
            {"issueIdOrKey": "ABC-1", "transition": {"id": "31"}},
            404,
            "Issue does not exist or you do not have permission to see it.",
        ),
    ],
)
def test_do_transition__refuses_in_the_sites_words_and_changes_nothing(site, arguments, status, sentence):
    before = site.world.digest()
    response = site.call("doTransition", {"issueIdOrKey": "ABC-12", **arguments})
    assert (response.status, response.body["errorMessages"]) == (status, [sentence])
    assert site.world.digest() == before


DONE_WITH = {"issueIdOrKey": "AA-1", "transition": {"id": "31"}}


@pytest.fixture
def screened() -> Simulator:
    """Return a site where AA-1 has a transition whose screen requires a resolution and allows fix versions."""
    simulator = walked_site()
    assert simulator.call("doTransition", {"issueIdOrKey": "AA-1", "transition": {"id": "11"}}).ok
    return simulator


def test_get_transitions__tells_a_screens_fields_on_request_only(screened):
    plain = screened.call("getTransitions", {"issueIdOrKey": "AA-1"}).body["transitions"]
    assert [(step["id"], step["hasScreen"], "fields" in step) for step in plain] == [
        ("21", False, False),
        ("31", True, False),
    ]
    body = screened.call("getTransitions", {"issueIdOrKey": "AA-1", "expand": "transitions.fields"}).body
    finish, close = body["transitions"]
    assert finish["fields"] == {}
    assert {name: field["required"] for name, field in close["fields"].items()} == {
        "resolution": True,
        "fixVersions": False,
    }
    allowed = [value["name"] for value in close["fields"]["resolution"]["allowedValues"]]
    assert allowed == ["Done", "Won't Do", "Duplicate", "Cannot Reproduce"]


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        ({}, {"resolution": "Resolution is required."}),
        ({"fields": {"resolution": None}}, {"resolution": "Resolution is required."}),
        (
            {"fields": {"resolution": {"name": "Done"}, "summary": "x"}},
            {"summary": "Field 'summary' cannot be set. It is not on the appropriate screen, or unknown."},
        ),
        (
            {"fields": {"resolution": {"name": "Done"}}, "update": {"resolution": [{"set": {"name": "Done"}}]}},
            {"resolution": "Field 'resolution' cannot appear in both 'fields' and 'update'"},
        ),
        (
            {"fields": {"resolution": {"name": "Done"}}, "update": {"comment": [{"add": {"body": "plain"}}]}},
            {"comment": "Comment body is not valid!"},
        ),
        (
            {"fields": {"resolution": {"name": "Gone"}}},
            {"resolution": "Specify a valid 'id' or 'name' for resolution"},
        ),
    ],
)
def test_do_transition__checks_the_whole_screen_before_anything_moves(screened, given, errors):
    before = screened.world.digest()
    response = screened.call("doTransition", {**DONE_WITH, **given})
    assert (response.status, response.body["errors"]) == (400, errors)
    assert screened.world.digest() == before


def test_do_transition__sets_what_its_screen_was_filled_with_in_one_change(screened):
    given = {
        "fields": {"fixVersions": [{"name": "1.0"}]},
        "update": {"resolution": [{"set": {"name": "Duplicate"}}], "comment": [{"add": {"body": text("Seen twice")}}]},
    }
    histories = len(screened.call("getChangeLogs", {"issueIdOrKey": "AA-1"}).body["values"])
    assert screened.call("doTransition", {**DONE_WITH, **given}).status == 204
    fields = screened.call("getIssue", {"issueIdOrKey": "AA-1"}).body["fields"]
    assert fields["status"]["name"] == "Done" and fields["resolution"]["name"] == "Duplicate"
    assert [version["name"] for version in fields["fixVersions"]] == ["1.0"]
    assert [comment["body"] for comment in fields["comment"]["comments"]] == [text("Seen twice")]
    values = screened.call("getChangeLogs", {"issueIdOrKey": "AA-1"}).body["values"]
    assert len(values) == histories + 1
    assert {item["field"] for item in values[-1]["items"]} == {"fixVersions", "status"}


def test_do_transition__without_a_screen_takes_no_fields(screened):
    plain = {"issueIdOrKey": "AA-1", "transition": {"id": "21"}, "fields": {"resolution": {"name": "Done"}}}
    assert list(screened.call("doTransition", plain).body["errors"]) == ["resolution"]


@pytest.fixture
def two_flows() -> Simulator:
    """Return a project in which only bugs have a workflow of their own."""
    world = empty_site()
    project = add_project(world, "ABC", "Alpha", ["To do", "Doing", "Finished"], WORKFLOW)
    steps = [{"id": "31", "name": "Confirm", "from": [0], "to": 1}, {"id": "44", "name": "Fix", "from": [1], "to": 2}]
    project = add_type_workflow(world, project, "Bug", ["Reported", "Confirmed", "Fixed"], steps)
    add_issue(world, project, 12, "Old button")
    add_issue(world, project, 13, "Broken door", issuetype="Bug")
    return Simulator(world, JIRA.by_name())


def test_workflow__of_an_issue_is_that_of_its_type(two_flows):
    moved = {"issueIdOrKey": "ABC-13", "transition": {"id": "31"}}
    assert offered(two_flows) == [("31", "Doing"), ("15", "To do")]
    assert offered(two_flows, issueIdOrKey="ABC-13") == [("31", "Confirmed")]
    assert two_flows.call("doTransition", moved).status == 204
    assert offered(two_flows, issueIdOrKey="ABC-13") == [("44", "Fixed")]
    refused = two_flows.call("doTransition", {**moved, "transition": {"id": "15"}})
    assert refused.status == 400, "a transition of the other workflow"
    assert two_flows.call("doTransition", {**moved, "transition": {"id": "44"}}).status == 204
    fields = two_flows.call("getIssue", {"issueIdOrKey": "ABC-13"}).body["fields"]
    assert fields["status"]["statusCategory"]["key"] == "done" and fields["resolution"]["name"] == "Done"


@pytest.mark.parametrize(("kind", "status"), [("Bug", "Reported"), ("Task", "To do")])
def test_workflow__of_its_type_gives_a_new_issue_its_status(two_flows, kind, status):
    fields = {"project": {"key": "ABC"}, "issuetype": {"name": kind}, "summary": "Loose tile"}
    key = two_flows.call("createIssue", {"fields": fields}).body["key"]
    assert two_flows.call("getIssue", {"issueIdOrKey": key}).body["fields"]["status"]["name"] == status


def test_workflow__of_each_type_follows_from_the_projects_statuses(two_flows):
    body = two_flows.call("getAllStatuses", {"projectIdOrKey": "ABC"}).body
    names = {kind["name"]: [status["name"] for status in kind["statuses"]] for kind in body}
    assert names["Bug"] == ["Reported", "Confirmed", "Fixed"]
    assert names["Task"] == names["Story"] == ["To do", "Doing", "Finished"]
