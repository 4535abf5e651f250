"""Claims about the keys that a request lists: which of them is meant, and how many they are."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from envs.claims.additions import reports
from envs.claims.clauses import Claim, Phrase, Token, flawed, idioms_as_phrases, read, values_as_phrases
from envs.claims.word_classes import COMMON, NEGATION, NUMBERS, REPORT, SEPARATORS, SUBJECTS, word_set

_QUANTIFIERS = word_set(
    "all each both some everything everyone most many several few half etc exclude skip minus out onwards "
    "onward ff forth eliminated excluded removed"
)
"""Words that speak of more keys than the chosen one, or rule it out."""
_FINDING_OUT = (
    "compared all of them",
    "compared them all",
    "turns out",
    "turned out",
    "found out",
    "figured out",
    "worked out",
    "based on",
)
_ASSERTION = re.compile(
    r"(^|[.:,;!\n])[ \t]*(?:(?:so|then) )?"
    r"(?:(?:that|this|it) would be|I (?:get|got)|I(?: would|'d) (?:point to|say|pick|choose|go with|go for)|"
    r"I make it|my (?:answer|pick|choice) (?:would be|is))\b:? ?",
    re.IGNORECASE,
)
"""Words that assert what comes after them, at the start of a clause."""
_NO_NEED = re.compile(r"^\s*no need to (?:look|check|call|search|fetch|use|ask)[^.:;,!?\n]{0,40}[.:;,]", re.IGNORECASE)
"""An opening that says that no tool was needed."""
_OUT_OF: Mapping[str, Phrase] = {"out of": ("word", "of")}
_UNFINISHED = re.compile(r"\.\.|…|\+")
"""Marks of a list that goes on."""
_COMPARING = COMMON | SUBJECTS | REPORT | SEPARATORS | NEGATION | word_set(
    "highest largest biggest greatest maximum max lowest smallest minimum min last first second third fourth fifth "
    "sixth place position numbers numeric numerical numerically numbered belongs belonging comes stands sits final "
    "because since so therefore thus hence based comparing compared look looking which who whose one two three four "
    "five six right correct requested provided given mentioned named called only just them their 's it's that's i'm "
    "you you're your here here's sure okay ok of among amongst between from keys issues tickets projects prefix key's "
    "after rather than instead me chosen answers question asked we've i've me counting being st nd rd th part total "
    "say clearly definitely certainly indeed simply within under does do value as also name great identified as per "
    "must follows below following bold selected choose pick found went picked matching matches match tool needed "
    "ending end ends highest-numbered was like want wanted wants confirm confirmed yes well or"
)  # fmt: skip
"""Words of an answer that names one key and compares it with the others."""
_RELATIONS = word_set("before after next previous beside besides excluding without following preceding against")
"""Words that directly before a key mean another key."""
_MEMBERSHIP = word_set("of among amongst between from list keys issues tickets")
_REJECTION = (("not",), ("rather", "than"), ("instead", "of"))
_RANGE = word_set(
    "least most more less fewer over under up about around roughly between minimum maximum plus minus extra "
    "additional further besides times twice squared cubed double half hundred thousand million some several few "
    "couple only counting missing zeroth nearly each many last wheels weeks days hours version page"
)
"""Words that turn a number into a bound, a part or another number."""
_RANGE_MARKS = frozenset("~<>+%≈≤≥±×^")
_COUNTED = word_set("issue issues ticket tickets key keys item items entry entries")


@dataclass(frozen=True)
class Choice(Claim):
    """One key of a list."""

    chosen: str
    among: tuple[str, ...]

    def score(self, text: str) -> float:
        """Return 1 for a text that asserts the chosen key and no other one."""
        idioms = idioms_as_phrases(_FINDING_OUT)
        text = _ASSERTION.sub(r"\1 it is ", _NO_NEED.sub("", text))
        tokens = read(text, {**values_as_phrases((self.chosen, *self.among)), **idioms, **_OUT_OF})
        if tokens is None or _UNFINISHED.search(text):
            return 0.0
        if any(token.kind == "word" and not _compares(token) for token in tokens):
            return 0.0
        tokens = self._without_rejected(self._without_list(tokens))
        if flawed(tokens) or any(token.text in _QUANTIFIERS for token in _without_of_all(tokens)):
            return 0.0
        named = {token.text for token in tokens if token.kind == "value"}
        related = any(
            before.text in _RELATIONS and after.kind == "value" or (before.text, after.text) == ("so", "on")
            for before, after in zip(tokens, tokens[1:], strict=False)
        )
        return float(named == {self.chosen.lower()} and not related)

    def _without_list(self, tokens: list[Token]) -> list[Token]:
        """Drop the first list of all keys, as in `Of A-1, B-2 and C-3, ...`, that a word of membership announces."""
        keys = {key.lower() for key in (self.chosen, *self.among)}
        start = next((index for index, token in enumerate(tokens) if token.kind == "value"), 0)
        announced = [token for token in tokens[:start] if token.text != ":"]
        if len(keys) < 2 or not announced or announced[-1].text not in _MEMBERSHIP:
            return tokens
        seen: set[str] = set()
        for index in range(start, len(tokens)):
            token = tokens[index]
            if token.kind == "value" and token.text not in seen:
                seen.add(token.text)
            elif token.text not in SEPARATORS:
                return tokens
            if seen == keys:
                return [*tokens[:start], *tokens[index + 1 :]]
        return tokens

    def _without_rejected(self, tokens: list[Token]) -> list[Token]:
        """Drop other keys that are rejected after the chosen one, as in `C-3, not A-1 or B-2`."""
        kept: list[Token] = []
        index, asserted = 0, False
        while index < len(tokens):
            apart = kept and (kept[-1].text in (",", "(", "and") or tokens[index].text != "not")
            after = self._end_of_rejection(tokens, index) if apart else index
            index = after if asserted else index
            if index < len(tokens):
                kept.append(tokens[index])
                asserted |= tokens[index].text == self.chosen.lower()
            index += 1
        return kept

    def _end_of_rejection(self, tokens: Sequence[Token], index: int) -> int:
        """Return the place after a rejection that starts at an index; the index itself if none starts there."""
        for words in _REJECTION:
            place = index + len(words)
            if tuple(token.text for token in tokens[index:place]) != words:
                continue
            end = index
            while place < len(tokens) and (tokens[place].kind == "value" or tokens[place].text in (",", "or", "and")):
                if tokens[place].text == self.chosen.lower():
                    break
                place += 1
                end = place if tokens[place - 1].kind == "value" else end
            return end
        return index


@dataclass(frozen=True)
class Count(Claim):
    """Number of keys that a request lists."""

    number: int
    listed: tuple[str, ...]

    def score(self, text: str) -> float:
        """Return 1 for a text with the right number, in figures or words, and no other number."""
        tokens = read(text, self._phrases())
        if tokens is None or flawed(tokens) or re.search(r"\d[.,/:]\d", text):
            return 0.0
        if reports(text, self.listed):
            return 0.0
        tokens = _without_markers(tokens)
        if any(token.text in _RANGE or token.text in _RANGE_MARKS for token in tokens) or _signed(text):
            return 0.0
        return float({_number(tokens, index) for index in range(len(tokens))} - {None} == {self.number})

    def _phrases(self) -> dict[str, Phrase]:
        return values_as_phrases(self.listed)


def _compares(token: Token) -> bool:
    """Return whether a word is one of comparing keys: a plain one, a number or a project's name in capitals."""
    return token.text in _COMPARING or token.text.isdecimal() or token.raw.isupper() and len(token.raw) > 1


