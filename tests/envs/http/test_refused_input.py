"""Invalid requests are refused in the site's words; accepted values can be read again; nothing breaks the site."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.confluence import CONFLUENCE
from envs.example_site import made_up_site
from envs.http import Gateway, Request
from envs.jira import JIRA

KINDS = st.sampled_from(
    ["text", "paragraph", "heading", "doc", "mention", "emoji", "inlineCard", "panel", "strong", ""]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.text(max_size=3) | KINDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "content", "marks", "attrs", "level", "x"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)
NODES = st.fixed_dictionaries(
    {"type": KINDS | JUNK}, optional={"text": JUNK, "content": JUNK, "marks": JUNK, "attrs": JUNK}
)
DOCUMENTS = st.fixed_dictionaries(
    {"type": st.just("doc"), "version": st.just(1), "content": st.lists(NODES, max_size=3)}
)


@pytest.fixture
def gateway():
    return Gateway(made_up_site(), (JIRA, CONFLUENCE))


def ask(gateway, method, target, body=None):
    sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    answer = gateway.answer(Request(method, target, {}, sent))
    return answer.status, json.loads(answer.body) if answer.body[:1] in (b"{", b"[") else answer.body.decode()


def first(gateway, table):
    return next(iter(gateway.world.tables[table].values()))


@given(DOCUMENTS)
@settings(max_examples=200, deadline=None)
def test_rich_text__is_refused_or_can_be_read_in_both_versions(document):
    gateway = Gateway(made_up_site(2, 1), (JIRA, CONFLUENCE))
    key = first(gateway, "issues")["key"]
    status, answer = ask(gateway, "PUT", f"/rest/api/3/issue/{key}", {"fields": {"description": document}})
    assert status == 204 or (status == 400 and "Atlassian Document" in answer["errors"]["description"])
    for version, kind in ((3, dict), (2, str)):
        status, answer = ask(gateway, "GET", f"/rest/api/{version}/issue/{key}")
        assert status == 200 and isinstance(answer["fields"]["description"] or kind(), kind)


@pytest.mark.parametrize(
    "node",
    [
        {"type": "heading", "attrs": "x", "content": []},
        {"type": "text", "text": "a", "marks": [{"type": ["x"]}]},
        {"type": "text", "text": "a", "marks": [{"type": "link", "attrs": "z"}]},
        {"type": "text", "text": "a", "marks": "strong"},
    ],
)
def test_rich_text__of_malformed_nodes_is_refused(gateway, node):
    document = {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [node]}]}
    status, _ = ask(
        gateway, "PUT", f"/rest/api/3/issue/{first(gateway, 'issues')['key']}", {"fields": {"description": document}}
    )
    assert status == 400


def test_numbers__too_large_for_json_are_no_json(gateway):
    key = first(gateway, "issues")["key"]
    status, answer = ask(gateway, "PUT", f"/rest/api/3/issue/{key}/properties/a", b'{"n": 1e999}')
    assert status == 400 and "parsing JSON" in answer["errorMessages"][0]


def test_search__has_a_closed_body_and_bounded_lists(gateway):
    jql = {"jql": f"project = {first(gateway, 'projects')['key']}"}
    lenient = {"expand": None, "properties": None, "reconcileIssues": [], "fieldsByKeys": False}
    assert ask(gateway, "POST", "/rest/api/3/search/jql", jql | lenient)[0] == 200
    status, answer = ask(gateway, "POST", "/rest/api/3/search/jql", jql | {"foo": 1})
    assert (
        status == 400 and answer["errorMessages"][0].startswith("Invalid request payload.") and "errors" not in answer
    )
    assert ask(gateway, "POST", "/rest/api/3/search/jql", jql | {"reconcileIssues": list(range(51))})[0] == 400


def test_search__orders_by_at_most_seven_fields(gateway):
    names = "key, summary, status, created, updated, priority, duedate, labels".split(", ")
    for count, expected in ((7, 200), (8, 400)):
        order = f"project = {first(gateway, 'projects')['key']} ORDER BY {', '.join(names[:count])}"
        assert ask(gateway, "POST", "/rest/api/3/search/jql", {"jql": order})[0] == expected


def test_projects__are_ordered_by_what_there_is_to_order_by(gateway):
    status, answer = ask(gateway, "GET", "/rest/api/3/project/search?orderBy=zz")
    assert status == 400 and answer["errorMessages"] == [
        "The field to order by should be one of [name, key, owner, category, issueCount, lastIssueUpdatedTime, "
        "archivedDate, deletedDate]. Instead, it was: zz."
    ]
    many = Gateway(made_up_site(120), (JIRA, CONFLUENCE))
    keys = [project["key"] for project in ask(many, "GET", "/rest/api/3/project/search?orderBy=-key")[1]["values"]]
    assert keys == sorted(keys, reverse=True) and len(keys) == 3


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13-01", "tomorrow", "2026-1-1", 20260101])
def test_days__that_there_are_not_are_refused(gateway, day):
    key = first(gateway, "issues")["key"]
    assert ask(gateway, "PUT", f"/rest/api/3/issue/{key}", {"fields": {"duedate": day}})[0] == 400
    assert ask(gateway, "PUT", f"/rest/api/3/issue/{key}", {"fields": {"duedate": "2028-02-29"}})[0] == 204


def test_moments__of_work_and_sprints_are_moments(gateway):
    key, board = first(gateway, "issues")["key"], int(first(gateway, "boards")["id"])
    work = f"/rest/api/3/issue/{key}/worklog"
    assert ask(gateway, "POST", work, {"timeSpent": "1h", "started": "banana"})[0] == 400
    status, log = ask(gateway, "POST", work, {"timeSpent": "1h", "started": "2026-01-17T12:34:00.000+0000"})
    assert status == 201 and ask(gateway, "PUT", f"{work}/{log['id']}", {"started": "2026-02-30T00:00:00Z"})[0] == 400
    sprint = {"name": "Sprint", "originBoardId": board}
    for start, end, expected in (
        ("banana", "apple", 400),
        ("2026-02-02T00:00:00Z", "2026-02-01T00:00:00.000+01:00", 400),
        ("2026-02-01T00:00:00.000Z", "2026-02-15T00:00:00.000Z", 201),
    ):
        dates = {"startDate": start, "endDate": end}
        assert ask(gateway, "POST", "/rest/agile/1.0/sprint", sprint | dates)[0] == expected


def test_served_site__has_boards_with_a_sprint_to_come(gateway):
    boards = ask(gateway, "GET", "/rest/agile/1.0/board")[1]["values"]
    assert len(boards) == len(gateway.world.tables["projects"])
    assert ask(gateway, "GET", f"/rest/agile/1.0/board/{boards[0]['id']}/sprint")[1]["values"][0]["state"] == "future"


def test_spaces__come_in_pages_by_cursor():
    gateway = Gateway(made_up_site(2, 50), (JIRA, CONFLUENCE))
    ids, target = [], "/wiki/api/v2/spaces?limit=1"
    while target:
        status, answer = ask(gateway, "GET", target)
        assert status == 200 and len(answer["results"]) == 1
        ids += [space["id"] for space in answer["results"]]
        target = answer["_links"].get("next")
    assert ids == list(gateway.world.tables["spaces"]) and len(ids) == 3
    assert ask(gateway, "GET", "/wiki/api/v2/spaces?cursor=zzz")[0] == 400


def test_page__that_becomes_a_draft_may_be_version_1(gateway):
    page = next(page for page in gateway.world.tables["pages"].values() if page["parentId"])
    body = {"id": page["id"], "title": page["title"], "body": {"representation": "storage", "value": ""}}
    target = f"/wiki/api/v2/pages/{page['id']}"
    assert ask(gateway, "PUT", target, body | {"status": "current", "version": {"number": 2}})[0] == 200
    assert ask(gateway, "PUT", target, body | {"status": "current", "version": {"number": 1}})[0] == 409
    assert ask(gateway, "PUT", target, body | {"status": "draft", "version": {"number": 1}})[0] == 200


def test_homepage__stays_with_its_space(gateway):
    space = first(gateway, "spaces")
    assert ask(gateway, "DELETE", f"/wiki/api/v2/pages/{space['homepageId']}")[0] == 400
    assert ask(gateway, "POST", "/wiki/api/v2/pages", {"spaceId": space["id"], "title": "New"})[0] == 200
