"""Layouts of facts: a table of one row, and values before their field's names, as field names with their values."""

import re
from collections.abc import Collection

from envs.claims.clauses import LONGEST

_ROW = r"[^|\n]*\|[^\n]*"
_RULE = r"[ \t|:]*-[ \t:-]*\|[ \t|:-]*"
_TABLE = re.compile(rf"^({_ROW})\n{_RULE}\n({_ROW})$(?!\n[^\n]*\|)", re.MULTILINE)
_LISTS = re.compile(r"\b(jira|it|the (?:issue|ticket)) lists (?=.* under )", re.IGNORECASE)
_TITLED = re.compile(r"\bis titled (?=[\"'`“*]|[A-Z])")
_IN_STATUS = re.compile(r"(,|\band) in (?:the )?(status|priority) ", re.IGNORECASE)
_MENTIONED = re.compile(r"\b(the (?:issue|ticket)) you (?:mentioned|named|asked about|asked for) ", re.IGNORECASE)


def in_plain_layout(text: str, fields: Collection[str], values: Collection[str]) -> str:
    """Return a text with its facts as fields before values; the text itself if that would change a value.

    `fields` are the names under which a text may speak of fields, in lower case.
    """
    if len(text) > LONGEST:
        return text
    names = "|".join(sorted(map(re.escape, fields), key=len, reverse=True))
    plain = _TABLE.sub(lambda table: _as_lines(table, fields), text)
    plain = _MENTIONED.sub(r"\1 ", plain)
    if _LISTS.search(plain):
        plain = re.sub(rf" under (?:the )?[\"'`*]*({names})\b[\"'`*]*", r" (\1)", plain, flags=re.IGNORECASE)
        plain = re.sub(_LISTS.pattern.replace("(?=.* under )", ""), r"\1 shows ", plain, flags=re.IGNORECASE)
    plain = _IN_STATUS.sub(r"\1 \2 ", _TITLED.sub("has the summary ", plain))
    return plain if all(plain.count(value) == text.count(value) for value in values) else text


def _as_lines(table: re.Match[str], fields: Collection[str]) -> str:
    """Return a table of one row as a line for each field; the table itself if a heading is no field."""
    headings, cells = ([cell.strip(" \t*`") for cell in row.strip(" \t|").split("|")] for row in table.groups())
    if len(headings) != len(cells) or not {heading.lower() for heading in headings} <= set(fields):
        return table[0]
    return "\n".join(f"{heading}: {cell}" for heading, cell in zip(headings, cells, strict=True))
