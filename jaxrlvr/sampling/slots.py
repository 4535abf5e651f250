"""Slots of a batch: compiled functions that open a slot for each group and assign finished groups' slots to others.

Input: prompts, as tokens or already encoded (`prefix_sharing.py`). Output: a `Prefix`, which all members of a group
read, and a `SamplerState`, which `sampler.py` updates. Axes: B groups, G members, P prefix, N prompts assigned
together, D model width.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

import models
from jaxrlvr.sampling.prefix_sharing import EncodedPrompts
from models import Prefix
from models.forward import Forward


class SamplerState(NamedTuple):
    """State of B groups of G members between two calls of the sampler."""

    suffix: models.KVCache
    """Unrolled: one array per layer."""
    length_BG: jax.Array
    """Suffix tokens in the cache."""
    hidden_BGD: jax.Array
    """Hidden state of the last token, which predicts the next one."""


class Prompts(NamedTuple):
    """Padded prompts and the slots that they are for."""

    tokens_NP: Any
    length_N: Any
    slot_N: Any
    """Out of range: the prompt is dropped."""


@partial(jax.jit, static_argnums=(3, 4))
def open_slots(
    model: Forward, tokens_BP: jax.Array, length_B: jax.Array, members: int, capacity: int
) -> tuple[Prefix, SamplerState]:
    """Encode one prompt per group, and open an empty suffix cache for `capacity` tokens of each member."""
    hidden_BPD, cache = model.stacked().prefill(tokens_BP, length_B)
    last_BD = jnp.take_along_axis(hidden_BPD, (length_B - 1)[:, None, None], axis=1)[:, 0]
    return _opened(model.config, EncodedPrompts(last_BD, cache, length_B), members, capacity)


@partial(jax.jit, static_argnums=(2, 3))
def open_encoded_slots(
    model: Forward, encoded: EncodedPrompts, members: int, capacity: int
) -> tuple[Prefix, SamplerState]:
    """Open slots as `open_slots` does, for prompts that `prefix_sharing` has encoded."""
    cache = jax.tree.map(lambda x: x[:, :, 0], encoded.cache)
    return _opened(model.config, encoded._replace(cache=cache), members, capacity)


def _opened(
    config: models.ModelConfig, prompts: EncodedPrompts, members: int, capacity: int
) -> tuple[Prefix, SamplerState]:
    groups, width = prompts.last_BD.shape
    suffix = models.empty_suffix_cache(config, groups, members, capacity, prompts.cache.k.dtype, unrolled=True)
    last_BGD = jnp.broadcast_to(prompts.last_BD[:, None], (groups, members, width))
    state = SamplerState(suffix, jnp.zeros((groups, members), jnp.int32), last_BGD)
    return Prefix(models.unroll_cache(prompts.cache), prompts.length_B), state


@partial(jax.jit, donate_argnums=(2, 3))
def assign_prompts(
    model: Forward, prompts: Prompts, prefix: Prefix, state: SamplerState
) -> tuple[Prefix, SamplerState]:
    """Encode prompts into their slots, whose members start empty."""
    hidden_NPD, cache = model.stacked().prefill(prompts.tokens_NP, prompts.length_N)
    last_ND = jnp.take_along_axis(hidden_NPD, (prompts.length_N - 1)[:, None, None], axis=1)[:, 0]
    assigned = Prefix(models.unroll_cache(cache), prompts.length_N)
    return _assigned(prompts.slot_N, assigned, last_ND, prefix, state)


@partial(jax.jit, donate_argnums=(3, 4))
def assign_encoded(
    slot_and_length_21: jax.Array, last_1D: jax.Array, cache: models.KVCache, prefix: Prefix, state: SamplerState
) -> tuple[Prefix, SamplerState]:
    """Assign a slot as `assign_prompts` does, to one prompt that is encoded: its last hidden state and its cache."""
    return _assigned(slot_and_length_21[0], Prefix(cache, slot_and_length_21[1]), last_1D, prefix, state)


def _assigned(
    slot_N: jax.Array, assigned: Prefix, last_ND: jax.Array, prefix: Prefix, state: SamplerState
) -> tuple[Prefix, SamplerState]:
    prefix = jax.tree.map(lambda old, new: old.at[slot_N].set(new, mode="drop"), prefix, assigned)
    # The previous members' keys stay in the suffix cache: no query attends beyond a length.
    hidden_BGD = state.hidden_BGD.at[slot_N].set(last_ND[:, None], mode="drop")
    return prefix, state._replace(length_BG=state.length_BG.at[slot_N].set(0, mode="drop"), hidden_BGD=hidden_BGD)


@partial(jax.jit, static_argnums=1)
def grow(state: SamplerState, capacity: int) -> SamplerState:
    """Grow the suffix caches to `capacity` tokens per member."""
    return state._replace(suffix=models.grow_cache(state.suffix, capacity))
