"""JQL trees: parsing inverts writing, and agrees with searching."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.jira.jql_structure import structure
from envs.jira.jql_tree import Clause, Compound, Sort, Tree, Value, read
from tests.envs.jira.site import site

OPERATORS = "Expecting operator but got 'query'. The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~',"
# The official document's own example: what is wrong with each of these.
WRONG = [
    ("invalid query", "errors", f"Error in the JQL Query: {OPERATORS} 'IN', 'NOT IN', 'IS' and 'IS NOT'. "
     "(line 1, character 9)"),
    ("summary = test", "errors", "The operator '=' is not supported by the 'summary' field."),
    ("summary in test", "errors", "Operator 'in' does not support the non-list value '\"test\"' for field 'summary'."),
    ("project = INVALID", "warnings", "The value 'INVALID' does not exist for the field 'project'."),
    ("universe = 42", "errors", "Field 'universe' does not exist or you do not have permission to view it."),
    ("key = AA-1 order by universe", "errors", "Not able to sort using field 'universe'."),
]  # fmt: skip


def parsed(*queries, validation="strict"):
    return site().call("parseJqlQueries", {"queries": list(queries), "validation": validation}).body["queries"]


@pytest.mark.parametrize(("query", "where", "sentence"), WRONG)
def test_parse__strict_tells_what_is_wrong_and_no_structure(query, where, sentence):
    assert parsed(query) == [{"query": query, where: [sentence]}]


def test_parse__reports_every_problem_of_a_query_once():
    (answer,) = parsed("project = LOST and (summary = x or not universe = 1) and project = LOST")
    assert (len(answer["errors"]), len(answer["warnings"])) == (2, 1)


def test_parse__warn_shows_the_structure_in_spite_of_problems_and_none_looks_nothing_up():
    (warned,), (plain,) = (parsed("project = LOST", validation=how) for how in ("warn", "none"))
    assert "structure" in warned and warned["warnings"]
    assert plain == {"query": "project = LOST", "structure": warned["structure"]}
    assert "structure" not in parsed("project =", validation="none")[0]


def test_structure__says_what_a_query_says():
    query = "project = AA and (labels in (red, 'dark blue') or not \"due\" is not EMPTY) order by key desc, created"
    labels = {"name": "labels", "encodedName": "labels"}
    values = [{"value": "red", "encodedValue": "red"}, {"value": "dark blue", "encodedValue": "'dark blue'"}]
    either = [
        {"field": labels, "operator": "in", "operand": {"values": values, "encodedOperand": "(red, 'dark blue')"}},
        {"operator": "not", "clauses": [
            {"field": {"name": "due", "encodedName": '"due"'}, "operator": "is not", "operand": {"keyword": "empty"}}
        ]},
    ]  # fmt: skip
    project = {"field": {"name": "project", "encodedName": "project"}, "operator": "="}
    project["operand"] = {"value": "AA", "encodedValue": "AA"}
    assert structure(read(query)) == {
        "where": {"operator": "and", "clauses": [project, {"operator": "or", "clauses": either}]},
        "orderBy": {"fields": [
            {"field": {"name": "key", "encodedName": "key"}, "direction": "desc"},
            {"field": {"name": "created", "encodedName": "created"}},
        ]},
    }  # fmt: skip


WORDS = st.sampled_from(["AA", "red", '"dark blue"', "'it''s'", "-7d", "EMPTY", '"a \\" b"'])
VALUES = st.builds(lambda word: read(f"x = {word}").where.values[0], WORDS.filter(lambda w: "''" not in w)) | st.builds(
    lambda name, inner: Value(f"{name}({inner})", f"{name}({inner})", name, (inner,) if inner else ()),
    st.sampled_from(["now", "startOfDay"]), st.sampled_from(["", "-1d"]),
)  # fmt: skip
FIELDS = st.sampled_from(["project", '"due date"', "cf[1]"])
CLAUSES = st.builds(
    lambda field, operator, value: Clause(field, operator, (value,), False),
    FIELDS, st.sampled_from(["=", "!=", "<=", "~", "!~", "IN"]), VALUES,
) | st.builds(
    lambda field, operator, values: Clause(field, operator, tuple(values), True),
    FIELDS, st.sampled_from(["IN", "NOT IN"]), st.lists(VALUES, min_size=1, max_size=3),
)  # fmt: skip
NODES = st.recursive(
    CLAUSES,
    lambda inner: st.builds(
        lambda operator, nodes: Compound(operator, tuple(nodes)),
        st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3),
    ) | st.builds(lambda node: Compound("not", (node,)), inner),
    max_leaves=6,
)  # fmt: skip
ORDERS = st.lists(st.builds(Sort, FIELDS, st.sampled_from(["asc", "desc", ""])), max_size=3).map(tuple)


def written(node) -> str:
    """Return a tree as a query, with every compound in parentheses."""
    if isinstance(node, Compound):
        parts = [f"({written(inner)})" if isinstance(inner, Compound) else written(inner) for inner in node.clauses]
        return f"not {parts[0]}" if node.operator == "not" else f" {node.operator} ".join(parts)
    values = ", ".join(value.written for value in node.values)
    return f"{node.field} {node.operator} {f'({values})' if node.listed else values}"


@given(NODES, ORDERS)
@settings(max_examples=80, deadline=None)
def test_read__gives_back_the_tree_that_was_written(where, order):
    sorts = ", ".join(f"{term.field} {term.direction}" for term in order)
    text = written(where) + (f" order by {sorts}" if sorts else "")
    assert read(text) == Tree(where, order)


@given(st.lists(st.sampled_from(["project", "summary", "=", "~", "in", "(", ")", "AA", "'x y'", "and", "or", "not",
                                 "is", "empty", "order", "by", "key", ",", "desc", "now()"]), max_size=12))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_parse__finds_nothing_wrong_exactly_where_a_search_is_answered(parts):
    query = " ".join(["key = AA-1 and", *parts])
    searched = site().call("searchAndReconsileIssuesUsingJqlPost", {"jql": query})
    (answer,) = parsed(query)
    assert (searched.status == 200) == ("structure" in answer), (query, answer, searched)
    if searched.status == 400:
        assert searched.body["errorMessages"][0] in [*answer.get("errors", []), *answer.get("warnings", [])]
