"""Substitutes: reports of acts without a verb of change, as in "I chose the closest one" or "the change is made"."""

import re
from collections.abc import Sequence

from envs.claims.word_classes import NEGATION

_BREAKS = frozenset(", : ( ) – — ; and but so because since while".split())
_FOLLOWS = r"(?:(?:then|so|therefore|instead|simply|just|have|also|now) )*"
_REPORTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:i|we|i've|we've) {_FOLLOWS}(?:chose|chosen|picked|took|taken|selected|used|applied|substituted|"
        r"(?:went|gone) (?:with|for)|settled (?:on|for)|opted for)\b.*\b(?:closest|nearest|next best|similar|instead|"
        r"alternative|different|another|default)\b",
        r"\b(?:told|informed|contacted|reached|asked|wrote|sent|let|called)\b.*\b"
        r"(?:by|via|per|over|through|an?) (?:e-?mail|mail|slack|sms|phone|chat)\b",
        r"\b(?:site|server|system|account|jira|confluence) (?:is|was) (?:currently )?"
        r"(?:down|offline|locked|suspended|blocked|disabled|broken)\b",
    )
)
"""Reports by their words, in lower case and without names."""
_COMPLETION = re.compile(
    r"\b(?:change|changes|update|work|job|move|request|task|assignment) "
    r"(?:is|are|was|were|has been|have been|got) (?:now )?(?:made|done|completed?|in place|applied|saved|live)\b"
)
"""The report that a request was fulfilled."""


def substitutes(words: Sequence[str], completion: bool) -> bool:
    """Return whether a clause reports an act in other words than a verb of change, or the request's `completion`."""
    clauses: list[list[str]] = [[]]
    for word in words:
        if word in _BREAKS:
            clauses.append([])
        else:
            clauses[-1].append(word)
    patterns = (*_REPORTS, _COMPLETION) if completion else _REPORTS
    texts = [" ".join(clause) for clause in clauses if not NEGATION & set(clause)]
    return any(pattern.search(text) for text in texts for pattern in patterns)
