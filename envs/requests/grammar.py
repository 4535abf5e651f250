"""The language that requests are written in: clauses with alternatives and slots, put together into a message.

How a scenario writes its requests, from difficulty 2 on (`create_issue.py` is the model to follow):

1.  Clauses. A `Clause` says one thing in several wordings, some of which only held-out tasks use:

        MOVE = Clause(
            common=("[move|take] {issue} to {status}.", "{issue} [can|should] go to {status} now."),
            held_out=("{status} is where {issue} belongs.",),
        )

    `[a|b]` is a choice, `{name}` a slot. Write whole sentences with their final mark, in lower case: `message`
    capitalises. "a" and "an" are corrected by the following word, so write "a {type}".
2.  Saying. `say(rng, split, MOVE, issue=..., status=...)` draws a wording and fills its slots. A slot takes a string, a
    value that will not be altered, or another `Said`, such as the description of a record (`jira_references`,
    `confluence_references`), which may be altered.
3.  Wishes. A `Wish` (`drafts`) holds sentences, the records that they speak of, and the calls that fulfil it. A second
    wish is another `Wish`; held-out tasks combine other wishes than training tasks do.
4.  Drafts. `draw(rng, split, difficulty)` of the scenario's module draws an office (`jira_office`, `confluence_office`)
    and the wishes, and returns `drafted(...)`, which puts the sentences into a message (`messages`: a greeting, a mail,
    a chat with a stack trace, typos, lower case; values stay exact) and collects oracle, tools, references and
    wordings. Wrap it in `fitting_an_episode`, list it in `registry.TALKS` and give it to the scenario as `talk`.

Draw every value from `people`, `subjects`, `page_texts` and `names` with the split. `python -m envs.requests` counts
skeletons: the set of a message's wordings without slots, greetings, politeness and order.
"""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from envs.words import Split

OPEN, CLOSE = "\ue000", "\ue001"
"""Marks around a value, inside unfinished text, which no context alters."""
BEGIN, END = "\ue002", "\ue003"
"""Marks around a description, which may be capitalised or not but has no typos."""
_HELD_OUT_SHARE = 0.65
"""The chance that a held-out task uses a held-out wording of a clause."""
_INNERMOST = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(rf"\b([Aa])n? ([{OPEN}{BEGIN}]*[\w\"]+)")
_POLITE = re.compile(
    r"\b(please|pls|kindly|thanks|thank you|can you|could you|would you|would you mind|hi|hello|hey|just)\b[,:!]?", re.I
)
_LIKE_CONSONANT = re.compile(r"uni|use|usu|one\b|eu|u[A-Z]|UI|URL|U[A-Z]*\b", re.ASCII)
_SPELLED = re.compile(r"(?:[AEFHILMNORSX][A-Z0-9]+|[AEFHILMNORSX])\b", re.ASCII)


@dataclass(frozen=True)
class Clause:
    """One part of a wish, in several wordings."""

    common: tuple[str, ...]
    held_out: tuple[str, ...] = ()
    """Wordings that only held-out tasks use."""


@dataclass(frozen=True)
class Said:
    """A piece of a request."""

    text: str
    """Text with marks around values."""
    wordings: tuple[str, ...] = ()
    """The wordings that it is made of, with slots in braces."""


def say(rng: random.Random, split: Split, clause: Clause, /, **slots: "str | Said") -> Said:
    """Draw a wording of a clause and fill its slots."""
    wording = resolved(rng, pick(rng, split, clause))
    inner: list[str] = []

    def filled(slot: re.Match[str]) -> str:
        value = slots[slot[1]]
        if isinstance(value, Said):
            inner.extend(value.wordings)
            return value.text
        return f"{OPEN}{value}{CLOSE}"

    return Said(with_articles(_SLOT.sub(filled, wording)), (wording, *inner))


def pick(rng: random.Random, split: Split, clause: Clause) -> str:
    """Draw a wording that a split may use, with its alternatives."""
    if split == "heldout" and clause.held_out and rng.random() < _HELD_OUT_SHARE:
        return rng.choice(clause.held_out)
    return rng.choice(clause.common)


def resolved(rng: random.Random, text: str) -> str:
    """Draw one of each wording's alternatives."""
    while (choice := _INNERMOST.search(text)) is not None:
        text = text[: choice.start()] + rng.choice(choice[1].split("|")) + text[choice.end() :]
    return text


def value(text: str) -> Said:
    """Return a value that no context may alter, as a piece of its own."""
    return Said(f"{OPEN}{text}{CLOSE}")


def description(said: Said) -> Said:
    """Return a piece that describes a record, which keeps its spelling in all contexts."""
    return Said(f"{BEGIN}{said.text}{END}", said.wordings)


def listed(values: Sequence[str]) -> Said:
    """Return values as people list them: a, b and c."""
    *but_last, last = [f"{OPEN}{each}{CLOSE}" for each in values]
    return Said(f"{', '.join(but_last)} and {last}" if but_last else last)


def with_articles(text: str) -> str:
    """Return the text with "a" or "an" as the following word sounds."""

    def article(found: re.Match[str]) -> str:
        word = found[2].lstrip(f'{OPEN}{BEGIN}"')
        vowel = bool(_SPELLED.match(word)) or (word[:1].lower() in "aeiou" and not _LIKE_CONSONANT.match(word))
        return f"{found[1]}{'n' if vowel else ''} {found[2]}"

    return _ARTICLE.sub(article, text)


def capitalised(text: str) -> str:
    """Return the text with a capital at the start of each sentence, except where a value begins it."""
    start = rf"{OPEN}[^{CLOSE}]*{CLOSE}|((?:^|[.!?]\s+|\n\s*){BEGIN}?)([a-z])"
    return re.sub(start, lambda found: found[1] + found[2].upper() if found[2] else found[0], text)


def without_marks(text: str) -> str:
    """Return finished text."""
    return re.sub(f"[{OPEN}{CLOSE}{BEGIN}{END}]", "", text)


def skeleton(wordings: Iterable[str]) -> tuple[str, ...]:
    """Return the canonical form of a message: its wordings without slots' contents, politeness and order."""
    plain = (re.sub(r"[^\w{}' ]", "", _POLITE.sub("", wording.lower())) for wording in wordings)
    return tuple(sorted({" ".join(wording.split()) for wording in plain} - {""}))
