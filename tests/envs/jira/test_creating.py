"""createIssue beyond fields: verbs, comments, worklogs, links, properties, and a first transition."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.envs.jira.site import site, text

NEW = {"project": {"key": "AA"}, "issuetype": {"name": "Task"}, "summary": "Oil the gate"}


def create(simulator, **more):
    return simulator.call("createIssue", {"fields": NEW, **more})


def test_create__update_sets_fields_and_adds_parts():
    simulator = site()
    update = {
        "labels": [{"add": "red"}, {"add": "blue"}, {"remove": "red"}],
        "priority": [{"set": {"name": "High"}}],
        "comment": [{"add": {"body": text("New")}}],
        "worklog": [{"add": {"timeSpent": "1h"}}],
        "issuelinks": [{"add": {"type": {"name": "Blocks"}, "outwardIssue": {"key": "AA-2"}}}],
    }
    response = create(simulator, update=update, properties=[{"key": "k", "value": [1]}])
    assert response.status == 201 and "transition" not in response.body
    key = response.body["key"]
    fields = simulator.call("getIssue", {"issueIdOrKey": key}).body["fields"]
    assert (fields["labels"], fields["priority"]["name"]) == (["blue"], "High")
    assert [comment["body"] for comment in fields["comment"]["comments"]] == [text("New")]
    assert fields["timetracking"]["timeSpent"] == "1h"
    assert [link["outwardIssue"]["key"] for link in fields["issuelinks"]] == ["AA-2"]
    assert simulator.call("getIssueProperty", {"issueIdOrKey": key, "propertyKey": "k"}).body["value"] == [1]


def test_create__everything_may_be_set_by_verbs():
    simulator = site()
    response = simulator.call("createIssue", {"update": {name: [{"set": value}] for name, value in NEW.items()}})
    assert response.status == 201
    missing = simulator.call("createIssue", {"update": {"summary": [{"set": "x"}]}})
    assert missing.body["errors"] == {"project": "Specify a valid project ID or key"}


def test_create__a_transition_moves_the_new_issue_and_is_in_the_response():
    simulator = site()
    created = create(simulator, transition={"id": "11"}).body
    assert created["transition"] == {"status": 200, "errorCollection": {"errorMessages": [], "errors": {}}}
    issue = simulator.call("getIssue", {"issueIdOrKey": created["key"]}).body
    assert issue["fields"]["status"]["name"] == "In Progress"


@pytest.mark.parametrize("wanted", ["21", "99", None])
def test_create__a_transition_that_is_impossible_is_reported_beside_the_issue(wanted):
    simulator = site()
    response = create(simulator, transition={"id": wanted} if wanted else {})
    outcome = response.body["transition"]
    assert (response.status, outcome["status"]) == (201, 400) and outcome["errorCollection"]["errorMessages"]
    fields = simulator.call("getIssue", {"issueIdOrKey": response.body["key"]}).body["fields"]
    assert fields["status"]["name"] == "To Do"


REFUSED = [
    ({"summary": [{"set": "x"}]}, {"summary": "Field 'summary' cannot appear in both 'fields' and 'update'"}),
    ({"labels": [{"add": "a b"}]}, {"labels": "The label 'a b' contains spaces which is invalid."}),
    ({"labels": [{"copy": "a"}]}, {"labels": "Field 'labels' does not support operation 'copy'"}),
    ({"comment": [{"add": {"body": "plain"}}]}, {"comment": "Comment body is not valid!"}),
    ({"worklog": [{"add": {"timeSpent": "long"}}]}, {"timeLogged": "You must indicate the time spent working."}),
    ({"worklog": [{"set": {}}]}, {"worklog": "Field 'worklog' can only be added to."}),
    ({"colour": [{"set": 1}]}, {"colour": "Field 'colour' cannot be set. It is not on the appropriate screen, or "
                                "unknown."}),
]  # fmt: skip


@pytest.mark.parametrize(("update", "errors"), REFUSED)
def test_create__what_is_wrong_in_update_leaves_nothing_behind_alone_and_in_bulk(update, errors):
    simulator = site()
    response = create(simulator, update=update)
    assert (response.status, response.body["errors"]) == (400, errors)
    assert simulator.world == site().world
    both = [{"fields": NEW, "update": update}, {"fields": NEW}]
    many = simulator.call("createIssues", {"issueUpdates": both}).body
    assert (many["errors"][0]["failedElementNumber"], many["errors"][0]["elementErrors"]["errors"]) == (0, errors)
    alone = site()
    create(alone)
    assert [issue["key"] for issue in many["issues"]] == ["AA-3"] and simulator.world == alone.world


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["add", "set", "body", "type", "name", "timeSpent", "timeSpentSeconds", "comment", "started",
                         "inwardIssue", "outwardIssue", "key", "id", "value"]), inner, max_size=3
    ),
    max_leaves=6,
)  # fmt: skip
STEPS = st.dictionaries(
    st.sampled_from(["comment", "worklog", "issuelinks", "labels", "summary"]),
    st.lists(st.fixed_dictionaries({"add": ANY}) | ANY, max_size=2) | ANY,
)


@given(STEPS | ANY, ANY, ANY)
@settings(max_examples=100, deadline=None)
def test_create__takes_any_json_in_any_member_without_raising(update, transition, properties):
    simulator = site()
    for bulk in (False, True):
        item = {"fields": NEW, "update": update, "transition": transition, "properties": properties}
        before = simulator.world.digest()
        response = simulator.call("createIssues" if bulk else "createIssue", {"issueUpdates": [item]} if bulk else item)
        json.dumps(response.body)
        assert response.ok or simulator.world.digest() == before
