"""Prefixes -> sampled turns: the jitted part of a rollout.

Three compiled functions over a batch of groups: `start` runs every prompt once per group, `write` samples one turn for
every active member in a `while_loop`, `read` appends known tokens (tools' answers). A member's tokens live in
consecutive slots of its suffix cache, so slot, position and time are one number. Axes: B groups, G members, P prefix, S
suffix slots, C answer chunk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh

import models
from jaxrlvr.buckets import bucket
from jaxrlvr.sampling import choose, member_keys

T = TypeVar("T")


class Prefix(NamedTuple):
    """The prompts of B groups, encoded once each."""

    cache: models.KVCache
    length_B: jax.Array


class SamplerState(NamedTuple):
    """What one turn hands to the next."""

    suffix: models.KVCache
    """Unrolled: one array a layer."""
    length_BG: jax.Array
    """Suffix tokens in the cache."""
    hidden_BGD: jax.Array
    """State after the last token: it predicts the next one."""


class Turn(NamedTuple):
    """Sampled tokens at their slots; a member wrote slots [length before, length after)."""

    token_BGS: Any
    logprob_BGS: Any


@dataclass(frozen=True)
class Sampler:
    """Compiled sampling for one model; parameters are passed in, so that weights need no copy or sync."""

    graphdef: Any
    prefix_buckets: Sequence[int]
    suffix_buckets: Sequence[int]
    answer_chunk: int
    """Known tokens are appended in chunks of this many."""
    stop_token: int
    pad_token: int
    mesh: Mesh | None = None

    def start(self, params: Any, prompts: Sequence[Sequence[int]], members: int) -> tuple[Prefix, SamplerState]:
        """Encode one prompt per group. Raises UserError if a prompt is longer than the largest bucket."""
        width_P = bucket(max(map(len, prompts)), self.prefix_buckets, "a prompt")
        tokens_BP = np.full((len(prompts), width_P), self.pad_token, np.int32)
        for b, prompt in enumerate(prompts):
            tokens_BP[b, : len(prompt)] = prompt
        length_B = np.array([len(prompt) for prompt in prompts], np.int32)
        return _start(self.graphdef, params, *self._place((tokens_BP, length_B)), members, self.suffix_buckets[0])

    def _place(self, arrays: T) -> T:
        """Arrays of groups, spread over the mesh."""
        return jax.device_put(arrays, None if self.mesh is None else models.batch_sharding(self.mesh))

    def fit(self, state: SamplerState, length: int) -> SamplerState:
        """Move the suffix caches to the smallest bucket with `length` slots; they never shrink."""
        size = bucket(length, self.suffix_buckets, "a suffix")
        return state if size <= state.suffix.num_slots else _grow(state, size)

    def write(
        self,
        params: Any,
        prefix: Prefix,
        state: SamplerState,
        limit_BG: np.ndarray,
        key_BG: jax.Array,
        temperature: float,
    ) -> tuple[SamplerState, Turn]:
        """Sample a turn for each member whose length is below its limit, to its stop token or to the limit."""
        limit_BG, key_BG = self._place((limit_BG.astype(np.int32), key_BG))
        return _write(self.graphdef, self.stop_token, params, prefix, state, limit_BG, key_BG, jnp.float32(temperature))

    def read(
        self, params: Any, prefix: Prefix, state: SamplerState, answers: Sequence[Sequence[Sequence[int]]]
    ) -> SamplerState:
        """Append `answers[b][g]` (possibly none) to each member. The caller has made room with `fit`."""
        longest = max(len(tokens) for group in answers for tokens in group)
        for begin in range(0, longest, self.answer_chunk):
            shape = (len(answers), len(answers[0]), self.answer_chunk)
            chunk_BGC, count_BG = np.full(shape, self.pad_token, np.int32), np.zeros(shape[:2], np.int32)
            for b, group in enumerate(answers):
                for g, tokens in enumerate(group):
                    part = tokens[begin : begin + self.answer_chunk]
                    chunk_BGC[b, g, : len(part)] = part
                    count_BG[b, g] = len(part)
            state = _read(self.graphdef, params, prefix, state, *self._place((chunk_BGC, count_BG)))
        return state


def keys(seed: int, step: int, groups: Sequence[int], members: int) -> jax.Array:
    """Random keys [B, G] of a step's members."""
    return _keys(jax.random.fold_in(jax.random.key(seed), step), np.array(groups, np.int32), members)


