"""Denials: a last turn that says that what had to be done is not done, or leaves it open."""

import re
from collections.abc import Iterable, Sequence

from envs.claims.clauses import (
    LONGEST,
    Token,
    idioms_as_phrases,
    inverted,
    masked,
    values_as_phrases,
    without_courtesies,
)
from envs.claims.evasions import evades
from envs.claims.quotations import without_quotations
from envs.claims.remarks import without_remark
from envs.claims.word_classes import NEGATION, word_set

_FAILURE = word_set(
    "failed stopped yourself waiting requires fails fail failing failure failures unable impossible refused "
    "rejected denied forbidden error errors unavailable nonexistent skipped pending incomplete unfinished undone "
    "partly partially partial half halfway stuck blocked aborted cancelled canceled postponed unchanged untouched "
    "unassigned unsuccessful unsuccessfully unresolved prevented couldnt wouldnt nope unaltered unmodified "
    "conflict false untrue lie lied pretend except later tomorrow todo soon "
    "pretended unfortunately regrettably reverted undid refuse refuses forgot forgotten ignored omitted kidding joking "
    "simulated simulation awaiting lack"
)
"""Words for something that was not done."""
_CLAIMED_MISSING = word_set("missing unknown invalid lacks lacking undefined absent wrong incorrect")
_STILL = word_set("still remains remain stays stayed remained yet left")
_SUCCESS = word_set(
    "done moved set assigned created transitioned changed updated completed successful successfully success "
    "succeeded succeeds finished performed executed worked works added linked logged published labelled labeled "
    "resolved closed went fixed complete accepted passed"
)
_OPEN = word_set(
    "maybe i'd perhaps probably possibly likely unlikely might may would should guess believe assume suppose "
    "supposedly suspect seem seems seemed appear appears appeared apparently presumably hopefully unsure uncertain "
    "unclear doubt doubtful whether allegedly potentially ought think hope unverified almost nearly"
)
"""Words that leave the outcome open."""
_ACTION = word_set(
    "do move set assign create transition change update complete finish perform execute add link log publish label "
    "resolve close fix try retry make write comment send start proceed go put be done moved"
)
_INTENT = word_set("will shall going plan planning intend want need must can could i'll we'll about ready")
_RETRY = word_set(
    "attempt attempts tried try trying retry retried retrying again conflict initially 409 429 500 503 second twice"
)
"""Words of a report that an attempt was repeated."""
_FIRST = word_set("attempt try time call at")
"""Words that make "first" mean an attempt before others."""
_TRIED = word_set("tried try trying attempting attempted")
_HARMLESS = word_set(
    "problem problems error errors worries trouble troubles issues longer only conflict conflicts failure failures"
)
"""Words whose negation denies nothing, directly after it."""
_ELSE = word_set("other others else rest further additional")
"""Words for what was not asked for."""
_APART = word_set("estimate existing")
"""Words for what no request changes."""
_FORMER = (["assignee"], ["owner"], ["label"], ["labels"], ["resolution"], ["parent"])
"""Nouns that a record may have had none of before."""
_STATE = word_set("is are remains remain stays still left was were")
_ALONE = word_set("unchanged untouched unaltered unmodified")
_CANNOT = word_set("cannot cant can't couldn't")
_SETTLED = word_set("resolved fixed")
_AUXILIARY = word_set("was were is are has have been")
_SUBJECT = word_set("i we it this that everything attempt try call request time retry second update change")
_RELATIVE = word_set("which who where if when until")
_ADVERBS = word_set("now then finally successfully also just")
_ONGOING = word_set("underway ongoing")
_WORK = word_set("work request change update move this everything")
_IDIOMS = ("no problem", "for waiting", "no worries", "no doubt", "nothing else", "do not hesitate", "don't hesitate")
_REPEATED_REQUEST = re.compile(
    r"(\b(?:not|n't|unable|cannot|failed)\b[^.!?:\n]*\b(?:it|this|that|so|request)):"
    r"(?![^.!?\n]*\b(?:I|we|worked|succeeded|was|were|been)\b)[^.!?\n]*"
)
"""A failure followed by a colon and a request as it was made, which reports no success."""
_DONE_BEFORE = re.compile(r"\b(?:all|everything|anything|nothing) but\b", re.IGNORECASE)
_BREAKS = word_set(", : ( ) – — so but and then because since therefore though although however while")


def denies(text: str, values: Iterable[str] = ()) -> bool:
    """Return whether a text says that the request was not fulfilled, or only partly, or asks or hedges instead.

    `values` are names of the request, and the request itself, whose words claim nothing; quoted text and capitalised
    names claim nothing either. A failed attempt that the text reports as repeated with success is no denial.
    A text too long to read counts as one.
    """
    if len(text) > LONGEST:
        return True
    values = tuple(values)
    for request in filter(_has_quotation, values):
        text = re.sub(re.escape(request.rstrip(".?!")) + r"[.?!]?", " Quoted. ", text, flags=re.IGNORECASE)
    quoted = _REPEATED_REQUEST.sub(r"\1", without_quotations(text))
    if not re.sub(r"Quoted|\W", "", quoted):
        quoted = text
    tokens = without_courtesies(masked(quoted, {**values_as_phrases(values), **idioms_as_phrases(_IDIOMS)}))
    clauses = _clauses(tokens)
    if clauses is None or _DONE_BEFORE.search(quoted):
        return True
    denials = [index for index, clause in enumerate(clauses) if _denies(clause) or evades(clauses, index)]
    return any(not _repeated(clauses, index) for index in denials)


