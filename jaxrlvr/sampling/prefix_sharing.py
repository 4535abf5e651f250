"""Prefix sharing: encode the common beginning of several prompts once.

The prompts of a step form a tree over tokens: those of one scenario share the system text and the tools. Sorted, they
are the tree's leaves from left to right, so prompts with a common beginning are neighbours. A `Cut` through the tree
splits each prompt into a shared prefix and a remainder. Each shared prefix is encoded once, its keys are copied to
every prompt that begins with it, and only the remainders run on top of the copies. Hidden states and keys are those of
whole prompts up to rounding.

Shared prefixes and remainders come in few sizes, so that all programs can be compiled beforehand. Axes: B groups, N
shared prefixes, P prefix length, R remainder length.
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

SHARED_COUNTS = (1, 2, 4, 8)
"""Compiled values of N; with fewer shared prefixes some are encoded twice."""
REMAINDER_FRACTIONS = (16, 8, 4, 2)
"""Compiled values of R, as divisors of the prompts' padded width."""
MAX_COST = 0.75
"""A cut is used if it leaves at most this fraction of the positions to compute."""


class Cut(NamedTuple):
    """Shared prefixes and remainders of some prompts."""

    shared_prefixes: list[list[int]]
    """Tokens of each, at least one."""
    shared_B: list[int]
    """Index of the shared prefix that each prompt begins with."""
    shared_capacity: int
    """N: shared prefixes that are computed."""
    remainder_capacity: int
    """R: every prompt has 1 to R tokens after its shared prefix."""


class EncodedPrompts(NamedTuple):
    """Encoded prompts of B groups."""

    last_BD: jax.Array
    """Hidden state of each prompt's last token."""
    cache: Any
    """`models.KVCache` of whole prompts: a prefix cache, or the stacked suffix cache of groups of one member."""
    length_B: jax.Array


def cut(prompts: Sequence[Sequence[int]], width: int) -> Cut | None:
    """Return the cut that computes the fewest positions for prompts padded to `width`; None if no cut is worth it."""
    order = sorted(range(len(prompts)), key=lambda b: list(prompts[b]))
    leaves = [list(prompts[b]) for b in order]
    common = [0, *map(_common_length, leaves, leaves[1:])]
    best, least = None, MAX_COST * width * len(prompts)
    for capacity in remainder_capacities(width):
        shared_of, length_of = _shared_prefixes(leaves, common, capacity)
        count = next((count for count in shared_capacities(len(prompts)) if len(length_of) <= count), None)
        if count is None or 0 in length_of or count * width + len(prompts) * capacity > least:
            continue
        least = count * width + len(prompts) * capacity
        shared = [leaves[shared_of.index(n)][:length] for n, length in enumerate(length_of)]
        best = Cut(shared, [n for _, n in sorted(zip(order, shared_of, strict=True))], count, capacity)
    return best


def shared_capacities(prompts: int) -> list[int]:
    """Return the compiled values of N for this many prompts."""
    return [count for count in SHARED_COUNTS if 2 * count <= prompts]


def remainder_capacities(width: int) -> list[int]:
    """Return the compiled values of R for prompts of this width, ascending."""
    return [width // part for part in REMAINDER_FRACTIONS if width >= 8 * part]


def _shared_prefixes(
    leaves: Sequence[Sequence[int]], common: Sequence[int], capacity: int
) -> tuple[list[int], list[int]]:
    """Return each leaf's shared prefix and each shared prefix's length: all but at most the last `capacity` tokens.

    `common` has the number of tokens that each leaf shares with the leaf before it.
    """
    shared_of: list[int] = []
    length_of: list[int] = []
    longest = 0
    for leaf, with_previous in zip(leaves, common, strict=True):
        joined = min(length_of[-1], with_previous, len(leaf) - 1) if length_of else 0
        if joined and max(longest, len(leaf)) - joined <= capacity:
            length_of[-1], longest = joined, max(longest, len(leaf))
        else:
            length_of.append(len(leaf) - 1)
            longest = len(leaf)
        shared_of.append(len(length_of) - 1)
    return shared_of, length_of


def _common_length(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))


def encode(model: Forward, prompts: Sequence[Sequence[int]], width: int, pad: int, cut: Cut) -> EncodedPrompts:
    """Encode prompts along a cut. The cache is the stacked suffix cache of groups of one member."""
    repeated = cut.shared_prefixes[:1] * (cut.shared_capacity - len(cut.shared_prefixes))
    shared_NP, shared_length_N = _padded(cut.shared_prefixes + repeated, width, pad)
    rests = [prompt[len(cut.shared_prefixes[n]) :] for prompt, n in zip(prompts, cut.shared_B, strict=True)]
    rest_BR, rest_length_B = _padded(rests, cut.remainder_capacity, pad)
    shared_B = np.array(cut.shared_B, np.int32)
    arrays = (shared_NP, shared_length_N, shared_B, rest_BR, rest_length_B, shared_length_N[shared_B])
    shared_NP, shared_length_N, shared_B, rest_BR, rest_length_B, shared_length_B = jax.device_put(arrays)
    cache = _copied_shared(model, shared_NP, shared_length_N, shared_B)
    return _encode_remainders(model, rest_BR, rest_length_B, shared_length_B, cache)


