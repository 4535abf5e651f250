"""Parse JQL: from text to a tree of clauses and an order. Reading a query needs no site, only running it does.

query   = clauses [ORDER BY field [ASC|DESC] (, ...)]     AND binds more tightly than OR; NOT and parentheses as usual
clause  = field op value | field [NOT] IN (value, ...) | field IS [NOT] EMPTY      op: = != > >= < <= ~ !~
"""

import re
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(!=|!~|>=|<=|[=~<>(),])|([^\s=~<>(),!"\']+))')
_OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "~", "!~", "IN", "NOT IN", "IS", "IS NOT")
_MOST = 300
"""Most tokens of a query, which also bounds the nesting."""
_NO_VALUE = "Error in JQL Query: Expecting either a value, list or function before the end of the query."
_NO_FIELD = "Error in the JQL Query: Expecting a field name at the end of the query."
_NO_END = "Error in the JQL Query: Expecting ')' before the end of the query."


class Jql(ValueError):
    """A query that cannot be read or run; the message is the site's sentence."""


_MOST_SORTS = 7
"""Most fields to sort by, as documented for searches."""


@dataclass(frozen=True)
class Value:
    """One value of a clause."""

    written: str
    """The source text, quotes included."""
    text: str
    """The value without quotes; for a function, its name and its arguments in parentheses."""
    function: str = ""
    """The name if the value is a function, otherwise empty."""
    arguments: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the value is a keyword for no value."""
        return self.written.upper() in ("EMPTY", "NULL")


@dataclass(frozen=True)
class Clause:
    """A comparison of a field with values."""

    field: str
    """The source text, which may be quoted."""
    operator: str
    """In capitals, one of `= != < > <= >= ~ !~ IN`, `NOT IN`, `IS`, `IS NOT`."""
    values: tuple[Value, ...]
    listed: bool
    """Whether the values are in parentheses."""


@dataclass(frozen=True)
class Compound:
    """Clauses joined by one operator; `not` has exactly one clause."""

    operator: Literal["and", "or", "not"]
    clauses: "tuple[Clause | Compound, ...]"


@dataclass(frozen=True)
class Sort:
    """A field to sort by."""

    field: str
    """The source text, which may be quoted."""
    direction: Literal["asc", "desc", ""]
    """Empty if the query does not specify it."""


@dataclass(frozen=True)
class Tree:
    """A parsed query."""

    where: Clause | Compound | None
    """None for a query without a restriction."""
    order: tuple[Sort, ...]
    """Most significant first, at most seven."""


def read(text: str) -> Tree:
    """Parse a query. Raises Jql with the site's sentence."""
    reader = _Reader(text)
    where = None if reader.at_end() or reader.peek() == "ORDER" else reader.any_of()
    return Tree(where, reader.order())


def unquoted(text: str) -> str:
    """Return a value without its quotes and escapes."""
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _tokens(text: str) -> list[tuple[str, int]]:
    tokens: list[tuple[str, int]] = []
    position = 0
    while text[position:].strip():
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            at = len(text) - len(rest) + 1
            if rest[0] in "\"'":
                raise Jql(
                    f"Error in the JQL Query: The quoted string '{rest[1:]}' has not been completed. {_where(at)}"
                )
            raise Jql(f"Error in the JQL Query: The character '{rest[0]}' is a reserved JQL character. {_where(at)}")
        tokens.append((match.group().strip(), match.end() - len(match.group().strip()) + 1))
        position = match.end()
        if len(tokens) > _MOST:
            raise Jql("Error in the JQL Query: The query is too long.")
    return tokens


def _where(position: int) -> str:
    """Return a position in the site's wording."""
    return f"(line 1, character {position})"


class _Reader:
    """A recursive-descent parser that consumes its tokens."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)

    def at_end(self) -> bool:
        """Return whether all tokens are consumed."""
        return not self.tokens

    def peek(self) -> str:
        """Return the next token in capitals, or an empty string at the end."""
        return self.tokens[0][0].upper() if self.tokens else ""

    def next_is(self, *expected: str) -> bool:
        """Consume the next token if it is one of these; return whether it was."""
        if self.peek() in expected:
            self.tokens.pop(0)
            return True
        return False

    def any_of(self) -> Clause | Compound:
        """Parse clauses joined by OR."""
        clauses = [self.all_of()]
        while self.next_is("OR", "||"):
            clauses.append(self.all_of())
        return clauses[0] if len(clauses) == 1 else Compound("or", tuple(clauses))

    def all_of(self) -> Clause | Compound:
        """Parse clauses joined by AND."""
        clauses = [self.clause()]
        while self.next_is("AND", "&&"):
            clauses.append(self.clause())
        return clauses[0] if len(clauses) == 1 else Compound("and", tuple(clauses))

    def clause(self) -> Clause | Compound:
        """Parse a clause, which may be negated or in parentheses."""
        if self.next_is("NOT"):
            return Compound("not", (self.clause(),))
        if self.next_is("("):
            inner = self.any_of()
            if not self.next_is(")"):
                raise Jql(_NO_END)
            return inner
        if self.at_end():
            raise Jql(_NO_FIELD)
        name, position = self.tokens.pop(0)
        if name in ("=", "!=", "~", "!~", "<", ">", "<=", ">=", ")", ","):
            raise Jql(f"Error in the JQL Query: Expecting a field name but got '{name}'. {_where(position)}")
        operator = self.operator()
        if operator in ("IS", "IS NOT") and self.peek() not in ("EMPTY", "NULL"):
            raise Jql(_NO_VALUE)
        listed = operator in ("IN", "NOT IN") and self.peek() == "("
        return Clause(name, operator, tuple(self.several() if listed else [self.value()]), listed)

    def operator(self) -> str:
        """Parse the operator of a clause, of one or two words."""
        valid = "The valid operators are '=', '!=', '<', '>', '<=', '>=', '~', '!~', 'IN', 'NOT IN', 'IS' and 'IS NOT'."
        if self.at_end():
            raise Jql(f"Error in the JQL Query: Expecting operator before the end of the query. {valid}")
        token, position = self.tokens.pop(0)
        name = token.upper()
        if name == "NOT" and self.next_is("IN"):
            return "NOT IN"
        if name == "IS" and self.next_is("NOT"):
            return "IS NOT"
        if name not in _OPERATORS:
            raise Jql(f"Error in the JQL Query: Expecting operator but got '{token}'. {valid} {_where(position)}")
        return name

    def several(self) -> list[Value]:
        """Parse values in parentheses."""
        self.tokens.pop(0)
        values = [self.value()]
        while self.next_is(","):
            values.append(self.value())
        if not self.next_is(")"):
            raise Jql(_NO_END)
        return values

    def value(self) -> Value:
        """Parse a word, a quoted text, or a function."""
        if self.at_end() or self.tokens[0][0] in ("(", ")", ","):
            raise Jql(_NO_VALUE)
        token = self.tokens.pop(0)[0]
        if self.peek() != "(":
            return Value(token, unquoted(token))
        given: list[Value] = []
        if len(self.tokens) > 1 and self.tokens[1][0] == ")":
            del self.tokens[:2]
        else:
            given = self.several()
        name = unquoted(token)
        inside = ", ".join(value.text for value in given)
        written = f"{token}({', '.join(value.written for value in given)})"
        return Value(written, f"{name}({inside})", name, tuple(value.text for value in given))

    def order(self) -> tuple[Sort, ...]:
        """Parse the fields to sort by."""
        if self.at_end():
            return ()
        token, position = self.tokens.pop(0)
        if token.upper() != "ORDER":
            raise Jql(f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{token}'. {_where(position)}")
        fields: list[Sort] = []
        if not self.next_is("BY"):
            raise Jql("Error in the JQL Query: Expecting 'by' after 'order'.")
        while not fields or self.next_is(","):
            if self.at_end():
                raise Jql(_NO_FIELD)
            name = self.tokens.pop(0)[0]
            fields.append(Sort(name, "desc" if self.next_is("DESC") else "asc" if self.next_is("ASC") else ""))
        if not self.at_end():
            rest, at = self.tokens[0]
            raise Jql(f"Error in the JQL Query: Expecting ',' but got '{rest}'. {_where(at)}")
        if len(fields) > _MOST_SORTS:
            raise Jql(f"Error in the JQL Query: at most {_MOST_SORTS} fields to order by are allowed.")
        return tuple(fields)
