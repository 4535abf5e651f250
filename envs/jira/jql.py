"""JQL, the part that clients use: a tree of clauses (see `jql_tree`) -> a test of a site's issues, and an order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from envs.api.world import Record, World
from envs.jira.jql_fields import FIELDS, Unknown, UnknownValue, clause, sort_key
from envs.jira.jql_tree import Clause, Compound, Jql, Sort, Tree, read, unquoted

UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
Test = Callable[[World, Record], bool]


@dataclass(frozen=True)
class Query:
    """What a query asks for."""

    test: Test | None
    """None for a query without restriction."""
    order: tuple[tuple[str, bool], ...]
    """(field, descending), the first one first."""

    def run(self, world: World) -> list[Record]:
        """The issues found, in order; the latest first where the query does not say."""
        test = self.test
        found = [issue for issue in world.tables.get("issues", {}).values() if test is None or test(world, issue)]
        if not self.order:
            return found[::-1]
        for name, descending in reversed(self.order):
            found.sort(key=lambda issue, name=name: sort_key(world, issue, name), reverse=descending)  # type: ignore[misc]
        return found


def parse(world: World, text: str) -> Query:
    """Read a query and what it names on the site. Raises Jql with the site's sentence, for its syntax first."""
    tree = read(text)
    test = None if tree.where is None else _test(world, tree.where)
    return Query(test, tuple((_sorted_by(one), one.direction == "desc") for one in tree.order))


def problems(world: World, tree: Tree) -> Iterator[tuple[str, bool]]:
    """What the site cannot do of a query, one sentence per clause, and whether it is only a value that there is not."""
    for one in [] if tree.where is None else _clauses(tree.where):
        try:
            _test(world, one)
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
        told = f"Operator '{node.operator.lower()}' does not support the non-list value '\"{values[0].text}\"'"
        raise Jql(f"{told} for field '{name}'.")
    return clause(world, name, node.operator, [value.text for value in values])


def _sorted_by(sort: Sort) -> str:
    name = unquoted(sort.field).lower()
    if name not in FIELDS:
        raise Unknown(f"Not able to sort using field '{name}'.")
    return name
