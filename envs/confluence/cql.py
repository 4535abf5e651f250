"""Parse CQL, as far as clients use it: from text to a test of pages and an order.

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
"""Most tokens of a query, which also bounds the nesting."""
Test = Callable[[World, Record], bool]


class CqlError(ValueError):
    """A query that cannot be parsed; the message says why."""


@dataclass(frozen=True)
class Query:
    """A parsed query."""

    test: Test
    order: tuple[tuple[str, bool], ...]
    """(field, descending), most significant first."""


def parse(text: str) -> Query:
    """Parse a query. Raises CqlError."""
    reader = _Reader(_tokens(text))
    test = reader.any_of()
    order = reader.order()
    if reader.tokens:
        raise CqlError(f"unexpected {reader.tokens[0]!r}")
    return Query(test, order)


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            raise CqlError(f"unexpected character at position {position}")
        tokens.append(match.group().strip())
        position = match.end()
        if len(tokens) > _MOST:
            raise CqlError("the query is too long")
    if not tokens:
        raise CqlError("the query is empty")
    return tokens


class _Reader:
    """A recursive-descent parser that consumes its tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def next_is(self, *expected: str) -> bool:
        """Consume the next token if it is one of these; return whether it was."""
        if self.tokens and self.tokens[0].upper() in expected:
            self.tokens.pop(0)
            return True
        return False

    def take(self, what: str) -> str:
        """Consume and return the next token; `what` names it in the error at the end of the query."""
        if not self.tokens:
            raise CqlError(f"expected {what} at the end of the query")
        return self.tokens.pop(0)

    def any_of(self) -> Test:
        """Parse clauses joined by OR."""
        tests = [self.all_of()]
        while self.next_is("OR"):
            tests.append(self.all_of())
        return lambda world, page: any(test(world, page) for test in tests)

    def all_of(self) -> Test:
        """Parse clauses joined by AND."""
        tests = [self.clause()]
        while self.next_is("AND"):
            tests.append(self.clause())
        return lambda world, page: all(test(world, page) for test in tests)

    def clause(self) -> Test:
        """Parse one clause, which may be negated, or several in parentheses."""
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
        """Parse a list in parentheses."""
        if not self.next_is("("):
            raise CqlError("expected '(' after IN")
        values = [_value(self.take("a value"))]
        while self.next_is(","):
            values.append(_value(self.take("a value")))
        if not self.next_is(")"):
            raise CqlError("expected ')' after the values")
        return values

    def order(self) -> tuple[tuple[str, bool], ...]:
        """Parse ORDER BY and its fields."""
        if not self.next_is("ORDER"):
            return ()
        if not self.next_is("BY"):
            raise CqlError("expected BY after ORDER")
        fields = []
        while True:
            field = self.take("a field").lower()
            if field not in ("title", *_TIMES, "id"):
                raise CqlError(f"results cannot be ordered by {field!r}")
            descending = self.next_is("DESC")
            if not descending:
                self.next_is("ASC")
            fields.append((field, descending))
            if not self.next_is(","):
                return tuple(fields)


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
        return any(_matches(world, page, field, operator.lstrip("!") or "=", value) for value in values)

    return (lambda world, page: not holds(world, page)) if operator[0] == "!" else holds


def _matches(world: World, page: Record, field: str, operator: str, value: str) -> bool:
    """Return whether a page matches one value of a clause."""
    if operator == "~":
        text = page["title"] if field == "title" else f"{page['title']} {re.sub('<[^>]*>', ' ', page['body']['value'])}"
        words = {word.lower() for word in re.findall(r"\w+", text)}
        return all(_has(words, word.lower()) for word in re.findall(r"[\w*]+", value))
    field_values = values_of(world, page, field)
    if field in _TIMES:
        # A date without a time means the whole day.
        time = field_values[0][: len(value)]
        return {"=": time == value, ">": time > value, ">=": time >= value, "<": time < value, "<=": time <= value}[
            operator
        ]
    if value == "currentUser()" and field == "creator":
        value = world.me
    return value.lower() in (each.lower() for each in field_values)


def _has(words: set[str], pattern: str) -> bool:
    return any(word.startswith(pattern[:-1]) for word in words) if pattern.endswith("*") else pattern in words


def values_of(world: World, page: Record, field: str) -> list[str]:
    """Return a page's values of a field."""
    if field == "label":
        return [label["name"] for label in page.get("labels", [])]
    if field == "ancestor":
        return [ancestor["id"] for ancestor in above(world, page)]
    times = {"created": page["createdAt"], "lastmodified": page.get("updatedAt", page["createdAt"])}
    if field in times:
        return [datetime.fromtimestamp(times[field] / 1000, UTC).strftime("%Y-%m-%d %H:%M")]
    space = world.table("spaces")[page["spaceId"]]
    single = {"type": "page", "space": space["key"], "title": page["title"], "creator": world.me}
    return [single.get(field) or str({"parent": page["parentId"], "id": page["id"]}.get(field))]
