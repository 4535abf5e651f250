"""Jira transitions: what leaves a status, and what is refused."""

import pytest

from envs.jira import JIRA
from envs.jira.world import add_issue, add_project, empty_site
from envs.simulator import Simulator

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
