"""Normal form of Atlassian Documents (ADF): documents that display the same have equal forms.

Text is a list of blocks, a block's text a list of runs [text, *marks] or [atom, *marks], and a line break is [null].
Runs of white space collapse to one space; a space has the marks that both its neighbours have. Space beside an atom,
such as a mention, does not count, since sites set atoms off from text; neither do empty lines, paragraphs and lists,
ids of nodes, markers of annotations and settings of layout.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from envs.api.operation import Json
from envs.api.world import Record

_DEEPEST = 60
"""Nesting below which content does not count. The sites accept no deeper document, but a stored record may be one."""
_UNSEEN = {"localId", "accessLevel", "userType", "layout", "width", "widthType", "colwidth", "displayMode", "macroId",
           "extensionType"}  # fmt: skip
_DEFAULTS = {"order": 1, "colspan": 1, "rowspan": 1}
_UNSEEN_MARKS = {"annotation", "fragment", "dataConsumer", "breakout", "border"}
_BLOCK_MARKS = {"alignment": "align", "indentation": "level"}
_MARK_VALUES = {"link": "href", "textColor": "color", "backgroundColor": "color", "subsup": "type"}
_VANISH_IF_EMPTY = {"bulletList", "orderedList", "taskList", "decisionList", "blockquote", "panel", "table", "expand",
                    "nestedExpand", "layoutSection", "mediaGroup"}  # fmt: skip

Token = tuple[Any, tuple[str, ...]]
"""(text, atom, or None for a line break; marks)."""


def displayed(document: Json, users: Mapping[str, Record]) -> list[Json]:
    """Return the blocks that a document displays; [] for a value that is not a document.

    A mention counts by its account. Its text counts only if it differs from the name of that account in `users`.
    """
    content = document.get("content") if isinstance(document, dict) else None
    return _blocks(content, users, 0)


def _objects(content: Json) -> list[dict[str, Json]]:
    return [node for node in content if isinstance(node, dict)] if isinstance(content, list) else []


def _object(value: Json) -> dict[str, Json]:
    return value if isinstance(value, dict) else {}


def _blocks(content: Json, users: Mapping[str, Record], depth: int) -> list[Json]:
    """Return the blocks of a container; inline nodes that lie between blocks make paragraphs."""
    if depth > _DEEPEST:
        return []
    blocks: list[Json] = []
    line: list[Token] = []
    for node in _objects(content):
        if node.get("type") in _INLINE:
            line += _tokens(node, users, depth)
            continue
        blocks += _paragraph(line)
        line = []
        blocks += _block(node, users, depth + 1)
    return blocks + _paragraph(line)


def _paragraph(line: Iterable[Token]) -> list[Json]:
    runs = _runs(line)
    return [{"type": "paragraph", "content": runs}] if runs else []


def _block(node: dict[str, Json], users: Mapping[str, Record], depth: int) -> list[Json]:
    """Return the blocks that one node displays, usually one or none."""
    kind, content = str(node.get("type", "")), node.get("content")
    attributes = _attributes(node) | _block_marks(node)
    if kind == "codeBlock":
        code = "".join(str(inner.get("text", "")) for inner in _objects(content)).strip("\n")
        language = str(attributes.pop("language", "")).lower()
        return [{"type": kind, "attrs": attributes | ({"language": language} if language else {}), "content": code}]
    if kind == "heading":
        runs = _runs(token for inner in _objects(content) for token in _tokens(inner, users, depth))
        return [{"type": kind, "attrs": attributes, "content": runs}] if runs else []
    blocks = _blocks(content, users, depth)
    if kind == "paragraph":
        return [block | {"attrs": attributes} for block in blocks] if attributes else blocks
    if kind in _VANISH_IF_EMPTY and not blocks:
        return []
    return [{"type": kind, "attrs": attributes, "content": blocks}]


def _attributes(node: dict[str, Json]) -> dict[str, Json]:
    """Return the attributes of a node that show."""
    return {
        name: value
        for name, value in _object(node.get("attrs")).items()
        if value not in (None, "", {}, []) and name not in _UNSEEN and _DEFAULTS.get(name) != value
    }


def _block_marks(node: dict[str, Json]) -> dict[str, Json]:
    marks = {str(mark.get("type")): _object(mark.get("attrs")) for mark in _objects(node.get("marks"))}
    return {name: marks[name].get(value) for name, value in _BLOCK_MARKS.items() if name in marks}


def _marks(node: dict[str, Json]) -> tuple[str, ...]:
    """Return the marks of an inline node that show, each as its type and value, in order."""
    marks = node.get("marks")
    if not marks:
        return ()
    found = set()
    for mark in _objects(marks):
        kind, attributes = str(mark.get("type")), _object(mark.get("attrs"))
        if kind in _MARK_VALUES:
            found.add(f"{kind} {str(attributes.get(_MARK_VALUES[kind], '')).strip()}")
        elif kind not in _UNSEEN_MARKS:
            found.add(kind)
    return tuple(sorted(found))


def _tokens(node: dict[str, Json], users: Mapping[str, Record], depth: int) -> list[Token]:
    """Return the text and atoms of an inline node, or of everything inside another node."""
    if depth > _DEEPEST:
        return []
    kind = node.get("type")
    if kind == "text":
        text = node.get("text")
        return [(text, _marks(node))] if isinstance(text, str) else []
    if kind == "hardBreak":
        return [(None, ())]
    if isinstance(kind, str) and kind in _INLINE:
        return [(_INLINE[kind](_object(node.get("attrs")), users), _marks(node))]
    return [token for inner in _objects(node.get("content")) for token in _tokens(inner, users, depth + 1)]


def _runs(tokens: Iterable[Token]) -> list[Json]:
    """Return the runs of a paragraph: space collapsed, text of equal marks joined, no empty lines."""
    runs: list[list[Any]] = []
    space = False
    for value, marks in tokens:
        text = isinstance(value, str)
        begun = bool(runs) and runs[-1] != [None]
        if value is None:
            runs += [[None]] if begun else []
            space = False
        elif text and not value.strip():
            space = True
        else:
            if begun and text and isinstance(runs[-1][0], str) and (space or value[0].isspace()):
                _append(runs, " ", tuple(mark for mark in runs[-1][1:] if mark in marks))
            _append(runs, " ".join(value.split()) if text else value, marks)
            space = text and value[-1].isspace()
    return runs[:-1] if runs and runs[-1] == [None] else runs


def _append(runs: list[list[Any]], value: Json, marks: tuple[str, ...]) -> None:
    """Add a text or an atom, as part of the last run if both are text of the same marks."""
    last = runs[-1] if runs else [None]
    if isinstance(value, str) and isinstance(last[0], str) and last[1:] == list(marks):
        last[0] += value
    else:
        runs.append([value, *marks])


def _mention(attributes: dict[str, Json], users: Mapping[str, Record]) -> Json:
    account = str(attributes.get("id", ""))
    name, shown = users.get(account, {}).get("displayName"), str(attributes.get("text") or "").strip().removeprefix("@")
    return {"mention": account} | ({"text": shown} if name is not None and shown not in ("", name) else {})


def _date(attributes: dict[str, Json], users: Mapping[str, Record]) -> Json:
    given = str(attributes.get("timestamp", ""))
    try:
        return {"date": datetime.fromtimestamp(int(given) / 1000, UTC).date().isoformat()}
    except (ValueError, OverflowError, OSError):
        return {"date": given}


def _status(attributes: dict[str, Json], users: Mapping[str, Record]) -> Json:
    return {"status": str(attributes.get("text", "")), "color": str(attributes.get("color") or "neutral").lower()}


def _named(name: str, *keys: str) -> Callable[[dict[str, Json], Mapping[str, Record]], Json]:
    """Return the form of an atom: its name, and the first of its attributes `keys` that is given."""
    return lambda attributes, users: {name: str(next((attributes[key] for key in keys if attributes.get(key)), ""))}


_INLINE: dict[str, Callable[[dict[str, Json], Mapping[str, Record]], Json]] = {
    "text": _named("text", "text"),
    "hardBreak": _named("break"),
    "mention": _mention,
    "date": _date,
    "status": _status,
    "emoji": _named("emoji", "shortName", "text", "id"),
    "inlineCard": _named("card", "url"),
    "placeholder": _named("placeholder", "text"),
    "mediaInline": _named("media", "id", "url"),
    "inlineExtension": _named("extension", "extensionKey"),
}
"""Nodes inside a line, with the form of those that are neither text nor a break."""
