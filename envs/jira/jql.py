"""JQL, the part that clients use: text -> a test of issues and an order.

query   = clauses [ORDER BY field [ASC|DESC] (, ...)]     AND binds more tightly than OR; NOT and parentheses as usual
clause  = field op value | field [NOT] IN (value, ...) | field IS [NOT] EMPTY      op: = != > >= < <= ~ !~
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from envs.jira.jql_fields import FIELDS, Jql, Unknown, clause, sort_key
from envs.world import Record, World

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(!=|!~|>=|<=|[=~<>(),])|([^\s=~<>(),!"\']+))')
_OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "~", "!~", "IN", "NOT IN", "IS", "IS NOT")
_MOST = 300
"""More tokens than any query needs; it bounds the nesting too."""
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
    """Read a query. Raises Jql with the site's sentence."""
    reader = _Reader(world, text)
    test = None if reader.at_end() or reader.peek() == "ORDER" else reader.any_of()
    return Query(test, reader.order())


def _tokens(text: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            rest = text[place:].lstrip()
            at = len(text) - len(rest) + 1
            if rest[0] in "\"'":
                raise Jql(f"Error in the JQL Query: The quoted string '{rest[1:]}' has not been completed. {where(at)}")
            raise Jql(f"Error in the JQL Query: The character '{rest[0]}' is a reserved JQL character. {where(at)}")
        found.append((match.group().strip(), match.end() - len(match.group().strip()) + 1))
        place = match.end()
        if len(found) > _MOST:
            raise Jql("Error in the JQL Query: The query is too long.")
    return found


def where(place: int) -> str:
    """A position as the site words it."""
    return f"(line 1, character {place})"


class _Reader:
    """A recursive descent over tokens, which it uses up."""

    def __init__(self, world: World, text: str) -> None:
        self.world, self.tokens = world, _tokens(text)

    def at_end(self) -> bool:
        """Whether all tokens are used up."""
        return not self.tokens

    def peek(self) -> str:
        """The next token in capitals, or an empty string."""
        return self.tokens[0][0].upper() if self.tokens else ""

    def next_is(self, *wanted: str) -> bool:
        """Take the next token if it is one of these."""
        if self.peek() in wanted:
            self.tokens.pop(0)
            return True
        return False

    def any_of(self) -> Test:
        """Clauses joined by OR."""
        tests = [self.all_of()]
        while self.next_is("OR", "||"):
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda world, issue: any(test(world, issue) for test in tests)

    def all_of(self) -> Test:
        """Clauses joined by AND."""
        tests = [self.one()]
        while self.next_is("AND", "&&"):
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda world, issue: all(test(world, issue) for test in tests)

    def one(self) -> Test:
        """A clause, perhaps negated or in parentheses."""
        if self.next_is("NOT"):
            inner = self.one()
            return lambda world, issue: not inner(world, issue)
        if self.next_is("("):
            inner = self.any_of()
            if not self.next_is(")"):
                raise Jql("Error in the JQL Query: Expecting ')' before the end of the query.")
            return inner
        if self.at_end():
            raise Jql("Error in the JQL Query: Expecting a field name at the end of the query.")
        name, place = self.tokens.pop(0)
        if name in ("=", "!=", "~", "!~", "<", ">", "<=", ">=", ")", ","):
            raise Jql(f"Error in the JQL Query: Expecting a field name but got '{name}'. {where(place)}")
        operator = self.operator()
        if operator in ("IS", "IS NOT") and self.peek() not in ("EMPTY", "NULL"):
            raise Jql("Error in JQL Query: Expecting either a value, list or function before the end of the query.")
        try:
            return clause(self.world, unquoted(name), operator, self.values(operator))
        except Unknown as error:
            raise Jql(str(error)) from None

    def operator(self) -> str:
        """The operator of a clause, of one or two words."""
        valid = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."
        if self.at_end():
            raise Jql(f"Error in the JQL Query: Expecting operator before the end of the query. {valid}")
        found, place = self.tokens.pop(0)
        name = found.upper()
        if name == "NOT" and self.next_is("IN"):
            return "NOT IN"
        if name == "IS" and self.next_is("NOT"):
            return "IS NOT"
        if name not in _OPERATORS:
            raise Jql(f"Error in the JQL Query: Expecting operator but got '{found}'. {valid} {where(place)}")
        return name

    def values(self, operator: str) -> list[str]:
        """The value of a clause, or those of its list."""
        if operator not in ("IN", "NOT IN"):
            return [self.value()]
        if not self.next_is("("):
            return [self.value()]
        found = [self.value()]
        while self.next_is(","):
            found.append(self.value())
        if not self.next_is(")"):
            raise Jql("Error in the JQL Query: Expecting ')' before the end of the query.")
        return found

    def value(self) -> str:
        """A value; of a function, the name with its argument in parentheses; of a quoted one, the quotes remain."""
        if self.at_end() or self.tokens[0][0] in ("(", ")", ","):
            raise Jql("Error in JQL Query: Expecting either a value, list or function before the end of the query.")
        found = self.tokens.pop(0)[0]
        if self.next_is("("):
            inner = "" if self.peek() == ")" else self.value()
            if not self.next_is(")"):
                raise Jql("Error in the JQL Query: Expecting ')' before the end of the query.")
            return f"{found}({unquoted(inner)})"
        return unquoted(found)

    def order(self) -> tuple[tuple[str, bool], ...]:
        """The fields to sort by, at most seven."""
        if self.at_end():
            return ()
        found, place = self.tokens.pop(0)
        if found.upper() != "ORDER":
            raise Jql(f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{found}'. {where(place)}")
        fields: list[tuple[str, bool]] = []
        if not self.next_is("BY"):
            raise Jql("Error in the JQL Query: Expecting 'by' after 'order'.")
        while not fields or self.next_is(","):
            if self.at_end():
                raise Jql("Error in the JQL Query: Expecting a field name at the end of the query.")
            name = unquoted(self.tokens.pop(0)[0]).lower()
            if name not in FIELDS:
                raise Jql(f"Not able to sort using field '{name}'.")
            fields.append((name, self.next_is("DESC") or (self.next_is("ASC") and False)))
        if not self.at_end():
            raise Jql(
                f"Error in the JQL Query: Expecting ',' but got '{self.tokens[0][0]}'. {where(self.tokens[0][1])}"
            )
        return tuple(fields[:7])


def unquoted(text: str) -> str:
    """A value without its quotes and escapes."""
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text
