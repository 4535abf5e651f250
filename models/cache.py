"""Caches of a group's prefix and of its members' suffixes, which later tokens attend to.

Layers with full attention cache keys and values of every token. Layers with linear attention (hybrids) cache a
recurrent state of fixed size that summarises all tokens so far and cannot be rolled back.

A cache has two forms. Stacked: one array with a leading layer axis, read and written by a scan over layers. Unrolled: a
tuple with one array per layer, updated in place by a decode loop. A head's keys are columns [E, S] and its values rows
[S, E], contiguous in memory, so that both products of attention read them without a transpose.

Axes, everywhere in `models`: B groups, G members, P prefix length, T queries, S suffix slots (keys), D model width, H
query heads, K kv heads, R query heads per kv head (H = K * R), E head width, F mlp width, V vocabulary, L layers, N
tokens in any order, X experts, U value heads of linear attention, W their width, M channels of its convolution.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from models.config import ModelConfig
from models.errors import ModelError

Layers = jax.Array | tuple[jax.Array, ...]


class Keys(NamedTuple):
    """One layer's keys (after RoPE) and values: [B, K, E, P] and [B, K, P, E] of prefixes, [B, G, K, E, S] and
    [B, G, K, S, E] of suffixes.
    """

    k: jax.Array
    v: jax.Array


class RecurrentState(NamedTuple):
    """State of one layer with linear attention; a prefix's has no axis G."""

    conv: jax.Array
    """The last inputs of the convolution [B, G, taps - 1, M]."""
    memory: jax.Array
    """The map from keys to values [B, G, U, E, W], float32."""


LayerCache = Keys | RecurrentState


class LayerCaches(NamedTuple):
    """The two caches that one layer reads."""

    prefix: LayerCache | None
    """None for tokens without a prefix."""
    suffix: LayerCache | None
    """None for tokens that attend only to their own chunk behind the prefix."""


class KVCache(NamedTuple):
    """Keys (after RoPE) and values of all layers, and in hybrids the states of linear attention.

    Stacked (the first axis counts the layers of that kind) or unrolled (a tuple with one array per layer); other axes
    as in `Keys` and `RecurrentState`.
    """

    k: Layers
    v: Layers
    conv: Layers | None = None
    """As in `RecurrentState`."""
    memory: Layers | None = None
    """As in `RecurrentState`."""

    @property
    def is_unrolled(self) -> bool:
        """True if there is one array per layer."""
        return isinstance(self.k, tuple)

    @property
    def num_slots(self) -> int:
        """Number of keys that fit (P or S)."""
        return (self.k[0] if isinstance(self.k, tuple) else self.k).shape[-1]


class Prefix(NamedTuple):
    """The encoded prompts of B groups."""

    cache: KVCache
    length_B: jax.Array
    """Real tokens of each prompt; the rest is padding."""


def empty_suffix_cache(
    config: ModelConfig, groups: int, members: int, slots: int, dtype: DTypeLike = jnp.float32, *, unrolled: bool
) -> KVCache:
    """Return a suffix cache of zeros with `slots` free slots per member."""
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
    """Convert to one array per layer; an unrolled cache is returned unchanged.

    Raises AssertionError if the arrays of the cache do not fit together.
    """
    check_cache(cache)
    return cache if cache.is_unrolled else map_cache(tuple, cache)


def stack_cache(cache: KVCache) -> KVCache:
    """Convert to arrays with a leading layer axis; a stacked cache is returned unchanged.

    Raises AssertionError if the arrays of the cache do not fit together.
    """
    check_cache(cache)
    return map_cache(jnp.stack, cache) if cache.is_unrolled else cache


def map_cache(change: Callable[[Any], Layers], cache: KVCache) -> KVCache:
    """Apply a function to keys, values, convolution inputs and memories, each with all its layers."""
    conv = None if cache.conv is None else change(cache.conv)
    return KVCache(change(cache.k), change(cache.v), conv, None if cache.memory is None else change(cache.memory))


def grow_cache(cache: KVCache, slots: int) -> KVCache:
    """Extend the key axis to `slots` slots; the new ones hold zeros.

    Raises ModelError if the cache would shrink, and AssertionError if its arrays do not fit together.
    """
    check_cache(cache)
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


def layer_cache(config: ModelConfig, cache: KVCache | None, layer: int) -> LayerCache | None:
    """Return one layer's part of a cache; None for None."""
    if cache is None:
        return None
    index = index_among_kind(config, layer)
    if config.is_full(layer):
        return Keys(cache.k[index], cache.v[index])
    assert cache.conv is not None and cache.memory is not None, "a hybrid's cache has states"
    return RecurrentState(cache.conv[index], cache.memory[index])


def join_layers(caches: Sequence[LayerCache], *, unrolled: bool) -> KVCache:
    """Combine the caches of consecutive layers into one; the inverse of `layer_cache`."""
    join = tuple if unrolled else jnp.stack
    keys = [cache for cache in caches if isinstance(cache, Keys)]
    states = [cache for cache in caches if isinstance(cache, RecurrentState)]
    k, v = (join([cache[i] for cache in keys]) for i in range(2))
    if not states:
        return KVCache(k, v)
    return KVCache(k, v, join([state.conv for state in states]), join([state.memory for state in states]))


def index_among_kind(config: ModelConfig, layer: int) -> int:
    """Return a layer's index among the layers of its kind (full or linear attention)."""
    full_before = layer // config.full_attention_every
    return full_before if config.is_full(layer) else layer - full_before


def check_cache(cache: KVCache, batch: tuple[int, ...] | None = None) -> None:
    """Assert that keys, values and states of all layers agree in rank, shape and dtype.

    `batch` has the sizes that the axes [B] of a prefix cache or [B, G] of a suffix cache must have; None: any.
    """
    keys, values = _arrays(cache.k), _arrays(cache.v)
    layer_axes = 0 if cache.is_unrolled else 1
    chex.assert_equal(len(keys), len(values))
    chex.assert_rank(keys, {layer_axes + 3 + axes for axes in ((1, 2) if batch is None else (len(batch),))})
    if batch is not None:
        chex.assert_shape(keys, (*(None,) * layer_axes, *batch, None, None, None))
    for k, v in zip(keys, values, strict=True):
        chex.assert_shape(v, (*k.shape[:-2], k.shape[-1], k.shape[-2]))
        chex.assert_type([k, v], [float, k.dtype])
    if cache.conv is not None and cache.memory is not None:
        convs, memories = _arrays(cache.conv), _arrays(cache.memory)
        chex.assert_equal(len(convs), len(memories))
        chex.assert_rank(convs, keys[0].ndim - 1)
        chex.assert_rank(memories, keys[0].ndim)
        chex.assert_type([*convs, *memories], float)


def _arrays(layers: Layers) -> tuple[jax.Array, ...]:
    return layers if isinstance(layers, tuple) else (layers,)
