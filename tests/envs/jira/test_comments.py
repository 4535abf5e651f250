"""Invalid rich text: REST v3 accepts only documents and refuses anything else as not valid."""

import pytest

from tests.envs.jira.site import site, text

NO_DOCUMENT = ["Hello", 3, None, [], {}, {"type": "doc"}, {"type": "doc", "version": 1, "content": ["Hello"]}]
NOT_VALID = "Comment body is not valid!"


@pytest.mark.parametrize("body", NO_DOCUMENT)
def test_comment__whatever_is_no_document_is_not_valid(body):
    simulator = site()
    there = simulator.call("addComment", {"issueIdOrKey": "AA-1", "body": text("Here")}).body["id"]
    before = simulator.world.digest()
    for name, more in (("addComment", {}), ("updateComment", {"id": there})):
        response = simulator.call(name, {"issueIdOrKey": "AA-1", "body": body, **more})
        assert (response.status, response.body) == (400, {"errorMessages": [], "errors": {"comment": NOT_VALID}})
    assert simulator.world.digest() == before


def test_comment__an_empty_document_has_a_sentence_of_its_own():
    empty = {"type": "doc", "version": 1, "content": []}
    response = site().call("addComment", {"issueIdOrKey": "AA-1", "body": empty})
    assert response.body["errors"] == {"comment": "Comment body can not be empty!"}


@pytest.mark.parametrize("steps", [[{"add": "Hello"}], [{"add": {"body": "Hello"}}], [{"add": {}}]])
def test_comment__added_by_an_edit_is_checked_alike(steps):
    simulator = site()
    given = {"issueIdOrKey": "AA-1", "fields": {"summary": "New"}, "update": {"comment": steps}}
    assert simulator.call("editIssue", given).body["errors"] == {"comment": NOT_VALID}
    assert simulator.world == site().world


def test_comment__an_edit_changes_text_and_who_may_see_it():
    simulator, seen = site(), {"type": "role", "value": "Administrators"}
    there = simulator.call("addComment", {"issueIdOrKey": "AA-1", "body": text("Here")}).body["id"]
    given = {"issueIdOrKey": "AA-1", "id": there, "body": text("There"), "visibility": seen}
    assert simulator.call("updateComment", given).status == 200
    read = simulator.call("getComment", {"issueIdOrKey": "AA-1", "id": there}).body
    assert (read["body"], read["visibility"]) == (text("There"), seen)


def test_worklog__its_comment_is_checked_alike():
    response = site().call("addWorklog", {"issueIdOrKey": "AA-1", "timeSpent": "1h", "comment": "Done"})
    assert response.body["errors"] == {"comment": NOT_VALID}


def test_description__a_string_is_refused_by_name_along_with_the_other_fields():
    fields = {"project": {"key": "AA"}, "issuetype": {"name": "Task"}, "summary": " ", "description": "Hello"}
    response = site().call("createIssue", {"fields": fields})
    assert response.body["errors"] == {
        "summary": "You must specify a summary of the issue.",
        "description": "Operation value must be an Atlassian Document (see the Atlassian Document Format)",
    }
