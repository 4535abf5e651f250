"""One walk through all operations of Jira; every response fits the official documents, without undeclared keys."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.jira import JIRA
from tests.envs.jira.site import SAM, site, text
from tests.envs.test_official_documents import SPECS, check

A, B = "AA-1", "AA-2"
NEW = {"project": {"key": "AA"}, "issuetype": {"name": "Task"}, "summary": "Oil the gate"}
DUPLICATE = {"name": "Duplicate"}
DATES = {"startDate": "2026-01-05T09:00:00.000+0000", "endDate": "2026-01-19T09:00:00.000+0000"}
BLOCKS = {"type": {"name": "Blocks"}, "outwardIssue": {"key": B}}
FULL = {
    "labels": [{"add": "red"}],
    "comment": [{"add": {"body": text("New")}}],
    "worklog": [{"add": {"timeSpent": "1h"}}],
    "issuelinks": [{"add": BLOCKS}],
}
BAD = {"issuelinks": [{"add": {"type": {"name": "Haunts"}, "outwardIssue": {"key": B}}}]}
PROPERTY = {"key": "k", "value": 1}
QUERIES = [
    "project = AA and (labels in (red, 'dark blue') or not assignee = currentUser()) order by key desc, created",
    "sprint in openSprints() and duedate is not empty and created >= startOfMonth(-1w)",
    "summary !~ red",
    "invalid query",
    "summary = test",
    "project = LOST",
]
# (operation, arguments, status, name); {x} stands for the id that an earlier call gave under that name.
WALK = [
    ("createIssue", {"fields": {**NEW, "components": [{"name": "House"}], "fixVersions": [{"name": "1.0"}]}}, 201, "a"),
    ("createIssue", {"fields": {**NEW, "issuetype": {"name": "Subtask"}, "parent": {"key": A}}}, 201, "sub"),
    ("createIssue", {"fields": {**NEW, "issuetype": {"name": "Subtask"}}}, 400, ""),
    ("createIssue", {"fields": {**NEW, "parent": {"key": "BB-1"}}}, 400, ""),
    ("createIssues", {"issueUpdates": [{"fields": NEW}, {"fields": {}}]}, 201, ""),
    ("createIssues", {"issueUpdates": [{"fields": {}}]}, 400, ""),
    ("createIssue", {"fields": NEW, "update": FULL, "transition": {"id": "11"}, "properties": [PROPERTY]}, 201, ""),
    ("createIssue", {"fields": NEW, "transition": {"id": "99"}}, 201, ""),
    ("createIssue", {"fields": NEW, "update": {"worklog": [{"add": {"timeSpent": "long"}}]}}, 400, ""),
    ("createIssue", {"fields": {**NEW, "labels": []}, "update": {"labels": [{"add": "red"}]}}, 400, ""),
    (
        "createIssues",
        {"issueUpdates": [{"fields": NEW, "transition": {"id": "11"}}, {"fields": NEW, "update": BAD}]},
        201,
        "",
    ),
    ("editIssue", {"issueIdOrKey": A, "fields": {"summary": "Mend the door", "assignee": {"accountId": SAM}}}, 204, ""),
    ("editIssue", {"issueIdOrKey": A, "update": {"labels": [{"add": "red"}, {"add": "blue"}]}}, 204, ""),
    ("editIssue", {"issueIdOrKey": A, "update": {"labels": [{"remove": "red"}]}, "returnIssue": True}, 200, ""),
    ("editIssue", {"issueIdOrKey": A, "fields": {"labels": []}, "update": {"labels": [{"add": "x"}]}}, 400, ""),
    ("editIssue", {"issueIdOrKey": A, "fields": {"colour": 1, "summary": ""}}, 400, ""),
    ("editIssue", {"issueIdOrKey": "X-1", "fields": {"summary": "x"}}, 404, ""),
    ("editIssue", {"issueIdOrKey": A, "fields": {"timetracking": {"originalEstimate": "2d"}}}, 204, ""),
    ("assignIssue", {"issueIdOrKey": B, "accountId": SAM}, 204, ""),
    ("assignIssue", {"issueIdOrKey": B, "accountId": None}, 204, ""),
    ("assignIssue", {"issueIdOrKey": B, "accountId": "nobody"}, 400, ""),
    ("addComment", {"issueIdOrKey": A, "body": text("Hello")}, 201, "comment"),
    ("addComment", {"issueIdOrKey": A, "body": "Hello"}, 400, ""),
    ("addComment", {"issueIdOrKey": A, "body": {"type": "doc", "version": 1, "content": []}}, 400, ""),
    ("getComments", {"issueIdOrKey": A, "orderBy": "-created"}, 200, ""),
    ("getComments", {"issueIdOrKey": A, "orderBy": "author"}, 400, ""),
    ("getComment", {"issueIdOrKey": A, "id": "{comment}"}, 200, ""),
    ("getComment", {"issueIdOrKey": B, "id": "{comment}"}, 404, ""),
    ("updateComment", {"issueIdOrKey": A, "id": "{comment}", "body": text("Bye")}, 200, ""),
    ("updateComment", {"issueIdOrKey": A, "id": "{comment}", "body": "Bye"}, 400, ""),
    ("addWatcher", {"issueIdOrKey": A, "accountId": SAM}, 204, ""),
    ("addWatcher", {"issueIdOrKey": A, "accountId": "nobody"}, 404, ""),
    ("getIssueWatchers", {"issueIdOrKey": A}, 200, ""),
    ("removeWatcher", {"issueIdOrKey": A, "accountId": SAM}, 204, ""),
    ("removeWatcher", {"issueIdOrKey": A}, 400, ""),
    ("addVote", {"issueIdOrKey": A}, 204, ""),
    ("getVotes", {"issueIdOrKey": A}, 200, ""),
    ("removeVote", {"issueIdOrKey": A}, 204, ""),
    ("getIssueLinkTypes", {}, 200, ""),
    ("linkIssues", {"type": {"name": "Blocks"}, "inwardIssue": {"key": A}, "outwardIssue": {"key": B}}, 201, ""),
    ("linkIssues", {"type": {"name": "Haunts"}, "inwardIssue": {"key": A}, "outwardIssue": {"key": B}}, 404, ""),
    ("getIssue", {"issueIdOrKey": A, "fields": ["issuelinks"], "expand": "changelog"}, 200, "link"),
    ("getIssueLink", {"linkId": "{link}"}, 200, ""),
    ("getIssueLink", {"linkId": "9"}, 404, ""),
    ("deleteIssueLink", {"linkId": "{link}"}, 204, ""),
    ("createOrUpdateRemoteIssueLink", {"issueIdOrKey": A, "object": {"url": "http://x", "title": "X"}}, 201, ""),
    ("createOrUpdateRemoteIssueLink", {"issueIdOrKey": A, "object": {"url": "http://x"}}, 400, ""),
    ("getRemoteIssueLinks", {"issueIdOrKey": A}, 200, ""),
    ("addWorklog", {"issueIdOrKey": A, "timeSpent": "3h 20m"}, 201, "log"),
    ("addWorklog", {"issueIdOrKey": A, "timeSpent": "long"}, 400, ""),
    ("addWorklog", {"issueIdOrKey": A, "timeSpent": "1h", "adjustEstimate": "new"}, 400, ""),
    ("addWorklog", {"issueIdOrKey": A, "timeSpent": "1h", "adjustEstimate": "new", "newEstimate": "4h"}, 201, ""),
    ("getIssueWorklog", {"issueIdOrKey": A}, 200, ""),
    ("getWorklog", {"issueIdOrKey": A, "id": "{log}"}, 200, ""),
    ("updateWorklog", {"issueIdOrKey": A, "id": "{log}", "timeSpentSeconds": 60}, 200, ""),
    ("deleteWorklog", {"issueIdOrKey": A, "id": "{log}"}, 204, ""),
    ("getWorklog", {"issueIdOrKey": A, "id": "{log}"}, 404, ""),
    ("setIssueProperty", {"issueIdOrKey": A, "propertyKey": "k", "value": [1]}, 201, ""),
    ("setIssueProperty", {"issueIdOrKey": A, "propertyKey": "k", "value": None}, 200, ""),
    ("getIssuePropertyKeys", {"issueIdOrKey": A}, 200, ""),
    ("getIssueProperty", {"issueIdOrKey": A, "propertyKey": "k"}, 200, ""),
    ("deleteIssueProperty", {"issueIdOrKey": A, "propertyKey": "k"}, 204, ""),
    ("deleteIssueProperty", {"issueIdOrKey": A, "propertyKey": "k"}, 404, ""),
    ("addAttachment", {"issueIdOrKey": A, "file": [{"filename": "a.txt", "size": 3}]}, 200, "file"),
    ("getAttachment", {"id": "{file}"}, 200, ""),
    ("removeAttachment", {"id": "{file}"}, 204, ""),
    ("removeAttachment", {"id": "{file}"}, 404, ""),
    ("getTransitions", {"issueIdOrKey": A}, 200, ""),
    ("doTransition", {"issueIdOrKey": A, "transition": {"id": "11"}}, 204, ""),
    ("doTransition", {"issueIdOrKey": A, "transition": {"id": "11"}}, 400, ""),
    ("getTransitions", {"issueIdOrKey": A, "expand": "transitions.fields"}, 200, ""),
    ("doTransition", {"issueIdOrKey": A, "transition": {"id": "31"}}, 400, ""),
    ("doTransition", {"issueIdOrKey": A, "transition": {"id": "31"}, "fields": {"resolution": {"id": "1"}}}, 400, ""),
    ("doTransition", {"issueIdOrKey": A, "transition": {"id": "31"}, "fields": {"resolution": DUPLICATE}}, 204, ""),
    ("getEditIssueMeta", {"issueIdOrKey": A}, 200, ""),
    ("getEditIssueMeta", {"issueIdOrKey": "X-1"}, 404, ""),
    ("getChangeLogs", {"issueIdOrKey": A, "maxResults": 2}, 200, ""),
    ("getIssue", {"issueIdOrKey": A}, 200, ""),
    ("bulkFetchIssues", {"issueIdsOrKeys": [A, "X-1"]}, 200, ""),
    ("searchAndReconsileIssuesUsingJql", {"jql": "project = AA", "fields": ["summary"], "maxResults": 2}, 200, ""),
    ("searchAndReconsileIssuesUsingJqlPost", {"jql": "status = 'To Do'"}, 200, ""),
    ("searchAndReconsileIssuesUsingJqlPost", {"jql": ""}, 400, ""),
    ("countIssues", {"jql": "labels = blue"}, 200, ""),
    ("matchIssues", {"jqls": ["project = AA", "x ="], "issueIds": [1]}, 200, ""),
    ("parseJqlQueries", {"queries": QUERIES, "validation": "strict"}, 200, ""),
    ("parseJqlQueries", {"queries": QUERIES, "validation": "warn"}, 200, ""),
    ("parseJqlQueries", {"queries": [], "validation": "none"}, 400, ""),
    ("searchForIssuesUsingJql", {}, 410, ""),
    ("searchForIssuesUsingJqlPost", {}, 410, ""),
    ("getCurrentUser", {}, 200, ""),
    ("getUser", {"accountId": SAM}, 200, ""),
    ("getUser", {"accountId": "nobody"}, 404, ""),
    ("findUsers", {"query": "sam"}, 200, ""),
    ("findUsers", {}, 400, ""),
    ("findAssignableUsers", {"project": "AA"}, 200, ""),
    ("findAssignableUsers", {}, 400, ""),
    ("findUsersForPicker", {"query": "fie"}, 200, ""),
    ("findUsersForPicker", {}, 400, ""),
    ("searchProjects", {"query": "alp"}, 200, ""),
    ("getAllProjects", {}, 200, ""),
    ("getProject", {"projectIdOrKey": "aa"}, 200, ""),
    ("getProject", {"projectIdOrKey": "NOPE"}, 404, ""),
    ("getAllStatuses", {"projectIdOrKey": "AA"}, 200, ""),
    ("getProjectComponents", {"projectIdOrKey": "AA"}, 200, ""),
    ("getProjectVersions", {"projectIdOrKey": "AA"}, 200, ""),
    (
        "createComponent",
        {"name": "Roof", "project": "AA", "leadAccountId": SAM, "assigneeType": "COMPONENT_LEAD"},
        201,
        "component",
    ),
    ("createComponent", {"name": "Roof", "project": "AA"}, 400, ""),
    ("createComponent", {"name": "Roof", "project": "NOPE"}, 404, ""),
    ("createComponent", {"name": "Wall", "project": "AA", "leadAccountId": "nobody"}, 400, ""),
    ("getComponent", {"id": "{component}"}, 200, ""),
    ("getComponent", {"id": "1"}, 404, ""),
    ("updateComponent", {"id": "{component}", "name": "Top", "description": "All above"}, 200, ""),
    ("updateComponent", {"id": "{component}", "name": "House"}, 400, ""),
    ("updateComponent", {"id": "1", "name": "Top"}, 404, ""),
    ("createVersion", {"name": "1.0", "project": "AA"}, 400, ""),
    (
        "createVersion",
        {"name": "2.0", "project": "AA", "startDate": "2026-01-01", "releaseDate": "2026-01-02"},
        201,
        "version",
    ),
    ("createVersion", {"name": "3.0"}, 400, ""),
    ("createVersion", {"name": "3.0", "projectId": 1}, 404, ""),
    ("createVersion", {"name": "3.0", "project": "AA", "releaseDate": "soon"}, 400, ""),
    ("getVersion", {"id": "{version}"}, 200, ""),
    ("getVersion", {"id": "1"}, 404, ""),
    ("updateVersion", {"id": "{version}", "released": True, "description": "Out"}, 200, ""),
    ("updateVersion", {"id": "{version}", "moveUnfixedIssuesTo": "http://x/version/1"}, 400, ""),
    ("updateVersion", {"id": "1", "name": "x"}, 404, ""),
    ("getProjectVersionsPaginated", {"projectIdOrKey": "AA", "status": "released", "orderBy": "-name"}, 200, ""),
    ("getProjectVersionsPaginated", {"projectIdOrKey": "NOPE"}, 404, ""),
    ("createProject", {"key": "NEW", "name": "New", "leadAccountId": SAM, "projectTypeKey": "software"}, 201, ""),
    ("createProject", {"key": "new", "name": "alpha"}, 400, ""),
    ("createIssue", {"fields": {**NEW, "project": {"key": "NEW"}}}, 201, ""),
    ("getProject", {"projectIdOrKey": "NEW"}, 200, ""),
    ("getMyPermissions", {"permissions": "EDIT_ISSUES,ADMINISTER", "issueKey": B}, 200, ""),
    ("getMyPermissions", {"permissions": "BROWSE_PROJECTS", "commentId": "{comment}"}, 200, ""),
    ("getMyPermissions", {}, 400, ""),
    ("getMyPermissions", {"permissions": "FLY"}, 400, ""),
    ("getMyPermissions", {"permissions": "EDIT_ISSUES", "commentId": "{comment}"}, 400, ""),
    ("getMyPermissions", {"permissions": "EDIT_ISSUES", "projectKey": "NOPE"}, 404, ""),
    ("getAllPermissions", {}, 200, ""),
    ("getPriorities", {}, 200, "priority"),
    ("searchPriorities", {"priorityName": "high", "maxResults": 1}, 200, ""),
    ("searchPriorities", {"id": ["{priority}"], "onlyDefault": False}, 200, ""),
    ("getPriority", {"id": "{priority}"}, 200, ""),
    ("getPriority", {"id": "1"}, 404, ""),
    ("getResolutions", {}, 200, "resolution"),
    ("getResolution", {"id": "{resolution}"}, 200, ""),
    ("getResolution", {"id": "1"}, 404, ""),
    ("getStatuses", {}, 200, "status"),
    ("getStatus", {"idOrName": "{status}"}, 200, ""),
    ("getStatus", {"idOrName": "In Progress"}, 200, ""),
    ("getStatus", {"idOrName": "Lost"}, 404, ""),
    ("getStatusCategories", {}, 200, ""),
    ("getStatusCategory", {"idOrKey": "done"}, 200, ""),
    ("getStatusCategory", {"idOrKey": "9"}, 404, ""),
    ("getIssueAllTypes", {}, 200, "type"),
    ("getIssueType", {"id": "{type}"}, 200, ""),
    ("getIssueType", {"id": "1"}, 404, ""),
    ("searchProjects", {}, 200, "project"),
    ("getIssueTypesForProject", {"projectId": "{project}", "level": -1}, 200, ""),
    ("getIssueTypesForProject", {"projectId": 1}, 404, ""),
    ("getIssueTypesForProject", {}, 400, ""),
    ("getIssueLinkType", {"issueLinkTypeId": "10000"}, 200, ""),
    ("getIssueLinkType", {"issueLinkTypeId": "1"}, 404, ""),
    ("getCreateIssueMetaIssueTypes", {"projectIdOrKey": "AA"}, 200, ""),
    ("getCreateIssueMetaIssueTypes", {"projectIdOrKey": "AA", "maxResults": 201}, 400, ""),
    ("getCreateIssueMetaIssueTypeId", {"projectIdOrKey": "AA", "issueTypeId": "{type}"}, 200, ""),
    ("getCreateIssueMetaIssueTypeId", {"projectIdOrKey": "NOPE", "issueTypeId": "{type}"}, 400, ""),
    ("getCreateIssueMeta", {"projectKeys": ["AA"], "expand": "projects.issuetypes.fields"}, 200, ""),
    ("getAllLabels", {}, 200, ""),
    ("getServerInfo", {}, 200, ""),
    ("getAllBoards", {"projectKeyOrId": "AA"}, 200, "board"),
    ("getAllBoards", {"projectKeyOrId": "NOPE"}, 400, ""),
    ("getBoard", {"boardId": "{board}"}, 200, ""),
    ("getBoard", {"boardId": "9"}, 404, ""),
    ("getAllSprints", {"boardId": "{board}", "state": "closed"}, 200, "past"),
    ("getAllSprints", {"boardId": "{board}", "state": "lost"}, 400, ""),
    ("createSprint", {"name": "Next", "originBoardId": "{board}"}, 201, "sprint"),
    ("createSprint", {"name": "Next", "originBoardId": 9}, 404, ""),
    ("createSprint", {"name": " ", "originBoardId": "{board}"}, 400, ""),
    ("getSprint", {"sprintId": "{sprint}"}, 200, ""),
    ("moveIssuesToSprintAndRank", {"sprintId": "{sprint}", "issues": [A, B]}, 204, ""),
    ("moveIssuesToSprintAndRank", {"sprintId": "{sprint}", "issues": [A, "X-1"]}, 404, ""),
    ("moveIssuesToSprintAndRank", {"sprintId": "{past}", "issues": [A]}, 400, ""),
    ("moveIssuesToBacklog", {"issues": [B]}, 204, ""),
    ("moveIssuesToBacklog", {"issues": []}, 400, ""),
    ("partiallyUpdateSprint", {"sprintId": "{sprint}", "state": "active"}, 400, ""),
    ("partiallyUpdateSprint", {"sprintId": "{sprint}", **DATES, "state": "active"}, 200, ""),
    ("updateSprint", {"sprintId": "{sprint}", **DATES, "name": "Now", "state": "active"}, 200, ""),
    ("updateSprint", {"sprintId": "{sprint}", "name": "Now", "state": "future"}, 400, ""),
    ("getIssuesForBoard", {"boardId": "{board}", "jql": "sprint in openSprints()", "maxResults": 1}, 200, ""),
    ("getIssuesForBoard", {"boardId": "{board}", "jql": "x ="}, 400, ""),
    ("getIssuesForBacklog", {"boardId": "{board}", "fields": ["summary"]}, 200, ""),
    ("getIssuesForSprint", {"sprintId": "{sprint}"}, 200, ""),
    ("deleteSprint", {"sprintId": "{sprint}"}, 204, ""),
    ("deleteSprint", {"sprintId": "{sprint}"}, 404, ""),
    ("getFields", {}, 200, ""),
    ("deleteComment", {"issueIdOrKey": A, "id": "{comment}"}, 204, ""),
    ("deleteIssue", {"issueIdOrKey": A}, 400, ""),
    ("deleteIssue", {"issueIdOrKey": A, "deleteSubtasks": "true"}, 204, ""),
]
UNDECLARED_STATUS = {410}
"""Removed searches, which the document still lists as deprecated."""


def named(value, ids):
    """Return the arguments with the names of ids replaced by the ids."""
    if isinstance(value, dict):
        return {key: named(inner, ids) for key, inner in value.items()}
    return value.format(**ids) if isinstance(value, str) and value.startswith("{") else value


def id_of(body):
    """Return the id in a response body."""
    if isinstance(body, list):
        return body[0]["id"]
    if "values" in body:
        return str(body["values"][0]["id"])
    return body["fields"]["issuelinks"][0]["id"] if "issuelinks" in body.get("fields", {}) else body["id"]


def walk(validate):
    """Make every call; pass each response to `validate(operation, status, body)`."""
    simulator, ids = site(), {}
    issue = simulator.world.find("issues", key=A)[0]
    issue = {**issue, "fields": {**issue["fields"], "reporter": SAM}}
    simulator.world.table("issues")[issue["id"]] = issue
    for name, arguments, status, keep in WALK:
        before = simulator.world.digest()
        response = simulator.call(name, named(arguments, ids))
        assert response.status == status, (name, arguments, response)
        assert (simulator.world.digest() != before) == (simulator.operations[name].writes and response.ok), name
        if status not in UNDECLARED_STATUS:
            validate(simulator.operations[name], response.status, response.body)
        if keep:
            ids[keep] = id_of(response.body)
    return simulator


def test_every_operation__answers_as_expected_and_writes_only_if_it_is_a_write():
    walk(lambda operation, status, body: None)
    assert {name for name, *_ in WALK} == set(JIRA.by_name())


@pytest.mark.skipif(not SPECS.is_dir(), reason="the official documents are not at ../shared/specs")
def test_every_operation__holds_to_the_document():
    pytest.importorskip("jsonschema")
    walk(check)


def test_every_operation__the_same_bytes_twice():
    assert walk(lambda *answer: None).world == walk(lambda *answer: None).world


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("AA-1"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["id", "key", "name", "fields", "summary", "labels", "add", "body", "type", "content", "accountId", "parent"]
    ), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_every_operation__takes_any_json_without_raising(data):
    simulator = site()
    operation = data.draw(st.sampled_from(JIRA.operations))
    names = [parameter.name for parameter in operation.parameters] or ["x"]
    arguments = data.draw(st.dictionaries(st.sampled_from(names), JSON, max_size=len(names)))
    if "issueIdOrKey" in names:
        arguments["issueIdOrKey"] = "AA-1"
    before = simulator.world.digest()
    response = simulator.call(operation.name, arguments)
    json.dumps(response.body)
    assert response.ok or simulator.world.digest() == before
