"""Wordings of requests: alternatives in brackets, quoted lists, and values that belong to one split."""

import random
import re
from collections.abc import Callable, Sequence

from envs import words
from envs.words import Split

_INNERMOST = re.compile(r"\[([^\[\]]*)\]")


def phrasing(rng: random.Random, split: Split, common: Sequence[str], held_out: Sequence[str]) -> str:
    """Draw a wording and resolve its alternatives: `[a|b]` becomes a or b; values stay in braces.

    Held-out tasks draw from `held_out` too; no other split does.
    """
    text = rng.choice([*common, *held_out] if split == "heldout" else common)
    while (choice := _INNERMOST.search(text)) is not None:
        text = text[: choice.start()] + rng.choice(choice[1].split("|")) + text[choice.end() :]
    return text[0].upper() + text[1:]


def quoted_list(values: Sequence[str]) -> str:
    """Return the values in quotes: "a", "b" and "c"."""
    *but_last, last = [f'"{value}"' for value in values]
    return f"{', '.join(but_last)} and {last}" if but_last else last


def of_split(rng: random.Random, split: Split, make: Callable[[random.Random], str], but: str = "") -> str:
    """Draw values until one belongs to the split and differs from `but`; as for words, a hash decides the split."""
    while words.held_out(value := make(rng)) != (split == "heldout") or value == but:
        pass
    return value
