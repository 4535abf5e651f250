"""parseJqlQueries: the structure of JQL queries, and their errors."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import World
from envs.jira.endpoint import endpoint
from envs.jira.jql import problems
from envs.jira.jql_tree import Clause, Compound, Jql, Tree, Value, read, unquoted
from envs.jira.replies import global_error


def structure(tree: Tree) -> dict[str, Json]:
    """Return a body of schema JqlQuery."""
    body: dict[str, Json] = {} if tree.where is None else {"where": _clause(tree.where)}
    if tree.order:
        fields = [
            {"field": _field(sort.field), **({"direction": sort.direction} if sort.direction else {})}
            for sort in tree.order
        ]
        body["orderBy"] = {"fields": fields}
    return body


def _clause(node: Clause | Compound) -> dict[str, Json]:
    """Return a body of schema CompoundClause or FieldValueClause."""
    if isinstance(node, Compound):
        return {"clauses": [_clause(inner) for inner in node.clauses], "operator": node.operator}
    return {"field": _field(node.field), "operand": _operand(node), "operator": node.operator.lower()}


def _field(written: str) -> dict[str, Json]:
    """Return a body of schema JqlQueryField."""
    return {"name": unquoted(written), "encodedName": written}


def _operand(node: Clause) -> dict[str, Json]:
    """Return a body of schema JqlQueryClauseOperand."""
    if not node.listed:
        return _value(node.values[0])
    encoded = f"({', '.join(value.written for value in node.values)})"
    return {"values": [_value(value) for value in node.values], "encodedOperand": encoded}


def _value(value: Value) -> dict[str, Json]:
    """Return a body of schema JqlQueryUnitaryOperand."""
    if value.function:
        return {"function": value.function, "arguments": [*value.arguments], "encodedOperand": value.written}
    return {"keyword": "empty"} if value.empty else {"value": value.text, "encodedValue": value.written}


def parsed(world: World, text: str, validation: str) -> dict[str, Json]:
    """Return a body of schema ParsedJqlQuery.

    `validation` is "strict" (no structure if there are problems), "warn" (the structure in any case) or "none" (syntax
    only, nothing is looked up on the site).
    """
    try:
        tree = read(text)
    except Jql as error:
        return {"query": text, "errors": [str(error)]}
    problem_list = [] if validation == "none" else list(dict.fromkeys(problems(world, tree)))
    # Unknown values are only warnings, because they may exist later.
    by_kind = {
        "errors": [sentence for sentence, unknown_value in problem_list if not unknown_value],
        "warnings": [sentence for sentence, unknown_value in problem_list if unknown_value],
    }
    body: dict[str, Json] = {"query": text, **{name: sentences for name, sentences in by_kind.items() if sentences}}
    return body if problem_list and validation == "strict" else {**body, "structure": structure(tree)}


def parse_queries(world: World, arguments: Mapping[str, Json]) -> Response:
    """parseJqlQueries: 200 with the structure or the errors of every query; 400 without a query."""
    queries = arguments.get("queries") or []
    if not queries:
        return global_error(400, "At least one query must be given.")
    validation = arguments.get("validation", "strict")
    return Response(200, {"queries": [parsed(world, text, validation) for text in queries]})


_VALIDATION = {"type": "string", "enum": ["strict", "warn", "none"]}
PARSE_QUERIES = endpoint(
    "parseJqlQueries", "POST /jql/parse", "Parses queries in JQL and tells what is wrong with them.", parse_queries,
    Parameter("validation", "query", _VALIDATION, required=True),
    Parameter("queries", "body", {"type": "array", "items": {"type": "string"}}, required=True), reads=True,
    keep=("queries.query", "queries.errors", "queries.warnings"),
)  # fmt: skip