class Graft(NamedTuple):
    """A prompt as the beginning of another, encoded one and a remainder."""

    slot: int
    """Slot whose prompt has the beginning."""
    shared: int
    """Tokens of the beginning."""
    capacity: int
    """R, which holds the remainder."""


def graft(prompt: Sequence[int], encoded: Sequence[Sequence[int]], width: int) -> Graft | None:
    """Find the encoded prompt that shares the longest beginning with `prompt`; None if it is not worth it."""
    shared = [min(_common_length(prompt, other), len(prompt) - 1) for other in encoded]
    slot = max(range(len(encoded)), key=shared.__getitem__)
    capacity = next((size for size in remainder_capacities(width) if len(prompt) - shared[slot] <= size), None)
    return Graft(slot, shared[slot], capacity) if capacity and shared[slot] else None


def encode_grafted(
    model: Forward, prompt: Sequence[int], pad: int, graft: Graft, prefix: models.KVCache
) -> tuple[jax.Array, models.KVCache]:
    """Return the hidden state [1, D] of the prompt's last token, and its unrolled prefix cache of one group."""
    rest_1R, count_1 = _padded([prompt[graft.shared :]], graft.capacity, pad)
    arrays = (rest_1R, count_1, np.array([graft.shared], np.int32), np.int32(graft.slot))
    rest_1R, count_1, shared_1, slot = jax.device_put(arrays)
    return _grafted(model, rest_1R, count_1, shared_1, slot, prefix)


@jax.jit
def _grafted(
    model: Forward,
    rest_1R: jax.Array,
    count_1: jax.Array,
    shared_1: jax.Array,
    slot: jax.Array,
    prefix: models.KVCache,
) -> tuple[jax.Array, models.KVCache]:
    shared = jax.tree.map(lambda x: jax.lax.dynamic_index_in_dim(x, slot, keepdims=True)[:, None], prefix)
    hidden_11RD, filled = model.stacked().extend(rest_1R[:, None], None, shared, shared_1[:, None], count_1[:, None])
    return hidden_11RD[:, 0][:, count_1[0] - 1], jax.tree.map(lambda x: x[:, 0], filled)


def warm_up(model: Forward, prompts: int, width: int, pad: int) -> Any:
    """Compile the programs of every cut of this many prompts of this width. Returns the last result of `encode`."""
    encoded = None
    text, shared_B = [pad, pad], [0] * prompts
    counts, capacities = shared_capacities(prompts), remainder_capacities(width)
    # The two sizes are compiled apart: each value needs to occur only once.
    for index in range(max(len(counts), len(capacities)) if counts and capacities else 0):
        count, capacity = counts[min(index, len(counts) - 1)], capacities[min(index, len(capacities) - 1)]
        encoded = encode(model, [text] * prompts, width, pad, Cut([[pad]], shared_B, count, capacity))
    return encoded


def _padded(texts: Sequence[Sequence[int]], width: int, pad: int) -> tuple[np.ndarray, np.ndarray]:
    tokens_BP = np.full((len(texts), width), pad, np.int32)
    for b, text in enumerate(texts):
        tokens_BP[b, : len(text)] = text
    return tokens_BP, np.array([len(text) for text in texts], np.int32)


@jax.jit
def _copied_shared(model: Forward, shared_NP: jax.Array, length_N: jax.Array, shared_B: jax.Array) -> models.KVCache:
    """Encode the shared prefixes, and copy each to its prompts as the suffix cache of a group's only member."""
    _, cache = model.stacked().prefill(shared_NP, length_N)
    return jax.tree.map(lambda x: x[:, shared_B, None], cache)


@partial(jax.jit, donate_argnums=4)
def _encode_remainders(
    model: Forward,
    rest_BR: jax.Array,
    rest_length_B: jax.Array,
    shared_length_B: jax.Array,
    cache: models.KVCache,
) -> EncodedPrompts:
    hidden_B1RD, filled = model.stacked().extend(
        rest_BR[:, None], None, cache, shared_length_B[:, None], rest_length_B[:, None]
    )
    assert filled is not None, "a suffix cache was passed in"
    last_BD = jnp.take_along_axis(hidden_B1RD[:, 0], (rest_length_B - 1)[:, None, None], axis=1)[:, 0]
    return EncodedPrompts(last_BD, filled, shared_length_B + rest_length_B)
