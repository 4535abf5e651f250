"""Prompts to sampled turns: the compiled part of a rollout.

Four functions over a batch of groups: `prefill` encodes each prompt once per group; `decode` samples the turns of
active members in a compiled `while_loop`; `append` adds known tokens (tool answers) to the members that have any;
`assign_slots` gives the slots of finished groups to other groups (`slots.py`). A member's tokens fill consecutive
entries of its suffix cache, so cache index, position and time are the same number. Axes: B groups, G members, D shards
of the mesh's batch axis, R members of a shard that append together, P prefix, S suffix cache length, C answer chunk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import chex
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh

import models
from jaxrlvr.sampling import prefix_sharing
from jaxrlvr.sampling.buckets import bucket
from jaxrlvr.sampling.categorical import choose, member_keys
from jaxrlvr.sampling.local_weights import local_weights
from jaxrlvr.sampling.slots import (
    Prompts,
    SamplerState,
    assign_encoded,
    assign_prompts,
    grow,
    open_encoded_slots,
    open_slots,
)
from models import Prefix
from models.forward import Forward
from models.sampling_weights import sampling_weights

T = TypeVar("T")

_ROUNDS = 8
"""Rounds in which `append` runs when every member has an answer; with fewer answers there are fewer rounds."""


class Turn(NamedTuple):
    """Sampled tokens and their log-probs at their cache index; a member sampled [length before, length after)."""

    token_BGS: Any
    logprob_BGS: Any


class DecodeLimits(NamedTuple):
    """Where one call of `decode` ends."""

    length_BG: np.ndarray
    """Suffix length at which each member's turn is cut; a member at or above it is not active."""
    max_active: int = 0
    """Return to the host once at most this many members are still writing; they continue in the next call."""


