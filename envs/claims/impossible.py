"""Claims that a request is impossible because one part of it is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from envs.claims.clauses import Claim, Phrase, Token, inverted, read
from envs.claims.refusals import claims_more, in_plain_words, of_another_kind
from envs.claims.word_classes import DOUBT, FALSEHOOD, NEGATION, PAST, word_set

NOUNS: Mapping[str, tuple[str, ...]] = {
    "issue": ("issue", "issue key", "ticket"),
    "status": ("status", "transition", "transitions", "column", "workflow step"),
    "user": ("user", "user account", "person", "anyone", "anybody", "someone", "account", "member", "colleague"),
    "project": ("project", "project key"),
    "type": ("issue type", "issuetype", "ticket type", "type"),
}
"""Nouns for each part of a request."""


_LACK = word_set(
    "missing unknown unavailable nonexistent inexistent undefined invalid unrecognised unrecognized unreachable "
    "lacking lacks lack absent unsupported 404 unfindable"
)
_HAVE = word_set(
    "have has had find see know knows offer offers contain contains support supports include includes allow allows "
    "permit permits provide provides recognise recognize define defines locate identify get got reach accept "
    "accepts show match"
)
"""Verbs whose object a negation makes missing."""
_BE = word_set(
    "exist exists existing existent found available there present known defined listed offered contained supported "
    "included allowed permitted provided recognised recognized located reached reachable accepted valid one among "
    "part option a an any in here such lead leads identified matched reads"
)
"""Verbs and predicates whose subject a negation makes missing."""
_EXISTS = word_set("exist exists available found present valid defined known reachable there")
_OUTCOME = word_set(
    "move moved moving set assign assigned create created change changed changes update updated done made make "
    "completed performed fulfilled possible work worked carried fulfil fulfill added add action proceed executed "
    "put taken applied touched modified changing go do did attempted"
)
"""Words for what was to be done: a negation of them says nothing of what is missing."""
_DONE = word_set(
    "done moved assigned created transitioned changed updated completed successfully success succeeded finished "
    "performed executed set added"
)
_WISH = word_set("be to asked wanted requested named unassigned wish")
"""Words before a word of _DONE that make it a wish."""
_MISDIRECTED = word_set(
    "sure certain needed necessary required true correct right problem cause reason clear case so confirm confirmed"
)
"""Words whose negation voids what follows."""
_BREAKS = word_set("because since as so but and while hence therefore thus though although however yet")
_MARKS = word_set(", : ( ) – — - | / →")
_LOCATIONS = word_set("in for from within on at under of inside by with")
_JOINERS = word_set(
    "named called with the name key id leads lead leading to into that which goes going is a an requested towards "
    "titled known being"
)
"""Words between a noun and the value that it announces."""
_ANNOUNCING = word_set("to into named called")
_FILLERS = word_set("the a an this that your requested given existing named called any such current project's my")
_FORWARD = word_set("no without nobody nothing none never")
_ACTIONS = word_set("move moving assign assigning create creating set setting bring transition moved")
_MAY_SAY = word_set(
    "could will shall made default unknown any anything other others another something told heard given expected "
    "than would error must fails failed instead rather longer anymore every once old until"
)
_VOID = (DOUBT | FALSEHOOD | PAST) - _MAY_SAY - {"?"}
_OFFERS = word_set("would do shall should which what can could")


@dataclass(frozen=True, slots=True)
class _Mention:
    """A part of the request in a clause."""

    part: str
    named: bool
    place: int
    core: bool
    """Whether it is subject or object, not where or for what."""


@dataclass(frozen=True)
class Impossible(Claim):
    """A part of a request that does not exist."""

    part: str
    missing: str
    """The value that does not exist."""
    present: Mapping[str, str]
    """Other parts of the request, which exist -> their values."""

    def score(self, text: str) -> float:
        """Return 1 for a text that says of the missing value, and of nothing else, that it is missing.

        The missing value alone, with or without the noun of its part, is an answer too.
        """
        if _plain(text, NOUNS[self.part]) == self.missing.casefold():
            return 1.0
        tokens = read(in_plain_words(text), self._phrases())
        if (
            tokens is None
            or of_another_kind(text, self.part, self.missing)
            or not any(token.text == f"={self.part}" for token in tokens)
        ):
            return 0.0
        clauses = _clauses(tokens)
        if clauses is None or any(_void(clause) for clause, _ in clauses):
            return 0.0
        lacking: list[str] = []
        last, pending = "", False
        for index, (clause, _) in enumerate(clauses):
            mentions = _mentions(clause)
            opened = index > 0 and clauses[index - 1][1] == ","
            if _bare(clause, mentions) and clauses[index][1] not in (":", "-", "–", "—") or opened and pending:
                lacking += [mention.part for mention in mentions if mention.named and mention.part != self.part]
            named = [mention.part for mention in mentions if mention.named]
            if pending and mentions:
                lacking.append(mentions[0].part)
                pending = False
            found = _lacking(clause, mentions, self.part, last)
            if found is None or lacking and not mentions and clause[-1].text in NEGATION - {"nothing"}:
                return 0.0  # "It is missing, but it isn't."
            pending |= "" in found
            lacking += [part for part in found if part]
            last = named[-1] if named else last
        known = (self.missing, *self.present.values())
        return float(set(lacking) == {self.part} and not claims_more(text, self.part, NOUNS[self.part], known))

    def _phrases(self) -> dict[str, Phrase]:
        """Return values, named by "=" and their part, and nouns, named by their part."""
        phrases: dict[str, Phrase] = {value: ("value", f"={part}") for part, value in self.present.items()}
        phrases[self.missing] = ("value", f"={self.part}")
        for part, nouns in NOUNS.items():
            for noun in nouns:
                if noun not in phrases:
                    phrases[noun] = ("field", part)
        return phrases


def _clauses(tokens: Sequence[Token]) -> list[tuple[list[Token], str]] | None:
    """Split tokens into clauses with the mark that ends each, without offers; None if anything else is a question."""
    clauses: list[tuple[list[Token], str]] = []
    sentence: list[tuple[list[Token], str]] = []
    clause: list[Token] = []
    for index, token in enumerate([*tokens, Token("end", ".", ".")]):
        ends = token.kind in ("end", "line")
        both = (
            token.text == "and" and clause and clause[-1].kind in ("value", "field") and _announces(tokens, index + 1)
        )
        if not ends and (both or token.text not in _MARKS and token.text not in _BREAKS):
            clause.append(token)
            continue
        if clause:
            sentence.append((clause, token.text))
        clause = []
        if ends:
            if token.text != "?" and not inverted([token for part, _ in sentence for token in part]):
                clauses += sentence
            elif any(part.kind == "value" for said, _ in sentence for part in said) or (
                sentence and sentence[0][0][0].text not in _OFFERS
            ):
                return None
            sentence = []
    return clauses


def _announces(tokens: Sequence[Token], place: int) -> bool:
    """Return whether a part of the request starts at a place."""
    while place < len(tokens) and tokens[place].text in _FILLERS:
        place += 1
    return place < len(tokens) and tokens[place].kind in ("value", "field")


def _void(clause: Sequence[Token]) -> bool:
    """Return whether a clause doubts, negates its own statement, or says that the request was fulfilled."""
    texts = [token.text for token in clause]
    negated = [index for index, text in enumerate(texts) if text in NEGATION]
    for index, text in enumerate(texts):
        if clause[index].kind in ("word", "mark") and text in _VOID:
            return True
        if text == "could" and texts[index + 1 : index + 2] != ["not"]:
            return True
        wished = any(before in _WISH for before in texts[:index])
        if (
            text in _DONE
            and not wished
            and not any(place < index for place in negated)
            and not _nothing_after(texts, index)
        ):
            return True
    if negated and set(texts) & _MISDIRECTED:
        return True
    return len(negated) > 1 or "~" in texts or any(token.kind == "key" for token in clause)


def _nothing_after(texts: Sequence[str], index: int) -> bool:
    """Return whether a verb has "nothing" for its object."""
    return texts[index + 1 : index + 2] in (["nothing"], ["no"])


def _mentions(clause: Sequence[Token]) -> list[_Mention]:
    """Return the parts of the request in a clause; a noun and the value that it announces are one."""
    found: list[_Mention] = []
    for place, token in enumerate(clause):
        if token.kind not in ("value", "field"):
            continue
        part, named = token.text.removeprefix("="), token.kind == "value"
        if found and found[-1].part == part and found[-1].named != named and _joined(clause, found[-1].place, place):
            found[-1] = _Mention(part, True, found[-1].place, found[-1].core)
            continue
        if found and named and not found[-1].named and _joined(clause, found[-1].place, place):
            # A noun with a value of another part, as in "the transition NT-41", speaks of the value.
            if place == found[-1].place + 1 or clause[place - 1].text in _ANNOUNCING:
                found.pop()
        before = place - 1
        while before >= 0 and clause[before].text in _FILLERS:
            before -= 1
        leads = clause[before].text if before >= 0 else ""
        # "To NT-41" is where, "to Done" is what the request wants.
        owner = place + 1 < len(clause) and clause[place + 1].text == "'s"
        found.append(_Mention(part, named, place, leads not in _LOCATIONS | _ACTIONS and not owner))
    return found


def _joined(clause: Sequence[Token], left: int, right: int) -> bool:
    """Return whether only joining words are between two places."""
    return all(token.text in _JOINERS for token in clause[left + 1 : right])


def _bare(clause: Sequence[Token], mentions: Sequence[_Mention]) -> bool:
    """Return whether a clause consists of parts of the request alone."""
    return bool(mentions) and all(token.kind in ("value", "field") or token.text in _FILLERS for token in clause)


def _lacking(clause: Sequence[Token], mentions: Sequence[_Mention], part: str, last: str) -> list[str] | None:
    """Return the parts that a clause says are missing; "" means the next one named; None if it says the opposite.

    `last` is the part that was named last, which a clause without a subject speaks of.
    """
    texts = [token.text for token in clause]
    lack = next((i for i, text in enumerate(texts) if text in _LACK), -1)
    negation = next((i for i, text in enumerate(texts) if text in NEGATION), -1)
    core = [mention for mention in mentions if mention.core]
    if lack >= 0 and negation >= 0:
        qualified = next((mention for mention in mentions if mention.place == lack + 1), None)
        return [qualified.part] if qualified and qualified.part == part else None
    if lack >= 0:
        after = [mention.part for mention in core if mention.place > lack]
        before = [mention.part for mention in core if mention.place < lack]
        forward = after and (not before or texts[lack] in ("missing", "lacks", "lack", "lacking"))
        return after if forward else before or [last]
    if negation < 0:
        speaks = {mention.part for mention in core if mention.named} or ({last} if not mentions else set())
        return None if part in speaks and set(texts) & _EXISTS else []
    return _negated(texts, negation, mentions, part, last)


def _negated(
    texts: Sequence[str], negation: int, mentions: Sequence[_Mention], part: str, last: str
) -> list[str] | None:
    """Return the parts that a negated clause says are missing, as `_lacking` does."""
    core = [mention for mention in mentions if mention.core]
    before = [mention.part for mention in core if mention.place < negation]
    after = [mention for mention in core if mention.place > negation] or [m for m in mentions if m.place > negation]
    outcome = bool(set(texts) & _OUTCOME)
    if texts[negation] in _FORWARD:
        if not after:
            return [] if outcome else before or [last]
        joined = [
            m.part for m in after[1:] if texts[m.place - 1] == "and" or texts[m.place - 2 : m.place - 1] == ["and"]
        ]
        if outcome and (after[0].part != part or texts[negation] != "no"):
            return []
        return [after[0].part, *joined]
    decisive = next((text for text in texts[negation + 1 :] if text in _HAVE | _BE | _OUTCOME), "")
    if decisive in _OUTCOME or not decisive and negation < len(texts) - 1:
        return []
    if decisive in _HAVE:
        return [after[0].part] if after else before or [last]
    if before:
        return before
    pronoun = any(text in ("it", "he", "she", "they", "that", "this", "which", "who") for text in texts[:negation])
    return [last] if pronoun or not after else [after[0].part]


def _plain(text: str, nouns: Sequence[str]) -> str:
    """Return a text in lower case without an article, the noun of a part, quotes and a full stop around it."""
    plain = text.strip().rstrip(".!").casefold().removeprefix("the ")
    noun = max((noun for noun in nouns if plain.startswith((f"{noun} ", f"{noun}:"))), key=len, default="")
    return plain.removeprefix(noun).strip(" :\"'`*“”‘’")
