"""JQL: what queries find, and the sentences that refuse them."""

import pytest

from tests.envs.jira.site import SAM, site

FOUND = [
    ("project = AA order by key", ["AA-1", "AA-2"]),
    ("project = AA order by key desc", ["AA-2", "AA-1"]),
    ("project in (AA, BB) and summary ~ 'fix' order by key", ["AA-1"]),
    ("project = BB or summary ~ 'pain*' order by key", ["AA-2", "BB-1"]),
    ("not project = BB order by key", ["AA-1", "AA-2"]),
    ("assignee = currentUser()", []),
    ("assignee is empty order by key", ["AA-1", "AA-2", "BB-1"]),
    ("assignee != currentUser()", []),
    ("priority >= Medium and project = BB", ["BB-1"]),
    ("priority > Medium", []),
    ("created >= -7d and (key = BB-1 or key = AA-1) order by key", ["AA-1", "BB-1"]),
    ("statusCategory = 'To Do' and type = Task and resolution = Unresolved and key > AA-1", ["AA-2"]),
]
REFUSED = [
    ("", "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."),
    ("order by key", "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."),
    ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
    ("status = 'To Do' and", "Error in the JQL Query: Expecting a field name at the end of the query."),
    (
        "status =",
        "Error in JQL Query: Expecting either a value, list or function before the end of the query.",
    ),
    ("(project = AA", "Error in the JQL Query: Expecting ')' before the end of the query."),
    (
        "project=AA status=x",
        "Error in the JQL Query: Expecting either 'OR' or 'AND' but got 'status'. (line 1, character 12)",
    ),
]


def ask(jql, **more):
    return site().call("searchAndReconsileIssuesUsingJqlPost", {"jql": jql, "fields": ["summary"], **more})


@pytest.mark.parametrize(("jql", "keys"), FOUND)
def test_search__finds_what_the_query_says(jql, keys):
    assert [issue["key"] for issue in ask(jql).body["issues"]] == keys


@pytest.mark.parametrize(("jql", "sentence"), REFUSED)
def test_search__refuses_in_the_sites_words(jql, sentence):
    response = ask(jql)
    assert (response.status, response.body["errorMessages"]) == (400, [sentence])


def test_search__pages_by_token_cover_everything_once():
    keys, token = [], None
    while True:
        page = ask("created > -1d order by key", maxResults=1, **({"nextPageToken": token} if token else {})).body
        keys += [issue["key"] for issue in page["issues"]]
        token = page.get("nextPageToken")
        assert page["isLast"] == (token is None)
        if token is None:
            break
    assert keys == ["AA-1", "AA-2", "BB-1"]
    refused = ask("project = AA", nextPageToken="nonsense")
    assert refused.body["errorMessages"] == ["The provided next page token is invalid or expired."]


def test_link__each_end_names_the_other():
    simulator = site()
    ends = {"inwardIssue": {"key": "AA-1"}, "outwardIssue": {"key": "AA-2"}}
    for _ in range(2):
        assert simulator.call("linkIssues", {"type": {"name": "Blocks"}, **ends}).status == 201
    read = {
        key: simulator.call("getIssue", {"issueIdOrKey": key}).body["fields"]["issuelinks"] for key in ("AA-1", "AA-2")
    }
    (first,), (second,) = read["AA-1"], read["AA-2"]
    assert (first["outwardIssue"]["key"], second["inwardIssue"]["key"]) == ("AA-2", "AA-1")


def test_worklog__auto_lowers_the_estimate_and_never_below_zero():
    simulator = site()
    simulator.call("editIssue", {"issueIdOrKey": "AA-1", "fields": {"timetracking": {"remainingEstimate": "4h"}}})
    for spent, left in (("3h", "1h"), ("3h", "0m")):
        assert simulator.call("addWorklog", {"issueIdOrKey": "AA-1", "timeSpent": spent}).status == 201
        time = simulator.call("getIssue", {"issueIdOrKey": "AA-1"}).body["fields"]["timetracking"]
        assert time["remainingEstimate"] == left
    assert time["timeSpent"] == "6h"


def test_edit__is_all_or_nothing_and_leaves_one_history():
    simulator = site()
    spoiled = {"summary": "New", "assignee": {"accountId": "nobody"}}
    refused = simulator.call("editIssue", {"issueIdOrKey": "AA-1", "fields": spoiled})
    assert refused.body["errors"] == {"assignee": "Specify a valid value for assignee"}
    fields = {"summary": "New", "assignee": {"accountId": SAM}}
    assert simulator.call("editIssue", {"issueIdOrKey": "AA-1", "fields": fields}).status == 204
    (history,) = simulator.call("getChangeLogs", {"issueIdOrKey": "AA-1"}).body["values"]
    changes = [(item["field"], item["fromString"], item["toString"]) for item in history["items"]]
    assert changes == [("summary", "Fix the door", "New"), ("assignee", None, "Sam Field")]
