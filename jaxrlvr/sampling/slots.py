"""Places: what a batch holds of each group in it, and the compiled functions that open places and give them to others.

In: prompts, as tokens or already encoded (`prefix_tree.py`). Out: a `Prefix`, read by all members of a group, and a
`SamplerState`, which `sampler.py` writes to. Axes: B groups, G members, P prefix, N prompts that are seated together,
D model width.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

import models
from models import Prefix
from models.forward import Forward


class SamplerState(NamedTuple):
    """What one turn hands to the next."""

    suffix: models.KVCache
    """Unrolled: one array a layer."""
    length_BG: jax.Array
    """Suffix tokens in the cache."""
    hidden_BGD: jax.Array
    """State after the last token: it predicts the next one."""


@partial(jax.jit, static_argnums=(3, 4))
def open_places(
    model: Forward, tokens_BP: jax.Array, length_B: jax.Array, members: int, slots: int
) -> tuple[Prefix, SamplerState]:
    """Encode one prompt per group, and open an empty suffix of `slots` slots for each member."""
    hidden_BPD, cache = model.stacked().prefill(tokens_BP, length_B)
    last_BD = jnp.take_along_axis(hidden_BPD, (length_B - 1)[:, None, None], axis=1)[:, 0]
    return _opened(model.config, last_BD, cache, length_B, members, slots)


@partial(jax.jit, static_argnums=(4, 5))
def open_encoded(
    model: Forward, last_BD: jax.Array, cache: Any, length_B: jax.Array, members: int, slots: int
) -> tuple[Prefix, SamplerState]:
    """As `open_places`, of prompts that `prefix_tree` has encoded."""
    cache = jax.tree.map(lambda x: x[:, :, 0], cache)
    return _opened(model.config, last_BD, cache, length_B, members, slots)


def _opened(
    config: models.ModelConfig, last_BD: jax.Array, cache: Any, length_B: jax.Array, members: int, slots: int
) -> tuple[Prefix, SamplerState]:
    groups, width = last_BD.shape
    suffix = models.empty_suffix_cache(config, groups, members, slots, cache.k.dtype, unrolled=True)
    state = SamplerState(
        suffix, jnp.zeros((groups, members), jnp.int32), jnp.broadcast_to(last_BD[:, None], (groups, members, width))
    )
    return Prefix(models.unroll_cache(cache), length_B), state


@partial(jax.jit, donate_argnums=(4, 5))
def seat_prompts(
    model: Forward,
    tokens_NP: jax.Array,
    length_N: jax.Array,
    place_N: jax.Array,
    prefix: Prefix,
    state: SamplerState,
) -> tuple[Prefix, SamplerState]:
    """Encode prompts into the places given; out of range: into none. Their members begin anew."""
    hidden_NPD, cache = model.stacked().prefill(tokens_NP, length_N)
    last_ND = jnp.take_along_axis(hidden_NPD, (length_N - 1)[:, None, None], axis=1)[:, 0]
    return _seated(place_N, Prefix(models.unroll_cache(cache), length_N), last_ND, prefix, state)


@partial(jax.jit, donate_argnums=(3, 4))
def seat_encoded(
    placed_21: jax.Array, last_1D: jax.Array, cache: models.KVCache, prefix: Prefix, state: SamplerState
) -> tuple[Prefix, SamplerState]:
    """As `seat_prompts`, of one prompt that is encoded: its place and length, its last hidden state, its keys."""
    return _seated(placed_21[0], Prefix(cache, placed_21[1]), last_1D, prefix, state)


def _seated(
    place_N: jax.Array, seated: Prefix, last_ND: jax.Array, prefix: Prefix, state: SamplerState
) -> tuple[Prefix, SamplerState]:
    prefix = jax.tree.map(lambda old, new: old.at[place_N].set(new, mode="drop"), prefix, seated)
    # What the last members left in the suffix stays: nobody looks beyond a length.
    hidden_BGD = state.hidden_BGD.at[place_N].set(last_ND[:, None], mode="drop")
    return prefix, state._replace(length_BG=state.length_BG.at[place_N].set(0, mode="drop"), hidden_BGD=hidden_BGD)


@partial(jax.jit, static_argnums=1)
def grow(state: SamplerState, slots: int) -> SamplerState:
    """Room for `slots` suffix tokens."""
    return state._replace(suffix=models.grow_cache(state.suffix, slots))
