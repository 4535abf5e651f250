"""Prefixes -> sampled turns: the jitted part of a rollout.

Four functions over a batch of groups: `start` runs every prompt once per group, `write` samples the turns of active
members in a compiled `while_loop`, `read` appends known tokens (tools' answers) to those that have any, `seat` gives
the places of finished groups to others (`places.py`). A member's tokens live in consecutive slots of its suffix cache,
so slot, position and time are one number. Axes: B groups, G members, D parts of the mesh that groups are spread over, R
members of a part that read together, P prefix, S suffix slots, C answer chunk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh

import models
from jaxrlvr.sampling import prefix_sharing
from jaxrlvr.sampling.buckets import bucket
from jaxrlvr.sampling.categorical import choose, member_keys
from jaxrlvr.sampling.slots import Prefix, SamplerState, grow, open_encoded, open_places, seat_encoded, seat_prompts
from models.forward import Forward
from models.sampling_weights import sampling_weights

T = TypeVar("T")

_ROUNDS = 8
"""When every member has an answer, so many rounds read them: with fewer answers there are fewer rounds."""


class Turn(NamedTuple):
    """Sampled tokens at their slots; a member wrote slots [length before, length after)."""

    token_BGS: Any
    logprob_BGS: Any


@dataclass(frozen=True)
class Sampler:
    """Compiled sampling for one model, whose weights are passed in with each call (`acting`)."""

    graphdef: Any
    prefix_buckets: Sequence[int]
    suffix_buckets: Sequence[int]
    answer_chunk: int
    """Known tokens are appended in chunks of this many."""
    stop_token: int
    pad_token: int
    mesh: Mesh | None = None
    share_prefixes: bool = False
    """Encode once what several prompts begin with, on one device."""

    def acting(self, params: Any) -> Forward:
        """The model that all else here takes, once for many turns: cast, cut into layers, on this sampler's mesh."""
        model = nnx.merge(self.graphdef, params)
        moved = sampling_weights(model.config, params, model.compute_dtype, self.mesh)
        return _unrolled(self.graphdef, moved)

    def start(
        self, model: Forward, prompts: Sequence[Sequence[int]], members: int, longest: int = 0
    ) -> tuple[Prefix, SamplerState]:
        """Encode one prompt per group, with room for prompts of `longest` tokens that will be seated.

        Raises UserError if a prompt is longer than the largest bucket.
        """
        width_P = bucket(max(longest, *map(len, prompts)), self.prefix_buckets, "a prompt")
        if self.share_prefixes and (cut := prefix_sharing.cut(prompts, width_P)):
            encoded = prefix_sharing.encode(model, prompts, width_P, self.pad_token, cut)
            return open_encoded(model, *encoded, members, self.suffix_buckets[0])
        placed = self._place(self._padded(prompts, width_P))
        return open_places(model, *placed, members, self.suffix_buckets[0])

    def warm_up_sharing(self, model: Forward, groups: int, width_P: int, members: int) -> None:
        """Compile all that `start` may need to share prefixes of this width."""
        encoded = prefix_sharing.warm_up(model, groups, width_P, self.pad_token)
        if encoded is not None:
            open_encoded(model, *encoded, members, self.suffix_buckets[0])

    def seat(
        self,
        model: Forward,
        prefix: Prefix,
        state: SamplerState,
        prompts: Mapping[int, Sequence[int]],
        standing: Sequence[Sequence[int]] = (),
    ) -> tuple[Prefix, SamplerState]:
        """Encode the prompts of other groups into the places given, whose members begin anew. `standing` has the
        prompts that are in the places, whose beginnings may be shared.
        """
        # The states of linear attention cannot go back to where two prompts part.
        grafts = self.share_prefixes and bool(standing) and prefix.cache.memory is None
        for place, prompt in prompts.items() if grafts else ():
            if graft := prefix_sharing.graft(prompt, standing, prefix.cache.num_slots):
                grafted = prefix_sharing.encode_grafted(model, prompt, self.pad_token, graft, prefix.cache)
                placed = jax.device_put(np.array([[place], [len(prompt)]], np.int32))
                prefix, state = seat_encoded(placed, *grafted, prefix, state)
                standing = [*standing[:place], prompt, *standing[place + 1 :]]
                prompts = {other: text for other, text in prompts.items() if other != place}
        places, groups = list(prompts), len(state.length_BG)
        for begin in range(0, len(places), self._parts):
            place_N = np.full(self._parts, groups, np.int32)  # out of range: encoded for nobody
            taken = places[begin : begin + self._parts]
            place_N[: len(taken)] = taken
            texts = [prompts[place] for place in taken] + [[self.pad_token]] * (self._parts - len(taken))
            placed = self._place((*self._padded(texts, prefix.cache.num_slots), place_N))
            prefix, state = seat_prompts(model, *placed, prefix, state)
        return prefix, state

    @property
    def _parts(self) -> int:
        return 1 if self.mesh is None else models.batch_parts(self.mesh)

    def _padded(self, prompts: Sequence[Sequence[int]], width: int) -> tuple[np.ndarray, np.ndarray]:
        tokens_BP = np.full((len(prompts), width), self.pad_token, np.int32)
        for b, prompt in enumerate(prompts):
            tokens_BP[b, : len(prompt)] = prompt
        return tokens_BP, np.array([len(prompt) for prompt in prompts], np.int32)

    def _place(self, arrays: T) -> T:
        """Arrays of groups, spread over the mesh."""
        return jax.device_put(arrays, None if self.mesh is None else models.batch_sharding(self.mesh))

    def fit(self, state: SamplerState, length: int) -> SamplerState:
        """Move the suffix caches to the smallest bucket with `length` slots; they never shrink."""
        size = bucket(length, self.suffix_buckets, "a suffix")
        return state if size <= state.suffix.num_slots else grow(state, size)

    def write(
        self,
        model: Forward,
        prefix: Prefix,
        state: SamplerState,
        limit_BG: np.ndarray,
        key_BG: jax.Array,
        temperature: float,
        until: int = 0,
    ) -> tuple[SamplerState, Turn]:
        """Sample for each member whose length is below its limit, to its stop token or to the limit.

        Ends once at most `until` members are still writing; they go on in the next call as if nothing had happened.
        """
        limit_BG, key_BG = self._place((limit_BG.astype(np.int32), key_BG))
        numbers = jnp.float32(temperature), jnp.int32(until)
        return _write(self.stop_token, model, prefix, state, limit_BG, key_BG, *numbers)

    def read(
        self, model: Forward, prefix: Prefix, state: SamplerState, answers: Sequence[Sequence[Sequence[int]]]
    ) -> SamplerState:
        """Append `answers[b][g]` (possibly none) to each member. The caller has made room with `fit`."""
        texts = [tokens for group in answers for tokens in group]
        each = len(texts) // self._parts
        together = -(-each // _ROUNDS)
        # Long answers with long ones: a round takes as many chunks as its longest.
        readers = [
            sorted(filter(texts.__getitem__, range(begin, begin + each)), key=lambda row: -len(texts[row]))
            for begin in range(0, len(texts), each)
        ]
        for first in range(0, max(map(len, readers)), together):
            rows = [part[first : first + together] for part in readers]
            for begin in range(0, max(len(texts[row]) for part in rows for row in part), self.answer_chunk):
                chunks = [{row % each: texts[row][begin : begin + self.answer_chunk] for row in part} for part in rows]
                chunk = self._place(self._chunk(chunks, together, nobody=each))
                state = _read(model, prefix, state, *chunk)
        return state

    def _chunk(
        self, chunks: Sequence[Mapping[int, Sequence[int]]], together: int, nobody: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What rows of each part read next: tokens [D, R, C], how many are real [D, R], and whose they are [D, R]."""
        row_DR = np.full((len(chunks), together), nobody, np.int32)
        count_DR = np.zeros(row_DR.shape, np.int32)
        tokens_DRC = np.full((*row_DR.shape, self.answer_chunk), self.pad_token, np.int32)
        for d, part in enumerate(chunks):
            for r, (row, tokens) in enumerate(part.items()):
                if tokens:
                    row_DR[d, r], count_DR[d, r] = row, len(tokens)
                    tokens_DRC[d, r, : len(tokens)] = tokens
        return tokens_DRC, count_DR, row_DR


def keys(seed: int, step: int, groups: Sequence[int], members: int) -> jax.Array:
    """Random keys [B, G] of a step's members."""
    return _keys(jax.random.fold_in(jax.random.key(seed), step), np.array(groups, np.int32), members)


@partial(jax.jit, static_argnums=0)
def _unrolled(graphdef: Any, params: Any) -> Forward:
    return nnx.merge(graphdef, params).unrolled()


_keys = jax.jit(member_keys, static_argnums=2)


@partial(jax.jit, static_argnums=0, donate_argnums=3)
def _write(
    stop_token: int,
    model: Forward,
    prefix: Prefix,
    state: SamplerState,
    limit_BG: jax.Array,
    key_BG: jax.Array,
    temperature: jax.Array,
    until: jax.Array,
) -> tuple[SamplerState, Turn]:
    slots = state.suffix.num_slots
    # Mapped over members, not indexed by them: so the compiler knows that devices need nothing of each other.
    put = jax.vmap(jax.vmap(lambda x_S, slot, x: x_S.at[slot].set(x, mode="drop")))

    def step(carry: tuple[SamplerState, Turn, jax.Array]) -> tuple[SamplerState, Turn, jax.Array]:
        state, turn, active_BG = carry
        token_BG, logprob_BG = choose(model.logits(state.hidden_BGD), key_BG, state.length_BG, temperature)
        # Out of range for members that have stopped: their writes are dropped, here and in the cache.
        slot_BG = jnp.where(active_BG, state.length_BG, slots)
        turn = Turn(put(turn.token_BGS, slot_BG, token_BG), put(turn.logprob_BGS, slot_BG, logprob_BG))
        hidden_BG1D, suffix = model.extend(token_BG[..., None], prefix, state.suffix, slot_BG)
        assert suffix is not None, "it came in"
        state = SamplerState(
            suffix,
            state.length_BG + active_BG,
            jnp.where(active_BG[..., None], hidden_BG1D[:, :, 0], state.hidden_BGD),
        )
        return state, turn, active_BG & (token_BG != stop_token) & (state.length_BG < limit_BG)

    empty = jnp.zeros((*limit_BG.shape, slots))
    carry = state, Turn(empty.astype(jnp.int32), empty.astype(jnp.float32)), state.length_BG < limit_BG
    state, turn, _ = jax.lax.while_loop(lambda carry: carry[2].sum() > until, step, carry)
    return state, turn


@partial(jax.jit, donate_argnums=2)
def _read(
    model: Forward,
    prefix: Prefix,
    state: SamplerState,
    tokens_DRC: jax.Array,
    count_DR: jax.Array,
    row_DR: jax.Array,
) -> SamplerState:
    parts, together = row_DR.shape
    members = state.length_BG.shape[1]

    def by_part(x: jax.Array, axes: int) -> jax.Array:
        return x.reshape(parts, -1, *x.shape[axes:])

    def taken(x_DN: jax.Array, index_DR: jax.Array) -> jax.Array:
        """Each reader's own, as a group of one."""
        x_DR = jax.vmap(lambda x_N, index_R: x_N.at[index_R].get(mode="clip"))(x_DN, index_DR)
        return x_DR.reshape(parts * together, *x_DR.shape[2:])

    def given(x_BG: jax.Array, new_N1: jax.Array) -> jax.Array:
        new_DR = new_N1.reshape(parts, together, *new_N1.shape[2:])
        put = jax.vmap(lambda x_N, index_R, new_R: x_N.at[index_R].set(new_R, mode="drop"))
        return put(by_part(x_BG, 2), row_DR, new_DR).reshape(x_BG.shape)

    shared = jax.tree.map(lambda x: taken(by_part(x, 1), row_DR // members), prefix)
    own = jax.tree.map(lambda x: taken(by_part(x, 2), row_DR)[:, None], state)
    tokens_N1C, count_N1 = tokens_DRC.reshape(-1, 1, tokens_DRC.shape[-1]), count_DR.reshape(-1, 1)
    slot_N1 = jnp.where(count_N1 > 0, own.length_BG, state.suffix.num_slots)
    hidden_N1CD, suffix = model.extend(tokens_N1C, shared, own.suffix, slot_N1, count_N1)
    assert suffix is not None, "it came in"
    last_N1D = jnp.take_along_axis(hidden_N1CD, jnp.maximum(count_N1 - 1, 0)[..., None, None], axis=2)[:, :, 0]
    return jax.tree.map(given, state, SamplerState(suffix, own.length_BG + count_N1, last_N1D))