_keys = jax.jit(member_keys, static_argnums=2)


@partial(jax.jit, static_argnums=(0, 4, 5))
def _start(
    graphdef: Any, params: Any, tokens_BP: jax.Array, length_B: jax.Array, members: int, slots: int
) -> tuple[Prefix, SamplerState]:
    model = nnx.merge(graphdef, params)
    hidden_BPD, cache = model.prefill(tokens_BP, length_B)
    last_BD = jnp.take_along_axis(hidden_BPD, (length_B - 1)[:, None, None], axis=1)[:, 0]
    groups, width = last_BD.shape
    suffix = models.empty_suffix_cache(model.config, groups, members, slots, cache.k.dtype, unrolled=True)
    state = SamplerState(
        suffix, jnp.zeros((groups, members), jnp.int32), jnp.broadcast_to(last_BD[:, None], (groups, members, width))
    )
    return Prefix(models.unroll_cache(cache), length_B), state


@partial(jax.jit, static_argnums=1)
def _grow(state: SamplerState, slots: int) -> SamplerState:
    return state._replace(suffix=models.grow_cache(state.suffix, slots))


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=4)
def _write(
    graphdef: Any,
    stop_token: int,
    params: Any,
    prefix: Prefix,
    state: SamplerState,
    limit_BG: jax.Array,
    key_BG: jax.Array,
    temperature: jax.Array,
) -> tuple[SamplerState, Turn]:
    model = nnx.merge(graphdef, params).unrolled()
    slots = state.suffix.num_slots
    b_B1, g_1G = jnp.indices(limit_BG.shape, sparse=True)

    def step(carry: tuple[SamplerState, Turn, jax.Array]) -> tuple[SamplerState, Turn, jax.Array]:
        state, turn, active_BG = carry
        token_BG, logprob_BG = choose(model.logits(state.hidden_BGD), key_BG, state.length_BG, temperature)
        # Out of range for members that have stopped: their writes are dropped, here and in the cache.
        slot_BG = jnp.where(active_BG, state.length_BG, slots)
        turn = Turn(
            turn.token_BGS.at[b_B1, g_1G, slot_BG].set(token_BG, mode="drop"),
            turn.logprob_BGS.at[b_B1, g_1G, slot_BG].set(logprob_BG, mode="drop"),
        )
        hidden_BG1D, suffix = model.extend(token_BG[..., None], prefix.cache, prefix.length_B, state.suffix, slot_BG)
        state = SamplerState(
            suffix,
            state.length_BG + active_BG,
            jnp.where(active_BG[..., None], hidden_BG1D[:, :, 0], state.hidden_BGD),
        )
        return state, turn, active_BG & (token_BG != stop_token) & (state.length_BG < limit_BG)

    empty = jnp.zeros((*limit_BG.shape, slots))
    carry = state, Turn(empty.astype(jnp.int32), empty.astype(jnp.float32)), state.length_BG < limit_BG
    state, turn, _ = jax.lax.while_loop(lambda carry: carry[2].any(), step, carry)
    return state, turn


@partial(jax.jit, static_argnums=0, donate_argnums=3)
def _read(
    graphdef: Any, params: Any, prefix: Prefix, state: SamplerState, chunk_BGC: jax.Array, count_BG: jax.Array
) -> SamplerState:
    model = nnx.merge(graphdef, params).unrolled()
    slot_BG = jnp.where(count_BG > 0, state.length_BG, state.suffix.num_slots)
    hidden_BGCD, suffix = model.extend(chunk_BGC, prefix.cache, prefix.length_B, state.suffix, slot_BG, count_BG)
    last_BGD = jnp.take_along_axis(hidden_BGCD, jnp.maximum(count_BG - 1, 0)[..., None, None], axis=2)[:, :, 0]
    hidden_BGD = jnp.where(count_BG[..., None] > 0, last_BGD, state.hidden_BGD)
    return SamplerState(suffix, state.length_BG + count_BG, hidden_BGD)
