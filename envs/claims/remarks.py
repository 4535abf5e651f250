"""Remarks beside a report: where a change shows, how to see it, which context was of no use."""

import re
from collections.abc import Sequence

from envs.claims.word_classes import word_set

_THING = r"(?:it|they|this|these|(?:the|your|its) (?:(?:new|updated|whole) )?\w+)"
_MODAL = r"(?:should|may|might|would)(?: now| already| also)?"
_SHOW = r"(?:be (?:now )?(?:visible|searchable|up to date|live|there)|show(?: up)?|appear|take effect)"
_MOMENT = r"(?:a|another|some|one|up to a|a few|a couple of) (?:moments?|minutes?|seconds?|while|time|bit)"
_SIDE = r"(?: (?:from|on|by) (?:your (?:side|part|end)|you))?"
_CONTEXT = (
    r"(?:mails?|e-mails?|emails?|messages?|threads?|chats?|texts?|quotes?|quotations?|notes?|signatures?|footers?|"
    r"disclaimers?|conversations?|logs?|excerpts?|passages?|paragraphs?)"
)
_STALE = r"(?:quoted|forwarded|cited|old|older|earlier|outdated|irrelevant|unrelated|attached|pasted|previous|copied)"
_OPENINGS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:that|this|it) (?:should|would) be (?:all|it|everything)(?= for (?:now|today)$|(?: now)?$)",
        rf"{_THING} {_MODAL} {_SHOW}\b",
        rf"{_THING} {_MODAL} (?:take|need) {_MOMENT}"
        r"(?: (?:to|until it|before it) (?:\w+ )?(?:shows?|appears?)(?: up)?|$)",
        rf"you {_MODAL} (?:(?:need|have|want) to )?(?:be able to )?"
        r"(?:see|find|view|notice|refresh|reload)\b(?! to it| no\b| that| whether)",
        rf"(?:nothing|no) (?:more|else|further)(?: (?:action|steps?|work))? (?:is|are) "
        rf"(?:needed|required|necessary){_SIDE}$",
        rf"(?:there is |there's )?nothing (?:more|else|further)(?: left)? (?:for you )?to do{_SIDE}$",
        rf"you (?:do not|don't) (?:need|have) to do anything(?: more| else| further)?{_SIDE}$",
        rf"(?:i|we) (?:have )?(?:ignored|omitted|skipped) (?:the|your|that) (?:{_STALE} )+{_CONTEXT}(?= as\b|$)",
        r"(?:i|we) (?:have )?(?:ignored|omitted|skipped) (?:the|your|that) (?:signature|footer|disclaimer|greeting)$",
        rf"(?:the|your|that) (?:{_STALE} )+{_CONTEXT} (?:was|were|is|are|has been) ignored$",
        r"(?:as |for )?(?:it|they|that|this) (?:asks?|asked|called|calls?) for (?:nothing|no \w+)$",
        r"(?:as |for )?(?:it|they|that|this) (?:has|have|had) nothing to do with "
        r"(?:it|this|the (?:request|task|issue|page))$",
    )
)
"""Remarks by how a clause starts, in lower case and without names."""
_LATER = re.compile(r"\b(?:the|your|this|that) later (?=(?:value|one|date|name|number|mail|message|correction|wish)\b)")
_CONDITIONS = word_set("once after when if unless until soon provided")
"""Words that make what shows depend on what is not yet done."""
_FUTURE = word_set("will shall going i'll we'll")
_REFRESH = re.compile(
    r"(?:after|when|once|if) (?:a |you |the )?(?:page )?(?:refresh|reload)\w*(?: (?:the|this) page| it)?$"
)


def without_remark(clause: Sequence[str]) -> list[str]:
    """Return a clause without the remarks at its start, and without the word "later" for a correction."""
    text = " ".join(clause)
    text = text if _FUTURE & set(clause) else _LATER.sub("the ", text)
    for opening in _OPENINGS:
        if match := opening.match(text):
            rest = _REFRESH.sub("", text[match.end() :].strip()).split()
            return text.split() if _CONDITIONS & set(rest) else without_remark(rest)
    return text.split()
