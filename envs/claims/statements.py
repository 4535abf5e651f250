"""Statements about a field that give it no known value, as in `its status is Zebra`."""

from collections.abc import Sequence

from envs.claims.clauses import Token
from envs.claims.word_classes import COMMON, COURTESY, OTHER_FIELDS, REPORT, SEPARATORS, SUBJECTS, word_set

_LINKS = word_set("is : = | are - – — → > has equals reads")
_BETWEEN = word_set("of for the this that issue ticket record 's bug task story jira current in both value values")
_FILLERS = word_set(
    "currently now as follows follow below listed shown given set to at in marked recorded displayed also just "
    "indeed simply exactly respectively its their both retrieved returned found provided"
)
"""Words that may end a statement whose value comes later or came before."""
_UNASKED = OTHER_FIELDS | word_set("assignee owner severity parent milestone deadline space author project")
"""Fields of which an answer says nothing, unless they are asked for."""
_STOPS = word_set(", ; / & and with while plus whereas but ( )")
PLAIN = (
    COMMON | COURTESY | REPORT | SEPARATORS | SUBJECTS | _FILLERS | _BETWEEN
    | word_set("based according tool tools response responses using per from call called successfully retrieved "
               "following here after both ve have i've you've i'm jira confluence requested asking wanted level "
               "currently api level overview below retrieved fetched summary key keys detail "
               "above asked want wanted looking so therefore thus it's that's here's they issue's ticket's")
)  # fmt: skip
"""Words that state nothing about a field by themselves."""


def states_the_unknown(tokens: Sequence[Token]) -> bool:
    """Return whether a field gets something else than a known value, or an unasked field gets anything."""
    return any(_unknown(tokens, index) for index, token in enumerate(tokens) if token.kind == "field") or any(
        token.kind == "word"
        and token.text in _UNASKED
        and (index == 0 or tokens[index - 1].text not in ("to", "for"))
        and index + 1 < len(tokens)
        and tokens[index + 1].text in ("is", "are", ":", "=", "|")
        and not _introduces(tokens, index + 2)
        for index, token in enumerate(tokens)
    )


def plain(tokens: Sequence[Token]) -> bool:
    """Return whether tokens hold no word beyond the plain ones of a report."""
    return all(token.kind != "word" or token.text in PLAIN for token in tokens)


def _unknown(tokens: Sequence[Token], index: int) -> bool:
    """Return whether the field at an index is linked to words without a value among them."""
    place = index + 1
    while place < len(tokens) and tokens[place].text in _BETWEEN:
        place += 1
    start = place
    while place < len(tokens) and tokens[place].text in _LINKS:
        place += 1
    if place == start:
        return place == index + 1 and _bare(tokens, place)
    return not _introduces(tokens, place)


def _bare(tokens: Sequence[Token], place: int) -> bool:
    """Return whether a capitalised word that is no plain one follows a field as its value would, without a link."""
    if place >= len(tokens) or tokens[place].kind != "word" or tokens[place].text in PLAIN:
        return False
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    return tokens[place].raw[:1].isupper() and (after is None or after.kind in ("end", "line") or after.text in _STOPS)


def _introduces(tokens: Sequence[Token], place: int) -> bool:
    """Return whether what follows has a value, or only words that announce one."""
    words = []
    for token in tokens[place:]:
        if token.kind in ("value", "field") or token.text == "record":
            return True
        if token.kind in ("end", "line") or token.text in _STOPS:
            break
        if token.kind == "word":
            words.append(token.text)
    return all(word in _FILLERS for word in words)
