"""Tokens of an answer: values and names masked as units, courtesies dropped, and flaws that void any claim."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from envs.claims.word_classes import (
    BEFORE_VALUE,
    CLOSING,
    COMMON,
    COURTESY,
    DOUBT,
    FALSEHOOD,
    FUTURE,
    IDIOMS,
    NEGATION,
    OPENING_MARKS,
    OTHER_FIELDS,
    PAST,
    PAST_TENSE,
    QUESTION_START,
    REPORT,
    SUBJECTS,
)

LONGEST = 2000
"""Characters of the longest text that is judged; a longer one is a dump."""
VOID = NEGATION | FALSEHOOD | DOUBT | PAST | FUTURE
"""Words that void a claim wherever they occur."""
_RESERVED = VOID | PAST_TENSE | REPORT | BEFORE_VALUE | COMMON | SUBJECTS | QUESTION_START
_TOKEN = re.compile(
    r"(?P<key>[A-Za-z][A-Za-z0-9]+-\d+(?![\w-]))"
    r"|(?P<word>[^\W_]+(?:['’](?:t|re|ve|ll|d|m)\b)?|['’]s\b)"
    r"|(?P<end>[.!](?!\w)|[;…。]|\?(?!\w))|(?P<line>\n)|(?P<mark>\S)"
)
Kind = Literal["word", "value", "field", "idiom", "key", "end", "line", "mark"]
Phrase = tuple[Kind, str]
"""A phrase to mask: its kind, and the name under which it counts."""


class Claim(Protocol):
    """A fact that a text must state."""

    def score(self, text: str) -> float:
        """Return 1 for a truthful and complete text, a part if facts are missing, 0 for anything false or unclear."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a punctuation mark or a masked phrase."""

    kind: Kind
    text: str
    """The word in lower case, or the name of the masked phrase."""
    raw: str
    """The first word as written."""


def read(text: str, phrases: Mapping[str, Phrase]) -> list[Token] | None:
    """Return a text's tokens, with phrases masked and courtesies dropped; None for a dump or a copy of JSON."""
    if len(text) > LONGEST or "{" in text or "}" in text:
        return None
    return without_courtesies(masked(text, {**phrases, **idioms_as_phrases(IDIOMS)}))


def flawed(tokens: Sequence[Token]) -> bool:
    """Return whether anything in an answer negates, doubts, asks, or speaks of another time or record."""
    if any(token.text in VOID for token in tokens if token.kind in ("word", "mark", "end")):
        return True
    if any(token.kind == "key" or _labels_other(tokens, index) for index, token in enumerate(tokens)):
        return True
    if any(_changes_value(tokens, index) for index, token in enumerate(tokens) if token.kind == "value"):
        return True
    return any(inverted(sentence) or _past(sentence) for sentence in sentences(tokens))


def sentences(tokens: Sequence[Token]) -> list[list[Token]]:
    """Split tokens at the ends of sentences and lines, without those ends."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind in ("end", "line"):
            parts.append([])
        else:
            parts[-1].append(token)
    return [part for part in parts if part]


def inverted(sentence: Sequence[Token]) -> bool:
    """Return whether a sentence starts as a question does: a verb, then its subject."""
    first = next((i for i, token in enumerate(sentence) if token.kind != "mark"), len(sentence))
    if first + 1 >= len(sentence) or sentence[first].text not in QUESTION_START:
        return False
    subject = sentence[first + 1]
    return subject.kind in ("key", "field") or subject.text in SUBJECTS or subject.text == "record"


@lru_cache(maxsize=4096)
def words_of(phrase: str) -> tuple[str, ...]:
    """Return the tokens of a phrase, in lower case."""
    return tuple(match.group().lower().replace("’", "'") for match in _TOKEN.finditer(phrase))


@lru_cache(maxsize=128)
def _index(phrases: tuple[tuple[str, Phrase], ...]) -> dict[str, list[tuple[tuple[str, ...], str, Phrase]]]:
    """Return phrases by their first word, longest first."""
    index: dict[str, list[tuple[tuple[str, ...], str, Phrase]]] = {}
    for phrase, meaning in sorted(phrases, key=lambda entry: -len(words_of(entry[0]))):
        if words := words_of(phrase):
            index.setdefault(words[0], []).append((words, phrase, meaning))
    return index


def masked(text: str, phrases: Mapping[str, Phrase]) -> list[Token]:
    """Return tokens with the longest phrase at each place as one token, without quotes, emphasis and idioms."""
    index, tokens = _index(tuple(phrases.items())), list[Token]()
    found = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(text)]
    lower = [raw.lower().replace("’", "'") for _, raw in found]
    place = 0
    while place < len(found):
        kind, raw = found[place]
        for words, phrase, (meaning, name) in index.get(lower[place], ()):
            if tuple(lower[place : place + len(words)]) == words and _meant(found, place, phrase, meaning, text):
                if meaning == "value" and _overlapped(found, lower, place, words, phrase, index):
                    continue
                tokens.append(Token(meaning, name, raw))
                place += len(words)
                break
        else:
            place += 1
            if kind == "key" and not raw.isupper():
                kind = "word"
            if raw not in OPENING_MARKS:
                tokens.append(Token(kind, lower[place - 1], raw))  # type: ignore[arg-type]
    return [token for token in tokens if token.kind != "idiom"]


def _overlapped(
    found: list[tuple[str, str]],
    lower: list[str],
    place: int,
    words: tuple[str, ...],
    phrase: str,
    index: dict[str, list[tuple[tuple[str, ...], str, Phrase]]],
) -> bool:
    """Return whether a value in another spelling than its own overlaps the next value in that one's own spelling."""
    if len(words) == 1 or _spelled(found, place, phrase):
        return False
    end = place + len(words)
    return any(
        meaning == "value" and inner + len(other) > end and _spelled(found, inner, spelling)
        for inner in range(place + 1, end)
        for other, spelling, (meaning, _) in index.get(lower[inner], ())
    )


