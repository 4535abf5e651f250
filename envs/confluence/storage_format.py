"""Confluence's storage format (XHTML with macros) as Atlassian Documents, to compare texts by what they display.

Elements that lay out or wrap (div, span, tbody, ...) are left out, their content kept. Macros and elements without a
counterpart become nodes of their own name with their parameters, so that none is taken for another.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser

from envs.api.operation import Json

_CDATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DEEPEST = 50
_EMPTY = {"br", "hr", "img", "input", "col", "wbr", "meta", "link"}
_MARKS: dict[str, Json] = {
    **dict.fromkeys(("strong", "b"), {"type": "strong"}),
    **dict.fromkeys(("em", "i"), {"type": "em"}),
    **dict.fromkeys(("code", "tt"), {"type": "code"}),
    **dict.fromkeys(("u", "ins"), {"type": "underline"}),
    **dict.fromkeys(("s", "del", "strike"), {"type": "strike"}),
    **{name: {"type": "subsup", "attrs": {"type": name}} for name in ("sub", "sup")},
}
_WRAPPERS = {"html", "body", "div", "section", "article", "span", "font", "small", "big", "thead", "tbody", "tfoot",
             "colgroup", "label", "ac:inline-comment-marker", "ac:rich-text-body"}  # fmt: skip
_UNSHOWN = {"head", "title", "script", "style", "col", "wbr", "ac:placeholder"}
_BLOCKS = {"p": "paragraph", "ul": "bulletList", "ol": "orderedList", "li": "listItem", "blockquote": "blockquote",
           "hr": "rule", "table": "table", "tr": "tableRow", "td": "tableCell", "th": "tableHeader",
           "ac:task-list": "taskList"}  # fmt: skip
_PANELS = {"info": "info", "note": "warning", "warning": "error", "tip": "success", "panel": "note"}
_UNSEEN = {"id", "class", "style", "local-id", "ac:local-id", "ac:macro-id", "ac:schema-version", "ac:task-id"}
_COLOR = re.compile(r"(?:^|;)\s*color\s*:\s*([^;]+)", re.IGNORECASE)
_ALIGN = re.compile(r"text-align\s*:\s*(center|right|end)", re.IGNORECASE)


@dataclass
class _Element:
    """An element of the parsed text."""

    tag: str
    attrs: dict[str, str] = field(default_factory=dict)
    content: "list[_Element | str]" = field(default_factory=list)

    def children(self, tag: str) -> "list[_Element]":
        """Return the elements of a tag directly inside this one."""
        return [inner for inner in self.content if isinstance(inner, _Element) and inner.tag == tag]

    def text(self) -> str:
        """Return all text inside this element."""
        return "".join(
            inner if isinstance(inner, str) else "\n" if inner.tag == "br" else inner.text() for inner in self.content
        )


class _Parser(HTMLParser):
    """Builds a tree of elements; what is not closed ends with its parent."""

    def __init__(self) -> None:
        """Begin with an empty tree."""
        super().__init__(convert_charrefs=True)
        self.root = _Element("")
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element; one that is too deep is left out, but not its content."""
        if len(self._open) <= _DEEPEST:
            self.handle_startendtag(tag, attrs)
            if tag not in _EMPTY and isinstance(element := self._open[-1].content[-1], _Element):
                self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Add an element without content."""
        self._open[-1].content.append(_Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element of the tag and those inside it."""
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].tag == tag:
                del self._open[depth:]
                return

    def handle_data(self, data: str) -> None:
        """Add text."""
        self._open[-1].content.append(data)


def document(storage: str) -> dict[str, Json]:
    """Return the Atlassian Document of a text in storage format. It never raises: what is no markup is text."""
    if "<!" in storage:
        # Removed here, because versions of Python differ in how they parse declarations.
        storage = _COMMENT.sub("", _CDATA.sub(lambda match: escape(match[1]), storage)).replace("<!", "&lt;!")
    parser = _Parser()
    parser.feed(storage)
    parser.close()
    return {"type": "doc", "version": 1, "content": _nodes(parser.root.content, ())}


def _nodes(content: "Iterable[_Element | str]", marks: tuple[Json, ...]) -> list[Json]:
    """Return the nodes of elements and texts under some marks."""
    nodes: list[Json] = []
    for inner in content:
        nodes += [_text(inner, marks)] if isinstance(inner, str) else _element(inner, marks)
    return nodes


def _text(text: str, marks: tuple[Json, ...]) -> Json:
    return {"type": "text", "text": text, "marks": list(marks)} if marks else {"type": "text", "text": text}


def _node(kind: str, attrs: Mapping[str, Json] | None = None, content: list[Json] | None = None) -> Json:
    return {"type": kind, "attrs": dict(attrs or {}), "content": content or []}


