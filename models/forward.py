"""Tokens -> hidden states and keys: the only forward code, for sampling, recomputation and training.

`prefill` runs each group's prompt once; `extend` runs what members add, a chunk in training, one token at a time in
decoding. Both are the same stack of blocks; they differ in which keys a query sees. Axes are those of `cache.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from models.block import Keys, Rotation, block, rms_norm, rotation
from models.cache import KVCache
from models.config import ModelConfig
from models.logprobs import logits
from models.sharding import constrain

_REMAT: dict[str, Callable[..., bool] | None] = {
    # Keeps products with weights; attention scores (products with batch axes) are computed again.
    "dots": jax.checkpoint_policies.checkpoint_dots_with_no_batch_dims,
    "full": None,
}


class _Sight(NamedTuple):
    """Which keys the queries of a call see, beside the layer's caches."""

    prefix_length_B: jax.Array | None
    slot_BGT: jax.Array
    rotation: Rotation


@dataclass(frozen=True)
class Forward:
    """A decoder's weights as plain arrays, and its computation."""

    config: ModelConfig
    layers: dict[str, jax.Array] | tuple[dict[str, jax.Array], ...]
    """Weights by name, each with a leading layer axis; or, unrolled, one dict per layer."""
    embedding_VD: jax.Array
    final_norm_D: jax.Array
    unembedding_VD: jax.Array
    compute_dtype: Any
    remat: str
    mesh: Mesh | None

    def prefill(self, tokens_BP: jax.Array, length_B: jax.Array) -> tuple[jax.Array, KVCache]:
        """Encode prompts [B, P] whose first `length_B` tokens are real.

        Returns hidden states [B, P, D] after the final norm and the stacked prefix cache. Padding stands to the right,
        so causality keeps it from real positions; its own hidden states and keys mean nothing.
        """
        # Attention needs no lengths here; layers with a recurrent state would.
        del length_B
        position_B1P = jnp.broadcast_to(jnp.arange(tokens_BP.shape[1]), tokens_BP.shape)[:, None]
        sight = _Sight(None, position_B1P, rotation(self.config, position_B1P))
        hidden_B1PD, keys = self._run(tokens_BP[:, None], None, None, sight, keep=True)
        return hidden_B1PD[:, 0], KVCache(*(x[:, :, 0] for x in keys))

    def extend(
        self,
        tokens_BGT: jax.Array,
        prefix: KVCache,
        prefix_length_B: jax.Array,
        suffix: KVCache | None,
        suffix_length_BG: jax.Array,
    ) -> tuple[jax.Array, KVCache | None]:
        """Run T further tokens of every member; token t stands at position prefix_length + suffix_length + t.

        A query sees the first `prefix_length_B` keys of its group's prefix and the suffix slots up to its own,
        suffix_length + t. Without a suffix cache (None) the keys are the chunk's own and `suffix_length_BG` must be
        zeros: the form for training. With one, new keys are written at the members' own slots; what lies beyond the
        last slot is dropped, and padding at a chunk's end leaves keys that later tokens overwrite. Returns hidden
        states [B, G, T, D] after the final norm and the updated cache in the form it came in (None for None).
        """
        slot_BGT = suffix_length_BG[..., None] + jnp.arange(tokens_BGT.shape[-1])
        sight = _Sight(prefix_length_B, slot_BGT, rotation(self.config, prefix_length_B[:, None, None] + slot_BGT))
        hidden_BGTD, keys = self._run(tokens_BGT, prefix, suffix, sight, keep=suffix is not None)
        return hidden_BGTD, None if suffix is None else KVCache(*keys)

    def logits(self, hidden_D: jax.Array) -> jax.Array:
        """Float32 logits [..., V] of hidden states [..., D]."""
        return logits(hidden_D, self.unembed_VD)

    @property
    def unembed_VD(self) -> jax.Array:
        """The matrix from hidden states to logits, in the compute dtype."""
        return self.unembedding_VD.astype(self.compute_dtype)

    def unrolled(self) -> "Forward":
        """The same with weights cut into layers and cast, so that a loop around `extend` copies none at each step."""
        if isinstance(self.layers, tuple):
            return self
        cast = {name: weight.astype(self.compute_dtype) for name, weight in self.layers.items()}
        return replace(
            self,
            layers=_cut(cast, self.config.num_layers),
            embedding_VD=self.embedding_VD.astype(self.compute_dtype),
            unembedding_VD=self.unembed_VD,
        )

    def _run(
        self, tokens_BGT: jax.Array, prefix: KVCache | None, suffix: KVCache | None, sight: _Sight, keep: bool
    ) -> tuple[jax.Array, Any]:
        """Embed, run all layers, normalise. Keys come back stacked, or unrolled if the suffix cache is."""
        x_BGTD = jnp.take(self.embedding_VD, tokens_BGT, axis=0).astype(self.compute_dtype)
        x_BGTD = constrain(x_BGTD, self.mesh, ("batch", None, None, None))

        def layer(x_BGTD: jax.Array, weights: Any, prefix: Any, suffix: Any) -> tuple[jax.Array, Keys | None]:
            w = {name: weight.astype(self.compute_dtype) for name, weight in weights.items()}
            x_BGTD, keys = block(
                self.config, w, x_BGTD, prefix, sight.prefix_length_B, suffix, sight.slot_BGT, sight.rotation, self.mesh
            )
            return x_BGTD, keys if keep else None

        if self.remat != "none":
            # A scan keeps the passes apart by itself; the guard against merging them would only cost time.
            layer = jax.checkpoint(layer, policy=_REMAT[self.remat], prevent_cse=self._loops(prefix, suffix))
        if self._loops(prefix, suffix):
            x_BGTD, keys = self._loop(layer, x_BGTD, prefix, suffix, keep)
        else:
            x_BGTD, keys = jax.lax.scan(lambda x, xs: layer(x, *xs), x_BGTD, (self.layers, prefix, suffix))
        return rms_norm(x_BGTD, self.final_norm_D, self.config.norm_eps), keys

    def _loops(self, *caches: KVCache | None) -> bool:
        return isinstance(self.layers, tuple) or any(cache is not None and cache.is_unrolled for cache in caches)

    def _loop(
        self, layer: Callable[..., Any], x_BGTD: jax.Array, prefix: KVCache | None, suffix: KVCache | None, keep: bool
    ) -> tuple[jax.Array, Any]:
        count = self.config.num_layers
        weights = self.layers if isinstance(self.layers, tuple) else _cut(self.layers, count)
        keys = []
        for number in range(count):
            x_BGTD, own = layer(x_BGTD, weights[number], _of_layer(prefix, number), _of_layer(suffix, number))
            keys.append(own)
        if not keep:
            return x_BGTD, None
        k, v = zip(*keys, strict=True)
        return x_BGTD, (k, v) if suffix is not None and suffix.is_unrolled else (jnp.stack(k), jnp.stack(v))


def _cut(layers: dict[str, jax.Array], count: int) -> tuple[dict[str, jax.Array], ...]:
    return tuple({name: weight[number] for name, weight in layers.items()} for number in range(count))


def _of_layer(cache: KVCache | None, number: int) -> Keys | None:
    return None if cache is None else Keys(cache.k[number], cache.v[number])