def _without_of_all(tokens: Sequence[Token]) -> list[Token]:
    """Drop `of all`, which compares the chosen key with the others."""
    return [token for index, token in enumerate(tokens)
            if not (token.text == "all" and index and tokens[index - 1].text == "of")]  # fmt: skip


def _without_markers(tokens: Sequence[Token]) -> list[Token]:
    """Drop the numbers of a numbered list of keys, as in `1. A-1`."""
    kept: list[Token] = []
    for token in tokens:
        if token.kind == "value" and len(kept) > 1 and kept[-1].text in (".", ")") and kept[-2].text.isdecimal():
            kept[-2:] = []
        kept.append(token)
    return kept


def _signed(text: str) -> bool:
    """Return whether a number has a minus sign or a decimal part."""
    return re.search(r"(?:^|[^\w\s])[-−]\d|−\d", text) is not None


def _number(tokens: Sequence[Token], index: int) -> int | None:
    """Return the number that a token states; None for one that states none, as the pronoun "one"."""
    token = tokens[index]
    if token.kind != "word":
        return None
    if token.text.isdecimal():
        return int(token.text[:9]) if str(int(token.text[:9])) == token.text else -1
    if token.text != "one":
        return NUMBERS.get(token.text)
    before = tokens[index - 1].text if index else ""
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    counts = before in ("", "is", "are", "just", "exactly", ":", "=") and (after is None or after.kind != "word")
    return 1 if counts or (before not in ("which", "the", "this", "that", "each", "every", "first", "last")
                           and after is not None and after.text in _COUNTED) else None  # fmt: skip
