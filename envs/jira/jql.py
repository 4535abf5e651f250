"""Compile JQL, as far as clients use it: from a tree of clauses (see `jql_tree`) to a test of issues and an order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from envs.api.world import Record, World
from envs.jira.jql_fields import FIELDS, Unknown, UnknownValue, clause, sort_key
from envs.jira.jql_tree import Clause, Compound, Jql, Sort, Tree, read, unquoted

UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
Test = Callable[[World, Record], bool]


@dataclass(frozen=True)
class Query:
    """A compiled query."""

    test: Test | None
    """Returns whether an issue matches; None for a query without a restriction."""
    order: tuple[tuple[str, bool], ...]
    """(field, descending), most significant first."""

    def run(self, world: World) -> list[Record]:
        """Return the matching issues in the query's order; without one, latest first."""
        test = self.test
        issues = [issue for issue in world.tables.get("issues", {}).values() if test is None or test(world, issue)]
        if not self.order:
            return issues[::-1]
        for name, descending in reversed(self.order):
            issues.sort(key=lambda issue, name=name: sort_key(world, issue, name), reverse=descending)  # type: ignore[misc]
        return issues


def parse(world: World, text: str) -> Query:
    """Parse a query and resolve its values on the site. Raises Jql with the site's sentence, syntax errors first."""
    tree = read(text)
    test = None if tree.where is None else _test(world, tree.where)
    return Query(test, tuple((_sorted_by(sort), sort.direction == "desc") for sort in tree.order))


def problems(world: World, tree: Tree) -> Iterator[tuple[str, bool]]:
    """Yield (error sentence, whether it is only an unknown value) for each clause and sort field that fails."""
    for node in [] if tree.where is None else _clauses(tree.where):
        try:
            _test(world, node)
        except UnknownValue as error:
            yield str(error), True
        except Jql as error:
            yield str(error), False
    for sort in tree.order:
        try:
            _sorted_by(sort)
        except Jql as error:
            yield str(error), False


def _clauses(node: Clause | Compound) -> Iterator[Clause]:
    if isinstance(node, Clause):
        yield node
    else:
        for inner in node.clauses:
            yield from _clauses(inner)


def _test(world: World, node: Clause | Compound) -> Test:
    if isinstance(node, Clause):
        return _of_clause(world, node)
    tests = [_test(world, inner) for inner in node.clauses]
    if node.operator == "not":
        return lambda world, issue: not tests[0](world, issue)
    if node.operator == "and":
        return lambda world, issue: all(test(world, issue) for test in tests)
    return lambda world, issue: any(test(world, issue) for test in tests)


def _of_clause(world: World, node: Clause) -> Test:
    name, values = unquoted(node.field), node.values
    lists = node.operator in ("IN", "NOT IN")
    if lists and not node.listed and not values[0].function and name.lower() in FIELDS:
        error = f"Operator '{node.operator.lower()}' does not support the non-list value '\"{values[0].text}\"'"
        raise Jql(f"{error} for field '{name}'.")
    return clause(world, name, node.operator, [value.text for value in values])


def _sorted_by(sort: Sort) -> str:
    name = unquoted(sort.field).lower()
    if name not in FIELDS:
        raise Unknown(f"Not able to sort using field '{name}'.")
    return name