def _spelled(found: list[tuple[str, str]], place: int, phrase: str) -> bool:
    """Return whether a phrase is at a place in its own spelling."""
    raw = [match.group() for match in _TOKEN.finditer(phrase)]
    return [word for _, word in found[place : place + len(raw)]] == raw


def _meant(found: list[tuple[str, str]], place: int, phrase: str, meaning: str, text: str) -> bool:
    """Return whether words mean a value.

    One that starts with a frequent word counts in its own spelling, if the text has that. One that is only a frequent
    word counts in its own spelling alone and, unless it is quoted or in capitals, not at the start of a sentence.
    """
    words = words_of(phrase)
    if meaning != "value" or words[0] not in _RESERVED:
        return True
    same = found[place][1] == phrase[: len(words[0])]
    if len(words) > 1:
        return same or phrase not in text
    before = found[place - 1] if place else ("end", "")
    after = found[place + 1] if place + 1 < len(found) else ("end", "")
    if not same or phrase.isupper() and len(phrase) > 1 or before[1] in OPENING_MARKS and after[1] in OPENING_MARKS:
        return same
    starts = before[0] in ("end", "line") or before[1] in ("-", "*", "•")
    return after[1] != ":" and (not starts or after[0] in ("end", "line") or after[1] in ",/")


def without_courtesies(tokens: list[Token]) -> list[Token]:
    """Drop clauses made of nothing but courtesies, with the question mark of an offer."""
    kept: list[Token] = []
    clause: list[Token] = []
    for token in [*tokens, Token("end", "", "")]:
        if token.kind not in ("end", "line") and token.text not in (",", ":", "-", "–", "—", "(", ")"):
            clause.append(token)
            continue
        texts = {part.text for part in clause}
        courteous = bool(texts & CLOSING) and texts <= COURTESY and all(part.kind != "value" for part in clause)
        if not courteous:
            kept += clause
        if token.text and not (courteous and token.text == "?" and len(texts) > 1):
            kept.append(token)
        clause = []
    return kept


def _labels_other(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a token labels a field that no task asks for."""
    after = tokens[index + 1].text if index + 1 < len(tokens) else ""
    return tokens[index].kind == "word" and tokens[index].text in OTHER_FIELDS and after in (":", "=", "|")


def _changes_value(tokens: Sequence[Token], index: int) -> bool:
    """Return whether the word before a value changes it into another."""
    before = index - 1
    while before >= 0 and tokens[before].text in ("the", "a", "an", "-"):
        before -= 1
    return before >= 0 and tokens[before].kind == "word" and tokens[before].text in BEFORE_VALUE


def _past(sentence: Sequence[Token]) -> bool:
    """Return whether a sentence is in the past tense and no report of what was read."""
    texts = {token.text for token in sentence if token.kind == "word"}
    return bool(texts & PAST_TENSE) and not texts & REPORT


def values_as_phrases(values: Iterable[str]) -> dict[str, Phrase]:
    """Return values as phrases to mask, each named by its lower case."""
    return {value: ("value", value.lower()) for value in values}


def idioms_as_phrases(idioms: Iterable[str]) -> dict[str, Phrase]:
    """Return idioms as phrases to mask; they claim nothing and leave no token."""
    return {idiom: ("idiom", idiom) for idiom in idioms}
