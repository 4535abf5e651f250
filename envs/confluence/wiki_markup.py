"""Wiki markup as Atlassian Documents: paragraphs, headings, lists, quotes, rules, code, links, mentions and marks.

A single line end inside a paragraph is a line break. Tables and macros other than code and quote stay as text.
"""

import re
from collections.abc import Callable

from envs.api.operation import Json

_FENCE = re.compile(r"\{(code|noformat|quote)(?::([^}|\n]{0,99})[^}\n]{0,99})?\}[ \t]*\n?(.{0,9999}?)\{\1\}", re.DOTALL)
_HEADING = re.compile(r"\s*h([1-6])\.\s+(.*)")
_QUOTE = re.compile(r"\s*bq\.\s+(.*)")
_ITEM = re.compile(r"\s*([*#]{1,20}|-)\s+(.*)")
_RULE = re.compile(r"\s*-{4,}\s*")
_MARKS: dict[str, Json] = {
    "*": {"type": "strong"},
    "_": {"type": "em"},
    "+": {"type": "underline"},
    "-": {"type": "strike"},
    "^": {"type": "subsup", "attrs": {"type": "sup"}},
    "~": {"type": "subsup", "attrs": {"type": "sub"}},
}
# Lengths are bounded, so that the time to match is linear.
_INLINE = re.compile(
    r"(?P<end>\\\\\s?)"
    r"|\\(?P<escaped>[^\w\s])"
    r"|\{\{(?P<code>[^\n]{1,999}?)\}\}"
    r"|\[~accountid:(?P<account>[^\]\s]+)\]"
    r"|\[(?:(?P<label>[^\]|\n]{1,999})\|)?(?P<href>(?:https?://|mailto:|/|#)[^\]\s|]+)\]"
    r"|(?P<url>https?://[^\s\]|]*[^\s\]|.,;:!?)])"
    r"|(?<!\w)(?P<sign>[*_+^~-])(?P<marked>(?=\S)[^\n]{1,999}?(?<=\S))(?P=sign)(?!\w)"
)


def document(markup: str) -> dict[str, Json]:
    """Return the Atlassian Document of a text in wiki markup. It never raises: what is no markup is text."""
    content: list[Json] = []
    position = 0
    for fence in _FENCE.finditer(markup):
        content += _blocks(markup[position : fence.start()])
        position = fence.end()
        kind, language, text = fence[1], fence[2] or "", fence[3]
        if kind == "quote":
            content.append({"type": "blockquote", "content": _blocks(text)})
        else:
            attrs = {"language": language if kind == "code" and "=" not in language else ""}
            content.append({"type": "codeBlock", "attrs": attrs, "content": [{"type": "text", "text": text}]})
    return {"type": "doc", "version": 1, "content": content + _blocks(markup[position:])}


def _blocks(markup: str) -> list[Json]:
    """Return the blocks of a text without fences."""
    blocks: list[Json] = []
    paragraph: list[str] = []
    items: list[tuple[str, str]] = []

    def finish() -> None:
        """Add the paragraph or list that has been collected."""
        if paragraph:
            blocks.append({"type": "paragraph", "content": _lines(paragraph)})
        if items:
            blocks.extend(_lists(items, 0))
        paragraph.clear()
        items.clear()

    for line in markup.splitlines():
        if item := _ITEM.fullmatch(line):
            if paragraph:
                finish()
            items.append((item[1].replace("-", "*"), item[2]))
        elif block := _single(line):
            finish()
            blocks.append(block)
        elif not line.strip():
            finish()
        elif items:
            # A line after an item continues it.
            items[-1] = (items[-1][0], f"{items[-1][1]}\n{line}")
        else:
            paragraph.append(line)
    finish()
    return blocks


def _single(line: str) -> Json:
    """Return the block of a line that is one by itself, or None."""
    if heading := _HEADING.fullmatch(line):
        return {"type": "heading", "attrs": {"level": int(heading[1])}, "content": _inline(heading[2], ())}
    if quote := _QUOTE.fullmatch(line):
        return {"type": "blockquote", "content": _inline(quote[1], ())}
    return {"type": "rule"} if _RULE.fullmatch(line) else None


def _lists(items: list[tuple[str, str]], depth: int) -> list[Json]:
    """Return the lists of (signs, text) items; further signs of an item nest it in the item before."""
    lists: list[Json] = []
    index = 0
    while index < len(items):
        sign, text = items[index][0][depth], items[index][1]
        own = len(items[index][0]) == depth + 1
        index += own
        inner = index
        while inner < len(items) and len(items[inner][0]) > depth + 1 and items[inner][0][depth] == sign:
            inner += 1
        content = (_lines(text.split("\n")) if own else []) + _lists(items[index:inner], depth + 1)
        index = inner
        kind = "orderedList" if sign == "#" else "bulletList"
        if not lists or lists[-1]["type"] != kind:
            lists.append({"type": kind, "content": []})
        lists[-1]["content"].append({"type": "listItem", "content": content})
    return lists


def _lines(lines: list[str]) -> list[Json]:
    """Return the inline nodes of lines, with a break between them."""
    nodes: list[Json] = []
    for line in lines:
        nodes += [*([{"type": "hardBreak"}] if nodes else []), *_inline(line, ())]
    return nodes


def _text(text: str, marks: tuple[Json, ...]) -> Json:
    return {"type": "text", "text": text, "marks": list(marks)}


def _inline(text: str, marks: tuple[Json, ...]) -> list[Json]:
    """Return the nodes of a line under some marks."""
    nodes: list[Json] = []
    position = 0
    for match in _INLINE.finditer(text):
        nodes.append(_text(text[position : match.start()], marks))
        position = match.end()
        nodes += _MATCHED[str(match.lastgroup)](match, marks)
    return [*nodes, _text(text[position:], marks)]


def _link(match: re.Match[str], marks: tuple[Json, ...]) -> list[Json]:
    href = match["href"] or match["url"]
    return [_text(match["label"] or href, (*marks, {"type": "link", "attrs": {"href": href}}))]


def _marked(match: re.Match[str], marks: tuple[Json, ...]) -> list[Json]:
    """Return the nodes of a marked text; one inside many marks stays as it is."""
    if len(marks) > len(_MARKS):
        return [_text(match[0], marks)]
    return _inline(match["marked"], (*marks, _MARKS[match["sign"]]))


_MATCHED: dict[str, Callable[[re.Match[str], tuple[Json, ...]], list[Json]]] = {
    "end": lambda match, marks: [{"type": "hardBreak"}],
    "escaped": lambda match, marks: [_text(match["escaped"], marks)],
    "code": lambda match, marks: [_text(match["code"], (*marks, {"type": "code"}))],
    "account": lambda match, marks: [{"type": "mention", "attrs": {"id": match["account"]}}],
    "href": _link,
    "url": _link,
    "marked": _marked,
}
"""By the last group that matched, the function of the nodes."""