def _element(element: _Element, marks: tuple[Json, ...]) -> list[Json]:
    """Return the nodes of an element."""
    tag, attrs = element.tag, element.attrs
    if tag in _MARKS:
        return _nodes(element.content, (*marks, _MARKS[tag]))
    if tag == "a" and attrs.get("href"):
        return _nodes(element.content, (*marks, {"type": "link", "attrs": {"href": attrs["href"]}}))
    if tag == "span" and (color := _COLOR.search(attrs.get("style", ""))):
        return _nodes(element.content, (*marks, {"type": "textColor", "attrs": {"color": color[1].strip()}}))
    if tag in _WRAPPERS or tag == "a":
        return _nodes(element.content, marks)
    if tag in _UNSHOWN:
        return []
    if tag == "br":
        return [{"type": "hardBreak"}]
    if tag == "pre":
        return [_node("codeBlock", {}, [_text(element.text(), ())])]
    if tag in _SPECIAL:
        return _SPECIAL[tag](element, marks)
    node = _node(_BLOCKS.get(tag, tag), _kept(tag, attrs), _nodes(element.content, marks))
    if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
        node |= {"type": "heading", "attrs": {"level": int(tag[1])}}
    if tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6") and (align := _ALIGN.search(attrs.get("style", ""))):
        side = "center" if align[1].lower() == "center" else "end"
        node["marks"] = [{"type": "alignment", "attrs": {"align": side}}]
    return [node]


def _kept(tag: str, attrs: Mapping[str, str]) -> dict[str, Json]:
    """Return the attributes that show: numbers of a list and of cells, and all of an element without a counterpart."""
    if tag in ("ol", "td", "th"):
        names = {"start": "order", "colspan": "colspan", "rowspan": "rowspan"}
        return {new: int(attrs[old]) for old, new in names.items() if attrs.get(old, "").isdecimal()}
    if tag in _BLOCKS:
        return {}
    return {name: value for name, value in attrs.items() if name not in _UNSEEN and not name.startswith("data-")}


def _macro(element: _Element, marks: tuple[Json, ...]) -> list[Json]:
    """Return the nodes of a macro: code, panel, expand or status, or else an extension."""
    name = element.attrs.get("ac:name", "")
    parameters = {inner.attrs.get("ac:name", ""): inner.text().strip() for inner in element.children("ac:parameter")}
    plain = "".join(inner.text() for inner in element.children("ac:plain-text-body"))
    content = [node for inner in element.children("ac:rich-text-body") for node in _nodes(inner.content, marks)]
    if name in ("code", "noformat"):
        shown = {key: parameters.get(key, "") for key in ("language", "title")}
        return [_node("codeBlock", shown, [_text(plain, ())])]
    if name in _PANELS:
        return [_node("panel", {"panelType": _PANELS[name], "title": parameters.get("title", "")}, content)]
    if name == "expand":
        return [_node("expand", {"title": parameters.get("title", "")}, content)]
    if name == "status":
        color = parameters.get("colour", "").lower().replace("grey", "neutral")
        return [{"type": "status", "attrs": {"text": parameters.get("title", ""), "color": color}}]
    return [_node("extension", {"extensionKey": name, "parameters": parameters, "text": plain}, content)]


def _link(element: _Element, marks: tuple[Json, ...]) -> list[Json]:
    """Return the nodes of a link to a user, which is a mention, or to a page, an attachment or an anchor."""
    for user in element.children("ri:user"):
        return [{"type": "mention", "attrs": {"id": user.attrs.get("ri:account-id", user.attrs.get("ri:userkey", ""))}}]
    targets = [inner for inner in element.content if isinstance(inner, _Element) and inner.tag.startswith("ri:")]
    parts = [f"{name}={value}" for target in targets for name, value in sorted(_kept(target.tag, target.attrs).items())]
    anchor = element.attrs.get("ac:anchor", "")
    href = "&".join([*(target.tag for target in targets), *parts]) + (f"#{anchor}" if anchor else "")
    linked = (*marks, {"type": "link", "attrs": {"href": href}})
    bodies = [*element.children("ac:link-body"), *element.children("ac:plain-text-link-body")]
    title = next((target.attrs[key] for target in targets for key in _TITLES if key in target.attrs), anchor)
    return [node for body in bodies for node in _nodes(body.content, linked)] or [_text(title, linked)]


_TITLES = ("ri:content-title", "ri:filename", "ri:value")


def _emoticon(element: _Element, marks: tuple[Json, ...]) -> list[Json]:
    name = element.attrs.get("ac:emoji-shortname") or element.attrs.get("ac:name", "")
    return [{"type": "emoji", "attrs": {"shortName": f":{name.strip(':')}:"}}]


def _task(element: _Element, marks: tuple[Json, ...]) -> list[Json]:
    done = any(status.text().strip() == "complete" for status in element.children("ac:task-status"))
    content = [node for body in element.children("ac:task-body") for node in _nodes(body.content, marks)]
    return [_node("taskItem", {"state": "DONE" if done else "TODO"}, content)]


def _time(element: _Element, marks: tuple[Json, ...]) -> list[Json]:
    given = element.attrs.get("datetime", "")
    try:
        given = str(int(datetime.fromisoformat(given[:10]).replace(tzinfo=UTC).timestamp()) * 1000)
    except ValueError:
        pass
    return [{"type": "date", "attrs": {"timestamp": given}}]


_SPECIAL = {
    "ac:structured-macro": _macro,
    "ac:macro": _macro,
    "ac:link": _link,
    "ac:emoticon": _emoticon,
    "ac:task": _task,
    "time": _time,
}
"""Elements with a form of their own."""
