"""Quotations in an answer: texts in quotation marks, backticks or Markdown emphasis."""

import re

QUOTED = r"\"[^\"\n]*\"|“[^”\n]*”|„[^“”\n]*[“”]|`[^`\n]*`|«[^»\n]*»|‘[^’\n]*’(?!\w)|(?<!\w)'[^'\n]*'(?!\w)"
"""Pattern of a text in quotation marks or backticks."""
_PLAIN = re.compile(QUOTED)
_ANY = re.compile(QUOTED.replace("’(?!\\w)", "’") + r"|\*\*[^*\n]*\*\*")
_OUTCOME = re.compile(
    r"(?:not|nothing|never|failed)(?: (?:yet|was|been|done|moved|created|updated|changed|possible|completed))*"
)
"""A quoted outcome, which is no name."""


def quotations(text: str) -> list[str]:
    """Return the texts in quotation marks or backticks, without the marks."""
    return [match[0][1:-1] for match in _PLAIN.finditer(text) if match[0][1:-1].strip()]


def without_quotations(text: str, emphasis: bool = True) -> str:
    """Replace quoted (and emphasised) names by one word; a quoted sentence is a statement, not a name."""

    def replacement(match: re.Match[str]) -> str:
        """Return a statement as it is, and one word for a name."""
        inner = match[0].strip("*\"'`“”„«»‘’")
        return match[0] if inner[-1:] in (".", "!", "?") or _OUTCOME.fullmatch(inner) else " Quoted "

    return (_ANY if emphasis else _PLAIN).sub(replacement, text)
