"""Quotations in an answer: texts in quotation marks, backticks or Markdown emphasis."""

import re

_PLAIN = re.compile(
    r"\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|`[^`\n]*`|«[^»\n]*»|‘[^’\n]*’(?!\w)|(?<!\w)'[^'\n]*'(?!\w)"
)
_ANY = re.compile(_PLAIN.pattern.replace("’(?!\\w)", "’") + r"|\*\*[^*\n]*\*\*")


def quotations(text: str) -> list[str]:
    """Return the texts in quotation marks or backticks, without the marks."""
    return [match[0][1:-1] for match in _PLAIN.finditer(text) if match[0][1:-1].strip()]


def without_quotations(text: str) -> str:
    """Replace quoted and emphasised names by one word; a quoted sentence is a statement, not a name."""
    return _ANY.sub(lambda match: match[0] if match[0][-2:-1] in tuple(".!?") else " Quoted ", text)
