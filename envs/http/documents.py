"""Rich text of Jira's v2, a string, and of v3, an Atlassian Document; nothing else differs between the versions.

Text to document to text gives the same text. Of a document's formatting the wiki marks for bold, italic, code, links,
headings, lists and quotes are written; what has no mark keeps its words.
"""

from collections.abc import Callable, Mapping
from typing import Any

from envs.api.operation import Json
from envs.jira.fields import is_document

_FIELDS = ("description", "environment")
_ENDS = (
    *(("fields", name) for name in _FIELDS),
    *(("update", name, verb) for name in _FIELDS for verb in ("set", "edit")),
    *(("update", "comment", verb, "body") for verb in ("add", "edit")),
    *(("update", "worklog", verb, "comment") for verb in ("add", "edit")),
    ("comment", "body"),
)
"""Where rich text stands in a request: the last keys on the way to it, lists not counted."""
_LINKS = {"self", "nextPage"}
_MARKS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}


class NotText(ValueError):
    """A document where v2 takes a string; the message is the field's name."""


def document(text: str) -> dict[str, Any]:
    """An Atlassian Document: a paragraph for each part between empty lines."""
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in text.split("\n\n")] if text else []}


def _paragraph(text: str) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = []
    for place, line in enumerate(text.split("\n")):
        nodes += [{"type": "hardBreak"}] * bool(place) + [{"type": "text", "text": line}] * bool(line)
    return {"type": "paragraph", "content": nodes}


def text(node: Mapping[str, Any]) -> str:
    """A document or a node of it as wiki text."""
    kind, attrs = node.get("type"), node.get("attrs") or {}
    inner = [text(child) for child in node.get("content", ())]
    if kind == "text":
        return _marked(str(node.get("text", "")), node.get("marks", ()))
    if kind in _BLOCKS:
        return _BLOCKS[kind](inner, attrs)
    if kind in _INLINE:
        return _INLINE[kind](attrs)
    return "".join(inner)


def _marked(said: str, marks: Any) -> str:
    for mark in marks or ():
        kind = mark.get("type")
        if kind in _MARKS:
            said = f"{_MARKS[kind]}{said}{_MARKS[kind]}"
        elif kind == "code":
            said = f"{{{{{said}}}}}"
        elif kind == "link":
            said = f"[{said}|{(mark.get('attrs') or {}).get('href', '')}]"
    return said


_BLOCKS: dict[str, Callable[[list[str], Mapping[str, Any]], str]] = {
    "doc": lambda inner, attrs: "\n\n".join(inner),
    "heading": lambda inner, attrs: f"h{attrs.get('level', 1)}. {''.join(inner)}",
    "bulletList": lambda inner, attrs: "\n".join(f"* {item}" for item in inner),
    "orderedList": lambda inner, attrs: "\n".join(f"# {item}" for item in inner),
    "listItem": lambda inner, attrs: "\n".join(inner),
    "codeBlock": lambda inner, attrs: f"{{code}}\n{''.join(inner)}\n{{code}}",
    "blockquote": lambda inner, attrs: "{quote}" + "\n\n".join(inner) + "{quote}",
}
_INLINE: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "hardBreak": lambda attrs: "\n",
    "rule": lambda attrs: "----",
    "mention": lambda attrs: f"[~accountid:{attrs.get('id', '')}]",
    "emoji": lambda attrs: str(attrs.get("shortName", "")),
    "inlineCard": lambda attrs: f"[{attrs.get('url', '')}]",
}


def with_documents(body: Json, path: str) -> Json:
    """A v2 request body with its strings of rich text as documents. Raises NotText."""
    roots: tuple[tuple[str, ...], ...] = ()
    if "/comment" in path:
        roots = (("body",),)
    elif "/worklog" in path:
        roots = (("comment",),)
    return _converted(body, (), roots)


def _converted(value: Json, way: tuple[str, ...], roots: tuple[tuple[str, ...], ...]) -> Json:
    if way and (way in roots or any(way[-len(end) :] == end for end in _ENDS)) and value is not None:
        if not isinstance(value, str):
            raise NotText(next(key for key in reversed(way) if key not in ("set", "edit")))
        return document(value)
    if isinstance(value, list):
        return [_converted(item, way, roots) for item in value]
    if isinstance(value, dict):
        return {key: _converted(inner, (*way, key), roots) for key, inner in value.items()}
    return value


def with_text(value: Json, links: tuple[str, str]) -> Json:
    """A v3 answer as v2 gives it: documents as strings, and links that begin with the first root with the second."""
    if isinstance(value, list):
        return [with_text(item, links) for item in value]
    if not isinstance(value, dict):
        return value
    if is_document(value):
        return text(value)
    made = {key: with_text(inner, links) for key, inner in value.items()}
    for key in _LINKS & made.keys():
        if isinstance(made[key], str) and made[key].startswith(links[0]):
            made[key] = links[1] + made[key].removeprefix(links[0])
    return made
