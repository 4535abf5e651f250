"""Wordings of refusals: usual ones in plain words, and claims beside what is missing."""

import re
from collections.abc import Collection, Mapping, Sequence

from envs.claims.additions import reports
from envs.claims.clauses import LONGEST
from envs.claims.quotations import QUOTED
from envs.claims.word_classes import word_set

_REWORDINGS = (
    (r"\b(?:(?:was|am|were) )?unable to (?=(?:find|locate|identify)\b)", "could not "),
    (
        r"\b(?:the|a|my) (?:user )?search for ([^.\n]{1,120}?) (?:has )?(?:returned|yielded|gave|produced|found) "
        r"(?:no one|nobody|no|zero|0|nothing|an empty)\b(?: (?:results?|users?|match(?:es)?|hits?|list))?",
        r"I searched for \1 and found nothing",
    ),
    (
        r"\bnone(?: of (?:them|these|those|(?:the|its) (?:available )?transitions))? (?:leads?|goes|go) to ",
        "no transition leads to ",
    ),
    (
        r"\bissues? of (?:the )?(?:issue )?type (\S[^.\n]{0,60}?) (?:cannot|can't|can not) be created in ",
        r"The issue type \1 does not exist in ",
    ),
    (
        r"(\bexist),? or (?:that )?(?:I|you|we) (?:may not|cannot|can't|(?:do not|don't) have (?:the )?permissions? to|"
        r"lack (?:the )?permissions? to|am not allowed to|are not allowed to) (?:see|view|access|browse) it\b",
        r"\1",
    ),
    (r"(?<=\w) right now\b", ""),
)
"""(Usual wording, the plain one), in the order in which they are replaced."""
_PLAIN = tuple((re.compile(wording, re.IGNORECASE), plain) for wording, plain in _REWORDINGS)
_RIGHTS = word_set("permission permissions rights allowed privileges access inactive deactivated")
"""Words for a user who exists."""
_DENIED = re.compile(r"\b(?:permissions?|privileges?|access|rights)\b", re.IGNORECASE)
_ABSENT = re.compile(r"\b(?:exists?|existing|found|find|missing|such)\b", re.IGNORECASE)
_NAMING = r"(?: (?:named|called|titled|with the (?:name|key|id)))?"
_KINDS: Mapping[str, tuple[str, ...]] = {
    "issue": ("issue", "ticket"),
    "status": ("status", "transition", "column", "step", "state"),
    "user": ("user", "person", "member", "account", "colleague", "employee", "assignee", "anyone", "anybody", "nobody"),
    "project": ("project",),
    "type": ("type",),
    "": (
        *("board", "sprint", "space", "page", "label", "component", "version", "priority", "resolution", "filter"),
        *("dashboard", "field", "group", "team", "role", "comment", "attachment", "release", "site", "file"),
    ),
}
"""Nouns for each part of a request, and for what is no part of any."""


def in_plain_words(text: str) -> str:
    """Write "unable to find" as "could not find", an empty result as nothing found, and the like."""
    for wording, plain in _PLAIN if len(text) <= LONGEST else ():
        text = wording.sub(plain, text)
    return text


def claims_more(text: str, part: str, nouns: Sequence[str], known: Collection[str]) -> bool:
    """Return whether a refusal names another record as the missing one, reports an act, or blames a lack of rights."""
    if reports(text, known, passive=True) or re.search(r"\bnot only\b", text, re.IGNORECASE):
        return True
    plain = re.sub("|".join(map(re.escape, filter(None, known))) or "$", " ", text, flags=re.IGNORECASE)
    if part == "user" and _RIGHTS & set(re.findall(r"\w+", plain.lower())):
        return True
    if _DENIED.search(plain) and not _ABSENT.search(plain):
        return True
    named = re.compile(rf"\b(?:{'|'.join(nouns)}){_NAMING}:? ?(?={QUOTED})({QUOTED})", re.IGNORECASE)
    lowered = {name.lower() for name in known}
    return any(match[1].strip("\"'`“”„«»‘’.,").lower() not in lowered for match in named.finditer(text))


def of_another_kind(text: str, part: str, missing: str) -> bool:
    """Return whether a text says of the missing value that it is of another kind than the part that is missing."""
    own = "|".join(_KINDS[part])
    other = "|".join(noun for kind, nouns in _KINDS.items() if kind != part for noun in nouns)
    marks = r"[\"'`“„«‘*_]*"
    value = rf"{marks}{re.escape(missing)}(?!\w)"
    kinds = (
        rf"(?<!this )(?<!that )(?<!the same )\b(?:{other}){_NAMING} {value}",
        rf"\b(?:missing|unknown|invalid|nonexistent|no|no such) (?:{other}): ?{value}",
        rf"{value}[\"'`”“»’*_]* (?:is|was|isn't|isn’t)(?: not| no)?(?: (?:an?|the|any))?"
        rf"(?: (?:valid|existing|known|available|real))* (?:{other})\b(?!'|’| (?:{own}|key))",
    )
    return any(re.search(kind, text, re.IGNORECASE) for kind in kinds)