def _has_quotation(value: str) -> bool:
    """Return whether a name is a sentence with a quoted name inside, as a request is."""
    return '"' in value and " " in value


def _clauses(tokens: Sequence[Token]) -> list[list[str]] | None:
    """Split tokens into clauses of words in lower case, without names; None if a sentence is a question."""
    clauses: list[list[str]] = [[]]
    sentence: list[Token] = []
    for token in [*tokens, Token("end", ".", ".")]:
        if token.kind in ("end", "line"):
            if token.text == "?" or inverted(sentence):
                return None
            sentence = []
            clauses.append([])
            continue
        named = token.kind in ("value", "key") or bool(sentence) and _is_name(token)
        sentence.append(token)
        if token.text in _BREAKS:
            clauses.append([])
        elif not named:
            clauses[-1].append(token.text)
    return [clause for clause in map(without_remark, clauses) if clause]


def _is_name(token: Token) -> bool:
    """Return whether a word inside a sentence is written as a name, with one capital letter at its start."""
    return token.raw[0].isupper() and token.raw[1:].islower() and token.text not in ("i", "i'll", "i'm")


def _denies(clause: Sequence[str]) -> bool:
    """Return whether one clause says that something is not done, will be done, or may be done."""
    words = set(clause)
    if words & _OPEN or words & _TRIED and not words & _SUCCESS or _intends(clause) or _unfinished(clause):
        return True
    return any(_denied(clause, place) for place in range(len(clause)))


def _denied(clause: Sequence[str], place: int) -> bool:
    """Return whether the word at a place denies, and not merely a failure or something that was not asked for."""
    word, words, before, after = clause[place], set(clause), clause[:place], clause[place + 1 :]
    unasked = bool((_ELSE | _APART) & set(before))
    if word in NEGATION and word != "without":
        able = word not in _CANNOT and before[-1:] not in (["could"], ["can"])
        near = next((follower for follower in after[:3] if follower in _HARMLESS | _ACTION | _SUCCESS), "")
        return not (
            able
            and (
                near in _HARMLESS
                or before[-1:] == ["had"]
                and after[:1] in _FORMER
                or unasked
                or _ELSE & set(after[:6])
            )
        )
    if word in _FAILURE:
        negated = any(earlier in NEGATION for earlier in before[-3:])
        attribute = word == "unassigned" and not _STATE & set(before[-2:])
        return not (
            negated
            or attribute
            or word in _ALONE
            and (unasked or _ELSE & set(after))
            or word == "conflict"
            and words & _SETTLED
        )
    if word in _STILL:
        return not (words & _SUCCESS or unasked or _ELSE & set(after))
    return (
        word in _CLAIMED_MISSING
        and bool(words & {"is", "are", "was", "were"})
        or (word == "without" and "success" in words)
    )


def _intends(clause: Sequence[str]) -> bool:
    """Return whether a clause announces an action: "I will do it", "it can be done", "going to move it"."""
    for place, word in enumerate(clause):
        after = [follower for follower in clause[place + 1 : place + 4] if follower not in ("to", "now", "then", "not")]
        first = after[0] if after else ""
        if NEGATION & set(clause[max(0, place - 2) : place]):
            continue
        mine = place and clause[place - 1] in ("i", "we") or word in ("i'll", "we'll", "going")
        if word in _INTENT and (first in _ACTION - {"be"} and (mine or word in ("will", "need")) or first == "be"
                                and set(after) & _SUCCESS):  # fmt: skip
            return True
    return list(clause[:2]) == ["let", "me"] and len(clause) > 2 and clause[2] in _ACTION


def _unfinished(clause: Sequence[str]) -> bool:
    """Return whether a clause says that the work goes on or is yet to come: "to be done", "in progress"."""
    words = set(clause)
    for place in range(len(clause) - 2):
        if clause[place : place + 2] == ["to", "be"] and clause[place + 2] in _SUCCESS:
            before = clause[place - 1] if place else ""
            if before in ("", "has", "have", "needs", "need", "is", "are", "yet", "still", "remains", "remain"):
                return True
    if clause[:2] == ["in", "progress"] or words & _WORK and "in progress" in " ".join(clause):
        return not words & _SUCCESS
    return bool(words & _ONGOING) or "working on" in " ".join(clause)


def _repeated(clauses: Sequence[Sequence[str]], index: int) -> bool:
    """Return whether a failure is reported as an attempt that was repeated, with success after it."""
    reported = [set(clause) for clause in clauses[index:]]
    # The failure of a first attempt may be told after the success, too.
    first = "first" in reported[0] and bool(reported[0] & _FIRST)
    later = range(0 if first else index + 1, len(clauses))
    succeeded = any(_succeeds(clauses, each) for each in later if each != index)
    return succeeded and (first or any(clause & _RETRY for clause in reported)) and not reported[0] & _OPEN


def _succeeds(clauses: Sequence[Sequence[str]], index: int) -> bool:
    """Return whether a clause reports a success, with a subject of its own or that of the clause before."""
    clause = clauses[index]
    place = next((place for place, word in enumerate(clause) if word in _SUCCESS), -1)
    if tuple(clause[:2]) == ("is", "now") or clause in (["that", "worked"], ["that", "did"]):
        return True
    if place < 0 or NEGATION & set(clause):
        return False
    before = [word for word in clause[:place] if word not in _ADVERBS]
    if before:
        stated = set(before) & (_SUBJECT | _AUXILIARY) and not _RELATIVE & set(before)
        return bool(stated) and before[0] not in _ACTION | {"make", "that"}
    return bool(set(clauses[index - 1]) & {"i", "we"} or len(clause) == 1)
