"""JQL as written: text -> a tree of clauses and an order. No site is needed to read a query, only to run it.

query   = clauses [ORDER BY field [ASC|DESC] (, ...)]     AND binds more tightly than OR; NOT and parentheses as usual
clause  = field op value | field [NOT] IN (value, ...) | field IS [NOT] EMPTY      op: = != > >= < <= ~ !~
"""

import re
from dataclasses import dataclass
from typing import Literal

_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\')|(!=|!~|>=|<=|[=~<>(),])|([^\s=~<>(),!"\']+))')
_OPERATORS = ("=", "!=", "<", ">", "<=", ">=", "~", "!~", "IN", "NOT IN", "IS", "IS NOT")
_MOST = 300
"""More tokens than any query needs; it bounds the nesting too."""
_NO_VALUE = "Error in JQL Query: Expecting either a value, list or function before the end of the query."
_NO_FIELD = "Error in the JQL Query: Expecting a field name at the end of the query."
_NO_END = "Error in the JQL Query: Expecting ')' before the end of the query."


class Jql(ValueError):
    """A query that cannot be read or run; the message is the site's."""


# As the documents say of a search.
_MOST_SORTS = 7


@dataclass(frozen=True)
class Value:
    """One value of a clause."""

    written: str
    """As in the query, with its quotes."""
    text: str
    """Without them; of a function, its name with its arguments in parentheses."""
    function: str = ""
    """The function's name, if it is one."""
    arguments: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether it is the keyword for no value."""
        return self.written.upper() in ("EMPTY", "NULL")


@dataclass(frozen=True)
class Clause:
    """A field compared with values."""

    field: str
    """As in the query, perhaps quoted."""
    operator: str
    """In capitals, one of `= != < > <= >= ~ !~ IN`, `NOT IN`, `IS`, `IS NOT`."""
    values: tuple[Value, ...]
    listed: bool
    """Whether the values stand in parentheses."""


@dataclass(frozen=True)
class Compound:
    """Clauses under one operator; `not` has a single one."""

    operator: Literal["and", "or", "not"]
    clauses: "tuple[Clause | Compound, ...]"


@dataclass(frozen=True)
class Sort:
    """A field to sort by."""

    field: str
    """As in the query, perhaps quoted."""
    direction: Literal["asc", "desc", ""]
    """Empty if the query does not say."""


@dataclass(frozen=True)
class Tree:
    """A query."""

    where: Clause | Compound | None
    """None for a query without restriction."""
    order: tuple[Sort, ...]
    """The first one first, at most seven."""


def read(text: str) -> Tree:
    """Read a query. Raises Jql with the site's sentence."""
    reader = _Reader(text)
    where = None if reader.at_end() or reader.peek() == "ORDER" else reader.any_of()
    return Tree(where, reader.order())


def unquoted(text: str) -> str:
    """A value without its quotes and escapes."""
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def _tokens(text: str) -> list[tuple[str, int]]:
    found: list[tuple[str, int]] = []
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None:
            rest = text[place:].lstrip()
            at = len(text) - len(rest) + 1
            if rest[0] in "\"'":
                raise Jql(
                    f"Error in the JQL Query: The quoted string '{rest[1:]}' has not been completed. {_where(at)}"
                )
            raise Jql(f"Error in the JQL Query: The character '{rest[0]}' is a reserved JQL character. {_where(at)}")
        found.append((match.group().strip(), match.end() - len(match.group().strip()) + 1))
        place = match.end()
        if len(found) > _MOST:
            raise Jql("Error in the JQL Query: The query is too long.")
    return found


def _where(place: int) -> str:
    """A position as the site words it."""
    return f"(line 1, character {place})"


class _Reader:
    """A recursive descent over tokens, which it uses up."""

    def __init__(self, text: str) -> None:
        self.tokens = _tokens(text)

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

    def any_of(self) -> Clause | Compound:
        """Clauses joined by OR."""
        found = [self.all_of()]
        while self.next_is("OR", "||"):
            found.append(self.all_of())
        return found[0] if len(found) == 1 else Compound("or", tuple(found))

    def all_of(self) -> Clause | Compound:
        """Clauses joined by AND."""
        found = [self.one()]
        while self.next_is("AND", "&&"):
            found.append(self.one())
        return found[0] if len(found) == 1 else Compound("and", tuple(found))

    def one(self) -> Clause | Compound:
        """A clause, perhaps negated or in parentheses."""
        if self.next_is("NOT"):
            return Compound("not", (self.one(),))
        if self.next_is("("):
            inner = self.any_of()
            if not self.next_is(")"):
                raise Jql(_NO_END)
            return inner
        if self.at_end():
            raise Jql(_NO_FIELD)
        name, place = self.tokens.pop(0)
        if name in ("=", "!=", "~", "!~", "<", ">", "<=", ">=", ")", ","):
            raise Jql(f"Error in the JQL Query: Expecting a field name but got '{name}'. {_where(place)}")
        operator = self.operator()
        if operator in ("IS", "IS NOT") and self.peek() not in ("EMPTY", "NULL"):
            raise Jql(_NO_VALUE)
        listed = operator in ("IN", "NOT IN") and self.peek() == "("
        return Clause(name, operator, tuple(self.several() if listed else [self.value()]), listed)

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
            raise Jql(f"Error in the JQL Query: Expecting operator but got '{found}'. {valid} {_where(place)}")
        return name

    def several(self) -> list[Value]:
        """Values in parentheses."""
        self.tokens.pop(0)
        found = [self.value()]
        while self.next_is(","):
            found.append(self.value())
        if not self.next_is(")"):
            raise Jql(_NO_END)
        return found

    def value(self) -> Value:
        """A word, a quoted text, or a function."""
        if self.at_end() or self.tokens[0][0] in ("(", ")", ","):
            raise Jql(_NO_VALUE)
        found = self.tokens.pop(0)[0]
        if self.peek() != "(":
            return Value(found, unquoted(found))
        given: list[Value] = []
        if len(self.tokens) > 1 and self.tokens[1][0] == ")":
            del self.tokens[:2]
        else:
            given = self.several()
        name = unquoted(found)
        inside = ", ".join(one.text for one in given)
        written = f"{found}({', '.join(one.written for one in given)})"
        return Value(written, f"{name}({inside})", name, tuple(one.text for one in given))

    def order(self) -> tuple[Sort, ...]:
        """The fields to sort by, at most seven."""
        if self.at_end():
            return ()
        found, place = self.tokens.pop(0)
        if found.upper() != "ORDER":
            raise Jql(f"Error in the JQL Query: Expecting either 'OR' or 'AND' but got '{found}'. {_where(place)}")
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
