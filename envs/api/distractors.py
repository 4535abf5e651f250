"""A crowd of near namesakes: what makes a task harder without changing what is asked.

For everything on a site that has a name there is one more thing whose name is nearly the same: a title that differs in
a word, a key that differs in a letter. Who looks for the exact name finds what he found before; who lists and guesses
does not. Which tables have namesakes, and how one is made, an `Api` says.
"""

import random
import string
from collections.abc import Mapping

from envs import words
from envs.api.operation import Namesake
from envs.api.world import World
from envs.words import Split

_RESERVED = 1_000
"""Ids after `next_id` that stay free: oracles know what the records they create will be called."""


def crowd(world: World, namesakes: Mapping[str, Namesake], rng: random.Random, split: Split, count: int) -> None:
    """Give each record of the tables in `namesakes` `count` of them, and put all in another order."""
    for name, namesake in namesakes.items():
        table = world.table(name)
        for record in list(table.values()) * count:
            made = namesake(world, rng, split, record)
            if made is not None:
                table[made["id"]] = made
        # They must not be told by coming last.
        world.tables[name] = dict(rng.sample(list(table.items()), len(table)))


def near_phrase(rng: random.Random, split: Split, phrase: str, taken: set[str]) -> str:
    """The phrase with another word in one place, or one word more if it has only one."""
    while True:
        parts = phrase.split(" ")
        place = rng.randrange(1, len(parts)) if len(parts) > 1 else 1
        parts[place : place + 1] = [words.word(rng, split)]
        if (near := " ".join(parts)) not in taken | {phrase}:
            return near


def near_key(rng: random.Random, split: Split, taken: set[str], key: str) -> str:
    """The key with another letter in one place, of the same split; one letter more if all of these are taken."""
    others = [
        key[:place] + letter + key[place + 1 :]
        for place in range(len(key) + 1)
        for letter in string.ascii_uppercase
        if key[place : place + 1] != letter
    ]
    fits = [other for other in others if other not in taken and words.held_out(other) == (split == "heldout")]
    return rng.choice([other for other in fits if len(other) == len(key)] or fits)


def free_id(world: World, rng: random.Random, but: str = "") -> str:
    """An unused id of six digits that no record will soon be given."""
    while True:
        number = rng.randrange(100_000, 1_000_000)
        made = str(number)
        reserved = world.next_id <= number < world.next_id + _RESERVED
        if made != but and not reserved and not any(made in table for table in world.tables.values()):
            return made
