"""What later tokens look back at: a group's prefix, and each member's suffix.

Layers with full attention keep keys and values of every token; layers with linear attention (hybrids) keep a state of
fixed size, which holds all tokens so far and cannot go back.

Two forms of the same data. Stacked: one array with a leading layer axis, what a scan over layers reads and writes.
Unrolled: a tuple of one array per layer, which a decode loop updates in place. One head's keys are contiguous and stand
in columns [E, S], its values in rows [S, E]: attention's two products with them take both as they lie.

Axes, everywhere in `models`: B groups, G members, P prefix length, T queries, S suffix slots (keys), D model width, H
query heads, K kv heads, R query heads per kv head (H = K * R), E head width, F mlp width, V vocabulary, L layers, N
tokens in any order, X experts, U value heads of linear attention, W their width, M channels of its convolution.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from models.config import ModelConfig
from models.errors import ModelError

Layers = jax.Array | tuple[jax.Array, ...]


class Keys(NamedTuple):
    """Keys (after RoPE) [B, K, E, P] and values [B, K, P, E] of one layer's prefix; a suffix's are [B, G, K, E, S] and
    [B, G, K, S, E].
    """

    k: jax.Array
    v: jax.Array


class State(NamedTuple):
    """What one layer of linear attention remembers; a prefix's has no G."""

    conv: jax.Array
    """The convolution's last inputs [B, G, taps - 1, M]."""
    memory: jax.Array
    """The map from keys to values [B, G, U, E, W], float32."""


Memory = Keys | State


class KVCache(NamedTuple):
    """Keys (after RoPE) and values, and the states of linear attention where a model has it.

    Stacked (the first axis counts the layers of that kind) or unrolled (a tuple with one array per layer); shapes as in
    `Keys`.
    """

    k: Layers
    v: Layers
    conv: Layers | None = None
    """As in `State`."""
    memory: Layers | None = None
    """As in `State`."""

    @property
    def is_unrolled(self) -> bool:
        """True if there is one array per layer."""
        return isinstance(self.k, tuple)

    @property
    def num_slots(self) -> int:
        """How many keys it has room for (P or S)."""
        return (self.k[0] if isinstance(self.k, tuple) else self.k).shape[-1]


def empty_suffix_cache(
    config: ModelConfig, groups: int, members: int, slots: int, dtype: DTypeLike = jnp.float32, *, unrolled: bool
) -> KVCache:
    """A suffix cache of zeros with `slots` free slots for each member."""
    full, linear = config.num_full_layers, config.num_layers - config.num_full_layers
    heads = (groups, members, config.num_kv_heads)
    keys, values = (*heads, config.head_dim, slots), (*heads, slots, config.head_dim)

    def zeros(layers: int, shape: tuple[int, ...], dtype: DTypeLike) -> Layers:
        if unrolled:
            # Separate buffers, not one array twice: a donated buffer may appear only once.
            return tuple(jnp.zeros(shape, dtype) for _ in range(layers))
        return jnp.zeros((layers, *shape), dtype)

    if not config.is_hybrid:
        return KVCache(zeros(full, keys, dtype), zeros(full, values, dtype))
    conv = (groups, members, config.conv_width - 1, config.mixed_size)
    memory = (groups, members, config.linear_value_heads, config.linear_key_dim, config.linear_value_dim)
    return KVCache(
        zeros(full, keys, dtype),
        zeros(full, values, dtype),
        zeros(linear, conv, dtype),
        zeros(linear, memory, "float32"),
    )


def unroll_cache(cache: KVCache) -> KVCache:
    """The same cache with one array per layer; an unrolled one is returned as it is."""
    return cache if cache.is_unrolled else each_kind(tuple, cache)


def stack_cache(cache: KVCache) -> KVCache:
    """The same cache with a leading layer axis; a stacked one is returned as it is."""
    return each_kind(jnp.stack, cache) if cache.is_unrolled else cache


def each_kind(change: Callable[[Any], Layers], cache: KVCache) -> KVCache:
    """The cache with keys, values and states changed, each with all its layers."""
    conv = None if cache.conv is None else change(cache.conv)
    return KVCache(change(cache.k), change(cache.v), conv, None if cache.memory is None else change(cache.memory))


def grow_cache(cache: KVCache, slots: int) -> KVCache:
    """The same cache with room for `slots` keys; the new slots are zeros. Raises ModelError if it would shrink."""
    more = slots - cache.num_slots
    if more < 0:
        raise ModelError(
            f"a cache of {cache.num_slots} slots cannot shrink to {slots}: ask for {cache.num_slots} or more"
        )

    def pad(x: jax.Array, axis: int) -> jax.Array:
        return jnp.pad(x, [(0, more if i == x.ndim + axis else 0) for i in range(x.ndim)])

    if not more:
        return cache
    return cache._replace(
        k=jax.tree.map(partial(pad, axis=-1), cache.k), v=jax.tree.map(partial(pad, axis=-2), cache.v)
    )


def memory_of(config: ModelConfig, cache: KVCache | None, layer: int) -> Memory | None:
    """What one layer remembers."""
    if cache is None:
        return None
    place = place_of(config, layer)
    if config.is_full(layer):
        return Keys(cache.k[place], cache.v[place])
    assert cache.conv is not None and cache.memory is not None, "a hybrid's cache has states"
    return State(cache.conv[place], cache.memory[place])


def cache_of(memories: Sequence[Memory], *, unrolled: bool) -> KVCache:
    """The cache of consecutive layers."""
    join = tuple if unrolled else jnp.stack
    keys = [memory for memory in memories if isinstance(memory, Keys)]
    states = [memory for memory in memories if isinstance(memory, State)]
    k, v = (join([memory[i] for memory in keys]) for i in range(2))
    if not states:
        return KVCache(k, v)
    return KVCache(k, v, join([state.conv for state in states]), join([state.memory for state in states]))


def place_of(config: ModelConfig, layer: int) -> int:
    """Where a layer stands among those of its kind."""
    full_before = layer // config.full_attention_every
    return full_before if config.is_full(layer) else layer - full_before
