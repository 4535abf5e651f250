"""Keys and values that later tokens look back at: a group's prefix, and each member's suffix.

Two forms of the same data. Stacked: one array with a leading layer axis, what a scan over layers reads and writes.
Unrolled: a tuple of one array per layer, which a decode loop updates in place. The key axis is next to last, so that
one head's keys are contiguous.

Axes, everywhere in `models`: B groups, G members, P prefix length, T queries, S suffix slots (keys), D model width, H
query heads, K kv heads, R query heads per kv head (H = K * R), E head width, F mlp width, V vocabulary, L layers, N
tokens in any order.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from models.config import ModelConfig
from models.errors import ModelError

Layers = jax.Array | tuple[jax.Array, ...]


class KVCache(NamedTuple):
    """Keys (after RoPE) and values.

    Prefix: [L, B, K, P, E], or L arrays [B, K, P, E]. Suffix: [L, B, G, K, S, E], or L arrays [B, G, K, S, E].
    """

    k: Layers
    v: Layers

    @property
    def is_unrolled(self) -> bool:
        """True if there is one array per layer."""
        return isinstance(self.k, tuple)

    @property
    def num_slots(self) -> int:
        """Length of the key axis (P or S)."""
        return (self.k[0] if isinstance(self.k, tuple) else self.k).shape[-2]


def empty_suffix_cache(
    config: ModelConfig, groups: int, members: int, slots: int, dtype: DTypeLike = jnp.float32, *, unrolled: bool
) -> KVCache:
    """A suffix cache of zeros with `slots` free slots for each member."""
    shape = (groups, members, config.num_kv_heads, slots, config.head_dim)
    if unrolled:
        # Separate buffers, not one array twice: a donated buffer may appear only once.
        k, v = (tuple(jnp.zeros(shape, dtype) for _ in range(config.num_layers)) for _ in "kv")
        return KVCache(k, v)
    return KVCache(jnp.zeros((config.num_layers, *shape), dtype), jnp.zeros((config.num_layers, *shape), dtype))


def unroll_cache(cache: KVCache) -> KVCache:
    """The same cache with one array per layer; an unrolled one is returned as it is."""
    if isinstance(cache.k, tuple) or isinstance(cache.v, tuple):
        return cache
    return KVCache(tuple(cache.k), tuple(cache.v))


def stack_cache(cache: KVCache) -> KVCache:
    """The same cache with a leading layer axis; a stacked one is returned as it is."""
    return KVCache(jnp.stack(cache.k), jnp.stack(cache.v)) if cache.is_unrolled else cache


def grow_cache(cache: KVCache, slots: int) -> KVCache:
    """The same cache with room for `slots` keys; the new slots are zeros. Raises ModelError if it would shrink."""
    more = slots - cache.num_slots
    if more < 0:
        raise ModelError(
            f"a cache of {cache.num_slots} slots cannot shrink to {slots}: ask for {cache.num_slots} or more"
        )

    def pad(x: jax.Array) -> jax.Array:
        return jnp.pad(x, [(0, 0)] * (x.ndim - 2) + [(0, more), (0, 0)])

    return jax.tree.map(pad, cache) if more else cache
