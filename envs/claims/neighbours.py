"""Neighbours of a value that make it another value, another record's, or one of several."""

from collections.abc import Sequence

from envs.claims.additions import ACTS
from envs.claims.clauses import Token
from envs.claims.statements import PLAIN
from envs.claims.word_classes import OTHER_FIELDS, word_set

_RELATED = word_set(
    "epic subtask subtasks linked links blocking blocks blocker duplicate duplicates clone clones next target "
    "successor related copy options option statuses priorities example said say e.g include includes including etc "
    "more between left many most suggest suggested recommend recommended possible available allowed fictitious "
    "invent pick picked choose chose chosen placeholder dummy sample mock test "
    "memory belongs overdue lost loses lacks awaits needs deserves avoids requires differs correction"
)
"""Words that speak of other records or values, or of an example."""
_DONE = ACTS - word_set("set opened fixed logged sent finished completed started flagged fetched created")
_COPULA = word_set("is are has in currently now a the")
_THINGS = word_set("project page space board sprint workflow")
_AFTER_NAME = word_set("has is 's in with currently , :")
_JOINERS = word_set(", ( — / & and to then → > - – + or")
_HARMLESS = PLAIN | word_set(
    "level according so therefore thus here's to's while where both shows reads reports named called labelled marked "
    "listed being only itself exactly now indeed respectively see s ve n br hr b strong li ul"
)


def strays(tokens: Sequence[Token]) -> bool:
    """Return whether a word that is no plain one changes what a value means, or speaks of something else."""
    words = {token.text for token in tokens if token.kind == "word"}
    if words & (_RELATED | _DONE):
        return True
    for index, token in enumerate(tokens):
        if token.kind == "value" and (
            _odd(tokens, index - 1, -1)
            or _odd(tokens, index + 1, 1)
            or _listed(tokens, index)
            or _of_another(tokens, index)
        ):
            return True
        colon = index + 1 < len(tokens) and tokens[index + 1].text == ":"
        if token.text in ("issue", "ticket") and _names_another(tokens, index + 1 + colon):
            return True
        if token.text in (":", "=") and _labels_unknown(tokens, index):
            return True
        if token.text == "set" and _sets(tokens, index) or _counts_others(tokens, index):
            return True
    return False


def _is_odd(token: Token) -> bool:
    """Return whether a token is a word that is no plain one."""
    return token.kind == "word" and token.text not in _HARMLESS and not token.text.isdecimal()


def _odd(tokens: Sequence[Token], place: int, step: int) -> bool:
    """Return whether a word directly beside a value, or joined to it by a hyphen or a plus sign, is no plain one."""
    if 0 <= place < len(tokens) and tokens[place].text == "+" and step > 0:
        after = tokens[place + 1].kind if place + 1 < len(tokens) else "end"
        return after not in ("field", "value")
    if 0 <= place < len(tokens) and tokens[place].text == "-":
        place += step
    return 0 <= place < len(tokens) and _is_odd(tokens[place])


def _listed(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a value is joined with one or two words as with another value, as in `High, Zebra`."""
    place = index + 1
    while place < len(tokens) and tokens[place].text in _JOINERS:
        place += 1
    if place == index + 1:
        return False
    words = []
    for token in tokens[place:]:
        if token.kind != "word":
            break
        words.append(token)
    after = tokens[place + len(words)] if place + len(words) < len(tokens) else None
    closed = after is None or after.kind in ("end", "line") or after.text in (",", "/", "|", ";", ")")
    return closed and 0 < len(words) < 3 and all(map(_is_odd, words))


def _names_another(tokens: Sequence[Token], place: int) -> bool:
    """Return whether a word after "issue" is a name."""
    if place >= len(tokens) or not _is_odd(tokens[place]):
        return False
    follows = tokens[place + 1] if place + 1 < len(tokens) else None
    linked = follows is None or follows.kind in ("end", "line") or follows.text in _AFTER_NAME
    return linked and (tokens[place].raw[:1].isupper() or "-" in tokens[place].text)


def _labels_unknown(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a colon joins a label that is no field with a word or number that is no plain one."""
    if index == 0 or index + 1 >= len(tokens) or tokens[index - 1].kind != "word":
        return False
    after = tokens[index + 1]
    return tokens[index - 1].text not in ("ve", "record") and (_is_odd(after) or after.text.isdecimal())


def _of_another(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a value is said of a name or of another kind of thing, as in `Zebra is High`."""
    place = index - 1
    while place >= 0 and tokens[place].text in _COPULA:
        place -= 1
    if place < 0 or place == index - 1 or tokens[place].kind != "word":
        return False
    subject = tokens[place]
    return subject.text in _THINGS or _is_odd(subject) and subject.raw[:1].isupper() and subject.raw[1:].islower()


def _counts_others(tokens: Sequence[Token], index: int) -> bool:
    """Return whether a number counts what no task asks for, as in "3 comments"."""
    return tokens[index].text.isdecimal() and index + 1 < len(tokens) and tokens[index + 1].text in OTHER_FIELDS


def _sets(tokens: Sequence[Token], index: int) -> bool:
    """Return whether "set" is an act or an order and no participle."""
    before = tokens[index - 1] if index else None
    return before is None or before.kind in ("end", "line") or before.text in ("i", "i've", "we", "have", "please")
