"""Evasions: clauses that put work off, hand it back, tell how to do it, or leave a part of it out."""

import re
from collections.abc import Sequence

from envs.claims.word_classes import word_set

_VERBS = (
    r"(?:move|set|assign|create|transition|change|update|complete|perform|add|link|log|publish|label|resolve|close|"
    r"fix|edit|delete|open|mark|fulfil|fulfill|document|comment|mention)"
)
_READS = r"(?:find|look|check|get|know|read|search|see|fetch|verify|retrieve|identify|determine|review|inspect)"
_CLAUSES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"please (?:now )?{_VERBS}\b",
        r"please (?:provide|confirm|specify|clarify|tell|give|choose|wait|stand|share|select|try|retry)\b",
        rf"(?:here is|here's|this is) how (?:to|you can)\b|(?:the )?steps to {_VERBS}\b",
        r".*\b(?:i|we) (?:first |now |still |also )?need\b",
        rf"(?:i'll|i will|let me|i'm going to|i am going to) (?:first |now )?{_READS}\b",
        r".*\babout to \w+",
        r"on it$|(?:i am |i'm )?sorry$|tbd$|wip$|n / a$",
        r".*\b(?:timed out|went wrong|rolled back|decided against|up to you|will follow|more to go|asked someone)\b",
        r".*\b(?:gave|give|gives) (?:it )?up\b",
        r".*\b(?:was|is) a problem\b|.*\bsome(?:one|body) else (?:has|have|must|needs|can|could)\b",
        r".*\bonly (?:did |made )?(?:the |a )?(?:first|part|half|some)\b",
        r".*\b(?:just|only) one of\b|one of the\b.*\bwas\b",
        r".*\b(?:without|minus) the (?!need|problem|error)",
        r"(?:it |everything |all )?(?:is|are|'s) (?:where|as|the same as|like) (?:it was|before|they were)\b",
        r".*\byou(?:'ll| will)? (?:have|need) to do (?:it|this|that|the rest)\b",
        r"nada$|zilch$|zero (?:issues|pages|changes|records|links|comments) (?:exist|(?:was|were|are|got) \w+)",
        r"kept (?:its|the|their) old\b",
        r".*\b(?:returned|got|received|with|status) (?:an? )?(?:http )?(?:40[0134]|403|422|5\d\d)\b",
    )
)
"""Clauses by how they start, in lower case and without names."""
_INSTRUCTION = re.compile(rf"to {_VERBS}\b")
_ORDER = word_set("use call run you go invoke send")
_MARKS = frozenset("❌✗✘⛔🚫")


def evades(clauses: Sequence[Sequence[str]], index: int) -> bool:
    """Return whether a clause evades what was asked for."""
    clause = clauses[index]
    text = " ".join(clause)
    if _MARKS & set(clause) or any(pattern.match(text) for pattern in _CLAUSES):
        return True
    following = clauses[index + 1][0] if index + 1 < len(clauses) else ""
    return bool(_INSTRUCTION.match(text)) and following in _ORDER
