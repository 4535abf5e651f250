"""Convert rich text between Jira's v2 (a string) and v3 (an Atlassian Document), which differ in nothing else.

Text -> document -> text is the identity. Converting a document writes wiki marks for bold, italic, code, links,
headings, lists and quotes; other formatting is dropped, its text kept.
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
"""Locations of rich text in a request: the last keys of its path, without list indices."""
_LINKS = {"self", "nextPage"}
_MARKS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}


class NotText(ValueError):
    """A document where v2 expects a string; the message is the field's name."""


def document(text: str) -> dict[str, Any]:
    """Return an Atlassian Document with one paragraph for each part between empty lines."""
    return {"type": "doc", "version": 1, "content": [_paragraph(part) for part in text.split("\n\n")] if text else []}


def _paragraph(text: str) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = []
    for number, line in enumerate(text.split("\n")):
        nodes += [{"type": "hardBreak"}] * bool(number) + [{"type": "text", "text": line}] * bool(line)
    return {"type": "paragraph", "content": nodes}


def text(node: Mapping[str, Any]) -> str:
    """Return a document, or a node of one, as wiki text."""
    kind, attrs = node.get("type"), node.get("attrs") or {}
    inner = [text(child) for child in node.get("content", ())]
    if kind == "text":
        return _marked(str(node.get("text", "")), node.get("marks", ()))
    if kind in _BLOCKS:
        return _BLOCKS[kind](inner, attrs)
    if kind in _INLINE:
        return _INLINE[kind](attrs)
    return "".join(inner)


def _marked(words: str, marks: Any) -> str:
    for mark in marks or ():
        kind = mark.get("type")
        if kind in _MARKS:
            words = f"{_MARKS[kind]}{words}{_MARKS[kind]}"
        elif kind == "code":
            words = f"{{{{{words}}}}}"
        elif kind == "link":
            words = f"[{words}|{(mark.get('attrs') or {}).get('href', '')}]"
    return words


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
    """Return a v2 request body with its rich-text strings converted to documents. Raises NotText."""
    roots: tuple[tuple[str, ...], ...] = ()
    if "/comment" in path:
        roots = (("body",),)
    elif "/worklog" in path:
        roots = (("comment",),)
    return _converted(body, (), roots)


def _converted(value: Json, keys: tuple[str, ...], roots: tuple[tuple[str, ...], ...]) -> Json:
    """Convert the rich text inside a value that lies at the end of `keys`."""
    if keys and (keys in roots or any(keys[-len(end) :] == end for end in _ENDS)) and value is not None:
        if not isinstance(value, str):
            raise NotText(next(key for key in reversed(keys) if key not in ("set", "edit")))
        return document(value)
    if isinstance(value, list):
        return [_converted(item, keys, roots) for item in value]
    if isinstance(value, dict):
        return {key: _converted(inner, (*keys, key), roots) for key, inner in value.items()}
    return value


def with_text(value: Json, links: tuple[str, str]) -> Json:
    """Return a v3 response body in v2's form: documents as strings, links moved from the root links[0] to links[1]."""
    if isinstance(value, list):
        return [with_text(item, links) for item in value]
    if not isinstance(value, dict):
        return value
    if is_document(value):
        return text(value)
    result = {key: with_text(inner, links) for key, inner in value.items()}
    for key in _LINKS & result.keys():
        if isinstance(result[key], str) and result[key].startswith(links[0]):
            result[key] = links[1] + result[key].removeprefix(links[0])
    return result
