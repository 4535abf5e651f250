"""CQL: what queries find, in which order, and which are invalid."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.confluence.cql import CqlError, parse
from tests.envs.confluence.site import TEXT, A, B, site


@pytest.fixture(scope="module")
def simulator():
    simulator = site()
    for title, text in (("Red fox", "runs fast"), ("Blue fox", "sleeps"), ("Plan", "red paint")):
        body = {**TEXT, "value": f"<p>{text}</p>"}
        simulator.call("createPage", {"spaceId": A, "parentId": B, "title": title, "body": body})
    page = simulator.world.find("pages", title="Plan")[0]["id"]
    simulator.call("addLabelsToContent", {"id": page, "labels": [{"prefix": "global", "name": "todo"}]})
    return simulator


@pytest.mark.parametrize(
    ("cql", "titles"),
    [
        ("title = 'Red fox'", ["Red fox"]),
        ("title ~ fox", ["Red fox", "Blue fox"]),
        ("title ~ fox and not title ~ red", ["Blue fox"]),
        ("title !~ fox and ancestor = 111116", ["Plan"]),
        ("text ~ red order by title desc", ["Red fox", "Plan"]),
        ("text ~ 'pai*'", ["Plan"]),
        ("label = TODO", ["Plan"]),
        ("label in (todo, other) or title = handbook and space = BB", ["Handbook", "Plan"]),
        ("(label = todo or title = handbook) and space = BB", ["Handbook"]),
        ("space not in (AA) and title = Handbook", ["Handbook"]),
        ("parent = 111116 and type = page order by title", ["Blue fox", "Plan", "Red fox"]),
        ("type = blogpost", []),
        ("creator = currentUser() and id = 111116", ["Handbook"]),
        ("created >= 2026-01-05 and title ~ fox", ["Red fox", "Blue fox"]),
        ("created < 2026-01-05", []),
        ("lastmodified > '2025-12-31' and label = todo", ["Plan"]),
        (r'title = "Red \"fox\""', []),
    ],
)
def test_search__finds(simulator, cql, titles):
    body = simulator.call("searchByCQL", {"cql": cql}).body
    assert [result["title"] for result in body["results"]] == titles
    assert body["totalSize"] == body["size"] == len(titles) and body["cqlQuery"] == cql
    content = simulator.call("searchContentByCQL", {"cql": cql}).body
    assert [result["title"] for result in content["results"]] == titles


@pytest.mark.parametrize(
    ("cql", "message"),
    [
        ("", "empty"),
        ("title", "expected an operator at the end"),
        ("title =", "expected a value at the end"),
        ("colour = red", "no field 'colour'"),
        ("title = red blue", "unexpected 'blue'"),
        ("(title = red", "expected ')'"),
        ("title in red", "expected '(' after IN"),
        ("title in (red", "expected ')' after the values"),
        ("space ~ AA", "not supported by the field 'space'"),
        ("title > a", "not supported by the field 'title'"),
        ("text = red", "searched with ~"),
        ("title = 'red", "unexpected character"),
        ("title = red order by colour", "cannot be ordered by 'colour'"),
        ("title = red order title", "expected BY"),
        ("title not red", "'red' is no operator"),
        ("not " * 300 + "title = red", "too long"),
        ("(" * 150, "expected a field"),
    ],
)
def test_search__refuses(simulator, cql, message):
    refused = simulator.call("searchByCQL", {"cql": cql})
    assert refused.status == 400 and message in refused.body["message"]


def test_search__pages_of_results_follow_each_other(simulator):
    first = simulator.call("searchByCQL", {"cql": "space = AA", "limit": 3}).body
    second = simulator.call("searchByCQL", {"cql": "space = AA", "limit": 3, "start": 3}).body
    assert (first["size"], second["size"], first["totalSize"]) == (3, 2, 5)
    assert "next" in first["_links"] and "next" not in second["_links"]


TOKENS = st.sampled_from(
    ["title", "label", "=", "~", "and", "or", "not", "in", "(", ")", ",", "'a b'", "a", "order", "by"]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TOKENS, max_size=12).map(" ".join) | st.text(max_size=30))
def test_parse__any_text_is_a_query_or_refused(text):
    simulator = site()
    try:
        query = parse(text)
    except CqlError:
        return
    for page in simulator.world.table("pages").values():
        assert query.test(simulator.world, page) in (True, False)
