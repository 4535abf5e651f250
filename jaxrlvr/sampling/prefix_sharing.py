"""Prompts -> prefix caches, what several of them begin with encoded once.

The prompts of a step are a tree over tokens: those of one scenario share the system text and the tools. In order they
are its leaves from left to right, so prompts with a common beginning are neighbours. A cut through the tree gives stems
and branches: each stem is encoded once, its keys are copied to every prompt that begins with it, and only the rest of
each prompt is run on top of the copy. Hidden states and keys are those of whole prompts up to rounding.

Stems and branches have few sizes, so that all programs can be compiled beforehand. Axes: B groups, N stems, P prefix, R
what is left of a prompt.
"""

from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import models
from models.forward import Forward

STEMS = (1, 2, 4, 8)
"""How many stems there are programs for; with fewer some are encoded twice."""
PARTS = (16, 8, 4, 2)
"""A branch has room for the prompts' width divided by one of these."""
WORTH = 0.75
"""A cut is made if it leaves no more than this share of the positions to compute."""


class Cut(NamedTuple):
    """Stems and branches of some prompts."""

    stems: list[list[int]]
    """Tokens of each, at least one."""
    stem_B: list[int]
    """The stem that each prompt begins with."""
    stems_room: int
    """N, how many stems are computed."""
    branch_room: int
    """R; every prompt has at least one token after its stem and at most so many."""


def cut(prompts: Sequence[Sequence[int]], width: int) -> Cut | None:
    """The cut that computes the fewest positions, for prompts that are padded to `width`; None if none is worth it."""
    order = sorted(range(len(prompts)), key=lambda b: list(prompts[b]))
    leaves = [list(prompts[b]) for b in order]
    alike = [0, *map(_alike, leaves, leaves[1:])]
    found, least = None, WORTH * width * len(prompts)
    for room in branch_rooms(width):
        stem_of, length_of = _stems(leaves, alike, room)
        stems_room = next((count for count in stem_rooms(len(prompts)) if len(length_of) <= count), None)
        if stems_room is None or 0 in length_of or stems_room * width + len(prompts) * room > least:
            continue
        least = stems_room * width + len(prompts) * room
        stems = [leaves[stem_of.index(n)][:length] for n, length in enumerate(length_of)]
        found = Cut(stems, [n for _, n in sorted(zip(order, stem_of, strict=True))], stems_room, room)
    return found


def stem_rooms(prompts: int) -> list[int]:
    """The sizes of N for so many prompts."""
    return [count for count in STEMS if 2 * count <= prompts]


