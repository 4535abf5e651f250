"""Route a method and a path to an operation, by the tables of operations.

Jira's platform operations answer under /rest/api/3 and, with text for documents, under /rest/api/2 and
/rest/api/latest.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from envs.api.operation import Operation

JIRA_3 = "/rest/api/3/"
AS_TEXT = ("/rest/api/2/", "/rest/api/latest/")
"""Roots under which Jira reads and writes rich text as strings."""


@dataclass(frozen=True)
class Match:
    """An operation and the values of its path's placeholders."""

    operation: Operation
    path: dict[str, str]
    as_text: bool
    """Whether rich text is a string under this path."""


class Routes:
    """The paths of operations, indexed by method and number of segments; literal segments win over placeholders."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._shapes: dict[tuple[str, int], list[tuple[tuple[str, ...], Operation]]] = {}
        for operation in operations:
            segments = tuple(operation.path.strip("/").split("/"))
            self._shapes.setdefault((operation.method, len(segments)), []).append((segments, operation))
        for shapes in self._shapes.values():
            shapes.sort(key=lambda shape: [segment.startswith("{") for segment in shape[0]])

    def match(self, method: str, path: str) -> Match | None:
        """Return the operation of a path, or None. The path is percent-encoded: a segment may contain a slash."""
        path, as_text = canonical(path)
        given = path.strip("/").split("/")
        for segments, operation in self._shapes.get((method, len(given)), []):
            if all(s.startswith("{") or s == g for s, g in zip(segments, given, strict=True)) and "" not in given:
                values = {s[1:-1]: unquote(g) for s, g in zip(segments, given, strict=True) if s.startswith("{")}
                return Match(operation, values, as_text)
        return None


def origin_form(target: str) -> str:
    """Return a request target as path and query; clients behind a proxy send an absolute URL."""
    scheme, separator, rest = target.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        return "/" + rest.partition("/")[2]
    return target


def canonical(path: str) -> tuple[str, bool]:
    """Return the path as written in the tables, and whether the given one implies rich text as strings."""
    for root in AS_TEXT:
        if path.startswith(root):
            return JIRA_3 + path.removeprefix(root), True
    return path, False
