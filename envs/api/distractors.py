"""Distractors: records with nearly the same name as an existing one, which make a task harder at the same request.

A title differs in one word, a key in one letter. A policy that searches for the exact name is not affected; one that
lists records and guesses is. `Api.distractors` says which tables get distractors, and how to make one.
"""

import random
import string
from collections.abc import Callable, Mapping

from envs import words
from envs.api.operation import Distractor
from envs.api.world import Record, World
from envs.words import Split

_RESERVED = 1_000
"""Ids from `next_id` on that stay free, because oracles predict the ids of the records that they create."""


def crowd(
    world: World,
    distractors: Mapping[str, Distractor],
    rng: random.Random,
    split: Split,
    count: int,
    unwanted: Callable[[World, str, Record], bool] = lambda world, table, record: False,
) -> None:
    """Add `count` distractors for each record of the tables in `distractors`, then shuffle these tables.

    A distractor is left out if `unwanted`(world, table, distractor).
    """
    for name, distractor in distractors.items():
        table = world.table(name)
        for record in list(table.values()) * count:
            new = distractor(world, rng, split, record)
            if new is not None and not unwanted(world, name, new):
                table[new["id"]] = new
        # Distractors must not be recognisable by coming last.
        world.tables[name] = dict(rng.sample(list(table.items()), len(table)))


def near_phrase(rng: random.Random, split: Split, phrase: str, taken: set[str]) -> str:
    """Return the phrase with one word after the first replaced, or with a second word, so that it is not in `taken`."""
    while True:
        parts = phrase.split(" ")
        index = rng.randrange(1, len(parts)) if len(parts) > 1 else 1
        parts[index : index + 1] = [words.word(rng, split)]
        if (near := " ".join(parts)) not in taken | {phrase}:
            return near


def near_key(rng: random.Random, split: Split, taken: set[str], key: str) -> str:
    """Return a key of the same split that differs in one letter or, if all of these are taken, has one letter more."""
    others = [
        key[:index] + letter + key[index + 1 :]
        for index in range(len(key) + 1)
        for letter in string.ascii_uppercase
        if key[index : index + 1] != letter
    ]
    free = [other for other in others if other not in taken and words.held_out(other) == (split == "heldout")]
    return rng.choice([other for other in free if len(other) == len(key)] or free)


def free_id(world: World, rng: random.Random, but: str = "") -> str:
    """Return an unused id of six digits, other than `but`, that `new_id` will not assign soon."""
    while True:
        number = rng.randrange(100_000, 1_000_000)
        new = str(number)
        reserved = world.next_id <= number < world.next_id + _RESERVED
        if new != but and not reserved and not any(new in table for table in world.tables.values()):
            return new