def branch_rooms(width: int) -> list[int]:
    """The sizes of R for prompts of this width, ascending."""
    return [width // part for part in PARTS if width >= 8 * part]


def _stems(leaves: Sequence[Sequence[int]], alike: Sequence[int], room: int) -> tuple[list[int], list[int]]:
    """The number of each leaf's stem, and each stem's length: all but the last `room` tokens at most of its leaves.

    `alike` has what each leaf shares with the one before it.
    """
    stem_of: list[int] = []
    length_of: list[int] = []
    longest = 0
    for leaf, shared in zip(leaves, alike, strict=True):
        joined = min(length_of[-1], shared, len(leaf) - 1) if length_of else 0
        if joined and max(longest, len(leaf)) - joined <= room:
            length_of[-1], longest = joined, max(longest, len(leaf))
        else:
            length_of.append(len(leaf) - 1)
            longest = len(leaf)
        stem_of.append(len(length_of) - 1)
    return stem_of, length_of


def _alike(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def encode(
    model: Forward, prompts: Sequence[Sequence[int]], width: int, pad: int, cut: Cut
) -> tuple[jax.Array, models.KVCache, jax.Array]:
    """The hidden state [B, D] of each prompt's last token, everything's keys as the stacked suffix cache of groups with
    one member, and the lengths [B].
    """
    stem_NP, stem_length_N = _padded(cut.stems + cut.stems[:1] * (cut.stems_room - len(cut.stems)), width, pad)
    rests = [prompt[len(cut.stems[n]) :] for prompt, n in zip(prompts, cut.stem_B, strict=True)]
    rest_BR, rest_length_B = _padded(rests, cut.branch_room, pad)
    stem_B = np.array(cut.stem_B, np.int32)
    arrays = jax.device_put((stem_NP, stem_length_N, stem_B, rest_BR, rest_length_B, stem_length_N[stem_B]))
    cache = _copied_stems(model, *arrays[:3])
    return _branches(model, *arrays[3:], cache)


class Graft(NamedTuple):
    """A prompt as another one's beginning and a rest."""

    place: int
    """Where the other one's keys are."""
    shared: int
    """Tokens of the beginning."""
    room: int
    """R, which has room for the rest."""


def graft(prompt: Sequence[int], standing: Sequence[Sequence[int]], width: int) -> Graft | None:
    """The standing prompt that shares the longest beginning with another one; None if it is not worth it."""
    shared = [min(_alike(prompt, one), len(prompt) - 1) for one in standing]
    place = max(range(len(standing)), key=shared.__getitem__)
    room = next((room for room in branch_rooms(width) if len(prompt) - shared[place] <= room), None)
    return Graft(place, shared[place], room) if room and shared[place] else None


def encode_grafted(
    model: Forward, prompt: Sequence[int], pad: int, graft: Graft, prefix: models.KVCache
) -> tuple[jax.Array, models.KVCache]:
    """The hidden state [1, D] of the prompt's last token, and its unrolled prefix cache of one group."""
    rest_1R, count_1 = _padded([prompt[graft.shared :]], graft.room, pad)
    at, shared_1 = np.int32(graft.place), np.array([graft.shared], np.int32)
    return _grafted(model, *jax.device_put((rest_1R, count_1, shared_1, at)), prefix)


@jax.jit
def _grafted(
    model: Forward,
    rest_1R: jax.Array,
    count_1: jax.Array,
    shared_1: jax.Array,
    at: jax.Array,
    prefix: models.KVCache,
) -> tuple[jax.Array, models.KVCache]:
    stem = jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, at, keepdims=True)[:, None], prefix)
    hidden_11RD, filled = model.stacked().extend(rest_1R[:, None], None, stem, shared_1[:, None], count_1[:, None])
    return hidden_11RD[:, 0][:, count_1[0] - 1], jax.tree.map(lambda x: x[:, 0], filled)


def warm_up(model: Forward, prompts: int, width: int, pad: int) -> Any:
    """Compile for every cut of so many prompts of this width. Returns what `encode` gives."""
    encoded = None
    text, every_B = [pad, pad], [0] * prompts
    stems, branches = stem_rooms(prompts), branch_rooms(width)
    # Sizes do not depend on each other: each occurs once.
    for place in range(max(len(stems), len(branches)) if stems and branches else 0):
        sizes = stems[min(place, len(stems) - 1)], branches[min(place, len(branches) - 1)]
        encoded = encode(model, [text] * prompts, width, pad, Cut([[pad]], every_B, *sizes))
    return encoded


def _padded(texts: Sequence[Sequence[int]], width: int, pad: int) -> tuple[np.ndarray, np.ndarray]:
    tokens_BP = np.full((len(texts), width), pad, np.int32)
    for b, text in enumerate(texts):
        tokens_BP[b, : len(text)] = text
    return tokens_BP, np.array([len(text) for text in texts], np.int32)


@jax.jit
def _copied_stems(model: Forward, stem_NP: jax.Array, length_N: jax.Array, stem_B: jax.Array) -> models.KVCache:
    """Each prompt's own copy of its stem, as the suffix cache of a group's only member."""
    _, cache = model.stacked().prefill(stem_NP, length_N)
    return jax.tree.map(lambda x: x[:, stem_B, None], cache)


@partial(jax.jit, donate_argnums=4)
def _branches(
    model: Forward,
    rest_BR: jax.Array,
    rest_length_B: jax.Array,
    stem_length_B: jax.Array,
    cache: models.KVCache,
) -> tuple[jax.Array, models.KVCache, jax.Array]:
    hidden_B1RD, filled = model.stacked().extend(
        rest_BR[:, None], None, cache, stem_length_B[:, None], rest_length_B[:, None]
    )
    assert filled is not None, "it came in"
    last_BD = jnp.take_along_axis(hidden_B1RD[:, 0], (rest_length_B - 1)[:, None, None], axis=1)[:, 0]
    return last_BD, filled, stem_length_B + rest_length_B