@dataclass(frozen=True)
class Sampler:
    """Compiled sampling for one model; the weights are an argument of each call (see `prepare_weights`)."""

    graphdef: Any
    prefix_buckets: Sequence[int]
    suffix_buckets: Sequence[int]
    answer_chunk: int
    """`append` adds tokens in chunks of this many."""
    stop_token: int
    pad_token: int
    mesh: Mesh | None = None
    share_prefixes: bool = False
    """Encode the common beginning of several prompts once; on one device only."""

    def prepare_weights(self, params: Any) -> Forward:
        """Cast the weights, lay them out on this sampler's mesh and split them into layers: once per rollout.

        Returns the model that every other method takes.
        """
        params = local_weights(self.graphdef, params, self.mesh)
        model = nnx.merge(self.graphdef, params)
        return _unrolled(self.graphdef, sampling_weights(model.config, params, model.compute_dtype, self.mesh))

    def prefill(
        self, model: Forward, prompts: Sequence[Sequence[int]], members: int, longest: int = 0
    ) -> tuple[Prefix, SamplerState]:
        """Encode one prompt per group, with capacity for prompts of `longest` tokens that will be assigned later.

        Raises UserError if a prompt exceeds the largest bucket.
        """
        width_P = bucket(max(longest, *map(len, prompts)), self.prefix_buckets, "a prompt")
        if self.share_prefixes and (cut := prefix_sharing.cut(prompts, width_P)):
            encoded = prefix_sharing.encode(model, prompts, width_P, self.pad_token, cut)
            return open_encoded_slots(model, encoded, members, self.suffix_buckets[0])
        tokens_BP, length_B = self._shard(self._padded(prompts, width_P))
        return open_slots(model, tokens_BP, length_B, members, self.suffix_buckets[0])

    def warm_up_sharing(self, model: Forward, groups: int, width_P: int, members: int) -> None:
        """Compile every program that `prefill` may need to share prefixes of this width."""
        encoded = prefix_sharing.warm_up(model, groups, width_P, self.pad_token)
        if encoded is not None:
            open_encoded_slots(model, encoded, members, self.suffix_buckets[0])

    def assign_slots(
        self,
        model: Forward,
        prefix: Prefix,
        state: SamplerState,
        prompts: Mapping[int, Sequence[int]],
        encoded: Sequence[Sequence[int]] = (),
    ) -> tuple[Prefix, SamplerState]:
        """Encode prompts (slot -> tokens) into slots of finished groups; the slots' members start empty.

        `encoded` has the prompt that each slot holds now, whose beginnings may be reused.
        """
        # Recurrent states of linear attention cannot go back to where two prompts part.
        reuse = self.share_prefixes and bool(encoded) and prefix.cache.memory is None
        for slot, prompt in prompts.items() if reuse else ():
            if graft := prefix_sharing.graft(prompt, encoded, prefix.cache.num_slots):
                hidden_1D, cache = prefix_sharing.encode_grafted(model, prompt, self.pad_token, graft, prefix.cache)
                slot_and_length_21 = jax.device_put(np.array([[slot], [len(prompt)]], np.int32))
                prefix, state = assign_encoded(slot_and_length_21, hidden_1D, cache, prefix, state)
                encoded = [*encoded[:slot], prompt, *encoded[slot + 1 :]]
                prompts = {other: text for other, text in prompts.items() if other != slot}
        slots, groups = list(prompts), len(state.length_BG)
        for begin in range(0, len(slots), self._shards):
            slot_N = np.full(self._shards, groups, np.int32)  # out of range: its prompt is dropped
            batch = slots[begin : begin + self._shards]
            slot_N[: len(batch)] = batch
            texts = [prompts[slot] for slot in batch] + [[self.pad_token]] * (self._shards - len(batch))
            tokens_NP, length_N = self._padded(texts, prefix.cache.num_slots)
            tokens_NP, length_N, slot_N = self._shard((tokens_NP, length_N, slot_N))
            prefix, state = assign_prompts(model, Prompts(tokens_NP, length_N, slot_N), prefix, state)
        return prefix, state

    @property
    def _shards(self) -> int:
        return 1 if self.mesh is None else models.batch_parts(self.mesh)

    def _padded(self, prompts: Sequence[Sequence[int]], width: int) -> tuple[np.ndarray, np.ndarray]:
        tokens_BP = np.full((len(prompts), width), self.pad_token, np.int32)
        for b, prompt in enumerate(prompts):
            tokens_BP[b, : len(prompt)] = prompt
        return tokens_BP, np.array([len(prompt) for prompt in prompts], np.int32)

    def _shard(self, arrays: T) -> T:
        """Shard arrays over the mesh's batch axis."""
        return jax.device_put(arrays, None if self.mesh is None else models.batch_sharding(self.mesh))

    def reserve(self, state: SamplerState, length: int) -> SamplerState:
        """Grow the suffix caches to the smallest bucket that holds `length` tokens; they never shrink."""
        size = bucket(length, self.suffix_buckets, "a suffix")
        return state if size <= state.suffix.num_slots else grow(state, size)

    def decode(
        self,
        model: Forward,
        prefix: Prefix,
        state: SamplerState,
        limits: DecodeLimits,
        key_BG: jax.Array,
        temperature: float,
    ) -> tuple[SamplerState, Turn]:
        """Sample for each member whose length is below its limit, up to its stop token or its limit.

        Stopping early (`limits.max_active`) changes no sampled token. `reserve` must have made capacity for the limits.
        """
        chex.assert_rank([limits.length_BG, key_BG], 2)
        chex.assert_equal_shape([limits.length_BG, key_BG, state.length_BG])
        limit_BG, key_BG = self._shard((limits.length_BG.astype(np.int32), key_BG))
        max_active = jnp.int32(limits.max_active)
        return _decode(self.stop_token, model, prefix, state, limit_BG, key_BG, jnp.float32(temperature), max_active)

    def append(
        self, model: Forward, prefix: Prefix, state: SamplerState, answers: Sequence[Sequence[Sequence[int]]]
    ) -> SamplerState:
        """Append `answers[b][g]` (possibly empty) to each member. `reserve` must have made capacity for them."""
        texts = [tokens for group in answers for tokens in group]
        rows = len(texts) // self._shards
        together = -(-rows // _ROUNDS)
        # Longest first: a round takes as many chunks as its longest answer.
        by_length = [
            sorted(filter(texts.__getitem__, range(begin, begin + rows)), key=lambda row: -len(texts[row]))
            for begin in range(0, len(texts), rows)
        ]
        for first in range(0, max(map(len, by_length)), together):
            batch = [shard[first : first + together] for shard in by_length]
            for begin in range(0, max(len(texts[row]) for shard in batch for row in shard), self.answer_chunk):
                end = begin + self.answer_chunk
                chunks = [{row % rows: texts[row][begin:end] for row in shard} for shard in batch]
                tokens_DRC, count_DR, row_DR = self._shard(self._chunk(chunks, together, unused=rows))
                state = _append(model, prefix, state, tokens_DRC, count_DR, row_DR)
        return state

    def _chunk(
        self, chunks: Sequence[Mapping[int, Sequence[int]]], together: int, unused: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Pad one chunk per row: tokens [D, R, C], how many are real [D, R], and the rows they belong to [D, R]."""
        row_DR = np.full((len(chunks), together), unused, np.int32)
        count_DR = np.zeros(row_DR.shape, np.int32)
        tokens_DRC = np.full((*row_DR.shape, self.answer_chunk), self.pad_token, np.int32)
        for d, shard in enumerate(chunks):
            for r, (row, tokens) in enumerate(shard.items()):
                if tokens:
                    row_DR[d, r], count_DR[d, r] = row, len(tokens)
                    tokens_DRC[d, r, : len(tokens)] = tokens
        return tokens_DRC, count_DR, row_DR


def keys(seed: int, step: int, numbers: Sequence[int], members: int) -> jax.Array:
    """Random keys [B, G] of the members of a step's tasks, from each task's number within the step."""
    return _keys(jax.random.fold_in(jax.random.key(seed), step), np.array(numbers, np.int32), members)


@partial(jax.jit, static_argnums=0)
def _unrolled(graphdef: Any, params: Any) -> Forward:
    return nnx.merge(graphdef, params).unrolled()


_keys = jax.jit(member_keys, static_argnums=2)


@partial(jax.jit, static_argnums=0, donate_argnums=3)
def _decode(
    stop_token: int,
    model: Forward,
    prefix: Prefix,
    state: SamplerState,
    limit_BG: jax.Array,
    key_BG: jax.Array,
    temperature: jax.Array,
    max_active: jax.Array,
) -> tuple[SamplerState, Turn]:
    capacity = state.suffix.num_slots
    # Mapped over members rather than indexed: the compiler then knows that devices exchange nothing.
    put = jax.vmap(jax.vmap(lambda x_S, index, x: x_S.at[index].set(x, mode="drop")))

    def step(carry: tuple[SamplerState, Turn, jax.Array]) -> tuple[SamplerState, Turn, jax.Array]:
        state, turn, active_BG = carry
        token_BG, logprob_BG = choose(model.logits(state.hidden_BGD), key_BG, state.length_BG, temperature)
        # Out of range for members that have stopped: their writes are dropped, here and in the cache.
        index_BG = jnp.where(active_BG, state.length_BG, capacity)
        turn = Turn(put(turn.token_BGS, index_BG, token_BG), put(turn.logprob_BGS, index_BG, logprob_BG))
        hidden_BG1D, suffix = model.extend(token_BG[..., None], prefix, state.suffix, index_BG)
        assert suffix is not None, "a suffix cache was passed in"
        state = SamplerState(
            suffix,
            state.length_BG + active_BG,
            jnp.where(active_BG[..., None], hidden_BG1D[:, :, 0], state.hidden_BGD),
        )
        return state, turn, active_BG & (token_BG != stop_token) & (state.length_BG < limit_BG)

    empty = jnp.zeros((*limit_BG.shape, capacity))
    carry = state, Turn(empty.astype(jnp.int32), empty.astype(jnp.float32)), state.length_BG < limit_BG
    state, turn, _ = jax.lax.while_loop(lambda carry: carry[2].sum() > max_active, step, carry)
    return state, turn


@partial(jax.jit, donate_argnums=2)
def _append(
    model: Forward,
    prefix: Prefix,
    state: SamplerState,
    tokens_DRC: jax.Array,
    count_DR: jax.Array,
    row_DR: jax.Array,
) -> SamplerState:
    shards, together = row_DR.shape
    members = state.length_BG.shape[1]

    def by_shard(x: jax.Array, axes: int) -> jax.Array:
        return x.reshape(shards, -1, *x.shape[axes:])

    def gather(x_DN: jax.Array, index_DR: jax.Array) -> jax.Array:
        """Each row's values, as a group of one member."""
        x_DR = jax.vmap(lambda x_N, index_R: x_N.at[index_R].get(mode="clip"))(x_DN, index_DR)
        return x_DR.reshape(shards * together, *x_DR.shape[2:])

    def scatter(x_BG: jax.Array, new_N1: jax.Array) -> jax.Array:
        new_DR = new_N1.reshape(shards, together, *new_N1.shape[2:])
        put = jax.vmap(lambda x_N, index_R, new_R: x_N.at[index_R].set(new_R, mode="drop"))
        return put(by_shard(x_BG, 2), row_DR, new_DR).reshape(x_BG.shape)

    row_prefix = jax.tree.map(lambda x: gather(by_shard(x, 1), row_DR // members), prefix)
    row_state = jax.tree.map(lambda x: gather(by_shard(x, 2), row_DR)[:, None], state)
    tokens_N1C, count_N1 = tokens_DRC.reshape(-1, 1, tokens_DRC.shape[-1]), count_DR.reshape(-1, 1)
    index_N1 = jnp.where(count_N1 > 0, row_state.length_BG, state.suffix.num_slots)
    hidden_N1CD, suffix = model.extend(tokens_N1C, row_prefix, row_state.suffix, index_N1, count_N1)
    assert suffix is not None, "a suffix cache was passed in"
    last_N1D = jnp.take_along_axis(hidden_N1CD, jnp.maximum(count_N1 - 1, 0)[..., None, None], axis=2)[:, :, 0]
    return jax.tree.map(scatter, state, SamplerState(suffix, row_state.length_BG + count_N1, last_N1D))
