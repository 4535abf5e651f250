"""Jira transitions: what leaves a status, and what is refused."""

import pytest

from envs.jira import JIRA
from envs.jira.world import add_issue, add_project, empty_site
from envs.simulator import Simulator
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
    return Simulator(world, JIRA.table())


def offered(site: Simulator, **arguments) -> list[tuple[str, str]]:
    """(id, target status) of every transition that getTransitions lists."""
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
    """AA-1 stands before a transition whose screen asks for a resolution and knows fix versions."""
    simulator = walked_site()
    assert simulator.call("doTransition", {"issueIdOrKey": "AA-1", "transition": {"id": "11"}}).ok
    return simulator


def test_get_transitions__tells_a_screens_fields_on_request_only(screened):
    plain = screened.call("getTransitions", {"issueIdOrKey": "AA-1"}).body["transitions"]
    assert [(step["id"], step["hasScreen"], "fields" in step) for step in plain] == [
        ("21", False, False),
        ("31", True, False),
    ]
    told = screened.call("getTransitions", {"issueIdOrKey": "AA-1", "expand": "transitions.fields"}).body
    finish, close = told["transitions"]
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
