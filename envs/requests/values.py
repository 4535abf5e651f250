"""Draws values of a split: a hash of the whole value decides, so that its single words may occur in both splits."""

import random
from collections.abc import Callable, Collection
from functools import cache

from envs import words
from envs.words import Split


def of_split(
    rng: random.Random, split: Split, draw: Callable[[random.Random], str], taken: Collection[str] = ()
) -> str:
    """Draw until a value belongs to the split and is not taken; `synthetic` has the values of `train`."""
    while words.held_out(drawn := draw(rng)) != (split == "heldout") or drawn in taken:
        pass
    return drawn


def choose(rng: random.Random, split: Split, values: tuple[str, ...], taken: Collection[str] = ()) -> str:
    """Draw one of the values of the split that is not taken."""
    return rng.choice([each for each in _values(values, split == "heldout") if each not in taken])


@cache
def _values(values: tuple[str, ...], held_out: bool) -> tuple[str, ...]:
    return tuple(each for each in values if words.held_out(each) == held_out)
