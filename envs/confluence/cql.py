"""CQL, the part that clients use: text -> a predicate on pages and an order.

query     = clauses [ORDER BY field [ASC|DESC] (, ...)]
clauses   = clause ((AND|OR) clause)*         AND binds more tightly; NOT and parentheses as usual
clause    = field (=|!=|~|!~|>|>=|<|<=) value | field [NOT] IN (value, ...)
fields    = type space title text label creator ancestor parent id created lastmodified
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from envs.api.world import Record, World
from envs.confluence.tree import above

FIELDS = ("type", "space", "title", "text", "label", "creator", "ancestor", "parent", "id", "created", "lastmodified")
_TOKEN = re.compile(
    r"""\s*(?:("(?:[^"\\]|\\.)*")|('(?:[^'\\]|\\.)*')|(\w+\(\))|(!=|!~|>=|<=|[=~<>(),])|([^\s=~<>(),!"']+))"""
)
_TEXTUAL, _TIMES = ("title", "text"), ("created", "lastmodified")
_MOST = 200
"""More tokens than any query needs; it bounds the nesting too."""
Test = Callable[[World, Record], bool]


class CqlError(ValueError):
    """A query that cannot be read; the message says where."""


@dataclass(frozen=True)
class Query:
    """What a query asks for."""

    test: Test
    order: tuple[tuple[str, bool], ...]
    """(field, descending), the first one first."""


def parse(text: str) -> Query:
    """Read a query. Raises CqlError."""
    reader = _Reader(_tokens(text))
    test = reader.any_of()
    order = reader.order()
    if reader.tokens:
        raise CqlError(f"unexpected {reader.tokens[0]!r}")
    return Query(test, order)


def _tokens(text: str) -> list[str]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            raise CqlError(f"unexpected character at position {place}")
        found.append(match.group().strip())
        place = match.end()
        if len(found) > _MOST:
            raise CqlError("the query is too long")
    if not found:
        raise CqlError("the query is empty")
    return found


class _Reader:
    """A recursive descent over tokens, which it uses up."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def next_is(self, *wanted: str) -> bool:
        """Take the next token if it is one of these."""
        if self.tokens and self.tokens[0].upper() in wanted:
            self.tokens.pop(0)
            return True
        return False

    def take(self, what: str) -> str:
        """The next token."""
        if not self.tokens:
            raise CqlError(f"expected {what} at the end of the query")
        return self.tokens.pop(0)

    def any_of(self) -> Test:
        """Clauses joined by OR."""
        tests = [self.all_of()]
        while self.next_is("OR"):
            tests.append(self.all_of())
        return lambda world, page: any(test(world, page) for test in tests)

    def all_of(self) -> Test:
        """Clauses joined by AND."""
        tests = [self.clause()]
        while self.next_is("AND"):
            tests.append(self.clause())
        return lambda world, page: all(test(world, page) for test in tests)

    def clause(self) -> Test:
        """One clause, or several in parentheses."""
        if self.next_is("NOT"):
            inner = self.clause()
            return lambda world, page: not inner(world, page)
        if self.next_is("("):
            inner = self.any_of()
            if not self.next_is(")"):
                raise CqlError("expected ')'")
            return inner
        field = self.take("a field").lower()
        if field not in FIELDS:
            raise CqlError(f"there is no field {field!r}")
        negated = self.next_is("NOT")
        if self.next_is("IN"):
            return _compared(field, "!=" if negated else "=", self.values())
        operator = self.take("an operator")
        if negated or operator not in ("=", "!=", "~", "!~", ">", ">=", "<", "<="):
            raise CqlError(f"{operator!r} is no operator")
        return _compared(field, operator, [_value(self.take("a value"))])

    def values(self) -> list[str]:
        """A list in parentheses."""
        if not self.next_is("("):
            raise CqlError("expected '(' after IN")
        found = [_value(self.take("a value"))]
        while self.next_is(","):
            found.append(_value(self.take("a value")))
        if not self.next_is(")"):
            raise CqlError("expected ')' after the values")
        return found

    def order(self) -> tuple[tuple[str, bool], ...]:
        """What follows ORDER BY."""
        if not self.next_is("ORDER"):
            return ()
        if not self.next_is("BY"):
            raise CqlError("expected BY after ORDER")
        found = []
        while True:
            field = self.take("a field").lower()
            if field not in ("title", *_TIMES, "id"):
                raise CqlError(f"results cannot be ordered by {field!r}")
            descending = self.next_is("DESC")
            if not descending:
                self.next_is("ASC")
            found.append((field, descending))
            if not self.next_is(","):
                return tuple(found)


def _value(token: str) -> str:
    if token[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    if token in ("(", ")", ","):
        raise CqlError(f"expected a value but got {token!r}")
    return token


def _compared(field: str, operator: str, values: list[str]) -> Test:
    if operator in ("~", "!~") and field not in _TEXTUAL or operator[0] in "<>" and field not in _TIMES:
        raise CqlError(f"the operator {operator!r} is not supported by the field {field!r}")
    if field == "text" and operator in ("=", "!="):
        raise CqlError("the field 'text' is searched with ~")

    def holds(world: World, page: Record) -> bool:
        return any(_one(world, page, field, operator.lstrip("!") or "=", value) for value in values)

    return (lambda world, page: not holds(world, page)) if operator[0] == "!" else holds


def _one(world: World, page: Record, field: str, operator: str, value: str) -> bool:
    if operator == "~":
        said = page["title"] if field == "title" else f"{page['title']} {re.sub('<[^>]*>', ' ', page['body']['value'])}"
        there = {word.lower() for word in re.findall(r"\w+", said)}
        return all(_has(there, word.lower()) for word in re.findall(r"[\w*]+", value))
    found = values_of(world, page, field)
    if field in _TIMES:
        mine, given = found[0], value
        # A date alone means the whole day.
        mine = mine[: len(given)]
        return {"=": mine == given, ">": mine > given, ">=": mine >= given, "<": mine < given, "<=": mine <= given}[
            operator
        ]
    if value == "currentUser()" and field == "creator":
        value = world.me
    return value.lower() in (one.lower() for one in found)


def _has(words: set[str], wanted: str) -> bool:
    return any(word.startswith(wanted[:-1]) for word in words) if wanted.endswith("*") else wanted in words


def values_of(world: World, page: Record, field: str) -> list[str]:
    """What a page has in a field."""
    if field == "label":
        return [one["name"] for one in page.get("labels", [])]
    if field == "ancestor":
        return [one["id"] for one in above(world, page)]
    times = {"created": page["createdAt"], "lastmodified": page.get("updatedAt", page["createdAt"])}
    if field in times:
        return [datetime.fromtimestamp(times[field] / 1000, UTC).strftime("%Y-%m-%d %H:%M")]
    space = world.table("spaces")[page["spaceId"]]
    single = {"type": "page", "space": space["key"], "title": page["title"], "creator": world.me}
    return [single.get(field) or str({"parent": page["parentId"], "id": page["id"]}.get(field))]
