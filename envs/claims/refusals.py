"""Wordings of refusals: usual ones in plain words, and claims beside what is missing."""

import re
from collections.abc import Collection, Sequence

from envs.claims.additions import reports
from envs.claims.quotations import QUOTED
from envs.claims.word_classes import word_set

_UNABLE = re.compile(r"\b(?:(?:was|am|were) )?unable to (?=(?:find|locate|identify)\b)", re.IGNORECASE)
_EMPTY = re.compile(
    r"\b(?:the|a|my) (?:user )?search for ([^.\n]{1,120}?) (?:has )?(?:returned|yielded|gave|produced) "
    r"(?:no|zero|0|nothing|an empty)\b(?: (?:results?|users?|match(?:es)?|hits?|list))?",
    re.IGNORECASE,
)
_RIGHTS = word_set("permission permissions rights allowed privileges access inactive deactivated")
"""Words for a user who exists."""
_NAMING = r"(?: (?:named|called|with the name|with the key))?:? ?(?={quoted})"


def in_plain_words(text: str) -> str:
    """Write "unable to find" as "could not find", and an empty result as nothing found."""
    return _EMPTY.sub(r"I searched for \1 and found nothing", _UNABLE.sub("could not ", text))


def claims_more(text: str, part: str, nouns: Sequence[str], known: Collection[str]) -> bool:
    """Return whether a refusal names another record as the missing one, reports an act, or blames a lack of rights."""
    if reports(text, known) or re.search(r"\bnot only\b", text, re.IGNORECASE):
        return True
    if part == "user" and _RIGHTS & set(re.findall(r"\w+", text.lower())):
        return True
    named = re.compile(rf"\b(?:{'|'.join(nouns)}){_NAMING.format(quoted=QUOTED)}({QUOTED})", re.IGNORECASE)
    lowered = {name.lower() for name in known}
    return any(match[1].strip("\"'`“”„«»‘’.,").lower() not in lowered for match in named.finditer(text))
