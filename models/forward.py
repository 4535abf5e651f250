"""The forward pass, from tokens to hidden states and caches: one code for sampling, recomputation and training.

`prefill` runs each group's prompt once; `extend` runs what members add to it, a chunk in training, one token at a time
in decoding. Both run the same stack of blocks and differ only in what a token attends to. Axes are those of `cache.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import chex
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jax.sharding import Mesh

from models.adapters import parameters
from models.block import AttentionContext, block
from models.cache import (
    Keys,
    KVCache,
    LayerCache,
    LayerCaches,
    Prefix,
    check_cache,
    index_among_kind,
    join_layers,
    layer_cache,
    map_cache,
)
from models.config import ModelConfig
from models.errors import ModelError
from models.experts import Routing
from models.fast_attention import Kernel
from models.logprobs import logits
from models.norm import rms_norm
from models.rope import rotation
from models.sharding import constrain, gathered

_REMAT: dict[str, Callable[..., bool] | None] = {
    # Saves products with weights; attention scores (products with batch axes) are recomputed.
    "dots": jax.checkpoint_policies.checkpoint_dots_with_no_batch_dims,
    "full": None,
    # Saves as little as "full", a layer's input, and offloads it to the host's memory.
    "offload": jax.checkpoint_policies.save_and_offload_only_these_names(
        names_which_can_be_saved=[],
        names_which_can_be_offloaded=["layer_input"],
        offload_src="device",
        offload_dst="pinned_host",
    ),
}
# Never cast to the compute dtype: exponents of a recurrence, whose rounding would accumulate over a sequence, and the
# weight of a norm that is computed in float32.
EXACT = {"decay_log", "step_bias", "final_norm_D"}

STATIC = {"static": True}
"""Metadata of fields that are part of the compilation key instead of traced arrays."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Forward:
    """A decoder's weights as plain arrays and its forward pass; a pytree that compiled functions take as argument."""

    config: ModelConfig = field(metadata=STATIC)
    layers: dict[str, jax.Array] | tuple[dict[str, jax.Array], ...]
    """Weights by name, each with a leading layer axis; or, unrolled, one dict per layer."""
    embedding_VD: jax.Array
    final_norm_D: jax.Array
    unembedding_VD: jax.Array
    compute_dtype: Any = field(metadata=STATIC)
    remat: str = field(metadata=STATIC)
    mesh: Mesh | None = field(metadata=STATIC)
    kernel: Kernel | None = field(metadata=STATIC)
    """Attention kernel for whole prompts and suffixes; None for the einsum form."""

    def prefill(self, tokens_BP: jax.Array, length_B: jax.Array) -> tuple[jax.Array, KVCache]:
        """Encode right-padded prompts [B, P], of which the first `length_B` tokens are real.

        Returns hidden states [B, P, D] after the final norm, and the stacked prefix cache. Padding does not affect real
        positions: attention is causal and recurrent states skip padding. Hidden states and keys of padding are
        meaningless. Raises AssertionError for wrong ranks, shapes or dtypes.
        """
        chex.assert_rank(tokens_BP, 2)
        chex.assert_shape(length_B, tokens_BP.shape[:1])
        chex.assert_type([tokens_BP, length_B], int)
        position_B1P = jnp.broadcast_to(jnp.arange(tokens_BP.shape[1]), tokens_BP.shape)[:, None]
        starts_B1 = jnp.ones(position_B1P.shape[:2], bool)
        is_real_B1P = position_B1P < jnp.asarray(length_B)[:, None, None]
        rotation_B1P = self._rotation(position_B1P)
        context = AttentionContext(None, position_B1P, rotation_B1P, is_real_B1P, starts_B1, kernel=self.kernel)
        hidden_B1PD, cache, _ = self._run(tokens_BP[:, None], None, None, context, keep_cache=True)
        assert cache is not None, "keep_cache is set"
        return hidden_B1PD[:, 0], map_cache(lambda x: x[:, :, 0], cache)

    def extend(
        self,
        tokens_BGT: jax.Array,
        prefix: Prefix | None,
        suffix: KVCache | None,
        suffix_length_BG: jax.Array,
        count_BG: jax.Array | None = None,
        begin_BGT: jax.Array | None = None,
    ) -> tuple[jax.Array, KVCache | None]:
        """Run T further tokens of every member; token t has position prefix length + suffix length + t.

        Args:
            tokens_BGT: the tokens.
            prefix: the groups' encoded prompts; a query sees its group's first `length_B` keys. None: no prompt.
            suffix: the members' suffix cache. New keys are written at each member's own slots, from its suffix length
                on; keys beyond the last slot are dropped, and keys of padding at a chunk's end are overwritten by later
                tokens. A query sees the slots up to its own, suffix length + t. None, as in training: members attend
                to the chunk's own keys and `suffix_length_BG` must be zeros.
            suffix_length_BG: tokens already in the suffix cache. A member with length 0 starts from its prefix's
                recurrent state.
            count_BG: real tokens at the start of each chunk; only these update a recurrent state, which cannot be
                overwritten later. None: all tokens that have a slot. A member must continue from where it stopped.
            begin_BGT: without a suffix cache, rows may hold several members: the slot of the first token of each
                token's own member. A token sees no earlier slot, and its position counts from there.

        Returns:
            Hidden states [B, G, T, D] after the final norm, and the updated cache in the form in which it was passed
            (None for None).

        Raises:
            ModelError: if members share rows in a model with recurrent states, or with a suffix cache.
            AssertionError: for wrong ranks, shapes or dtypes.
        """
        context = self._context(tokens_BGT, prefix, suffix, suffix_length_BG, count_BG, begin_BGT)
        cache = None if prefix is None else prefix.cache
        hidden_BGTD, suffix, _ = self._run(tokens_BGT, cache, suffix, context, keep_cache=suffix is not None)
        return hidden_BGTD, suffix

    def routed(
        self, tokens_BGT: jax.Array, prefix: Prefix, counted_BGT: jax.Array, begin_BGT: jax.Array | None = None
    ) -> tuple[jax.Array, Routing]:
        """Run `extend` without a suffix cache, and count each layer's routing of the tokens under a mask (for a loss).

        Raises ModelError for a model without experts, and AssertionError for wrong ranks, shapes or dtypes.
        """
        if not self.config.num_experts:
            raise ModelError("this model has no experts (num_experts is 0): use extend")
        length_BG = jnp.zeros(tokens_BGT.shape[:2], jnp.int32)
        context = self._context(tokens_BGT, prefix, None, length_BG, None, begin_BGT)
        context = context._replace(counted_BGT=counted_BGT)
        hidden_BGTD, _, routing = self._run(tokens_BGT, prefix.cache, None, context, keep_cache=False)
        assert routing is not None, "a mask is set"
        return hidden_BGTD, routing

    def logits(self, hidden_D: jax.Array) -> jax.Array:
        """Return float32 logits [..., V] of hidden states [..., D]."""
        return logits(hidden_D, self.unembed_VD)

    @property
    def unembed_VD(self) -> jax.Array:
        """The matrix from hidden states to logits, in the compute dtype."""
        return self.unembedding_VD[: self.config.vocab_size].astype(self.compute_dtype)

    def unrolled(self) -> "Forward":
        """Cut weights into layers and cast them beforehand, so that a loop around `extend` copies none at each step."""
        if isinstance(self.layers, tuple):
            return self
        return replace(
            self,
            layers=self._cut(self._cast(self.layers), self.config.num_layers),
            embedding_VD=self.embedding_VD.astype(self.compute_dtype),
            unembedding_VD=self.unembed_VD,
        )

    def stacked(self) -> "Forward":
        """Stack weights on a leading layer axis: a scan over them is a smaller program but copies unrolled weights."""
        if not isinstance(self.layers, tuple):
            return self
        names = {name: None for layer in self.layers for name in layer}
        rows = {name: [layer[name] for layer in self.layers if name in layer] for name in names}
        return replace(self, layers={name: jnp.stack(row) for name, row in rows.items()})

    def _cast(self, weights: dict[str, jax.Array]) -> dict[str, jax.Array]:
        return {name: w if name in EXACT else w.astype(self.compute_dtype) for name, w in weights.items()}

    def _pinned(self, weights: dict[str, jax.Array], pin: Callable[..., jax.Array]) -> dict[str, jax.Array]:
        """Pin one layer's weights to the mesh with `pin`: `constrain` leaves them sharded, `gathered` gathers them."""
        axes = {row.path[-1]: row.axes[1:] for row in parameters(self.config) if row.is_stacked}
        return {name: pin(w, self.mesh, axes[name]) for name, w in weights.items()}

    def _rotation(self, position_BGT: jax.Array) -> Any:
        config = self.config
        return rotation(config.rope_theta, config.rotary_dims, config.rope_scaling, position_BGT)

    def _context(
        self,
        tokens_BGT: jax.Array,
        prefix: Prefix | None,
        suffix: KVCache | None,
        suffix_length_BG: jax.Array,
        count_BG: jax.Array | None,
        begin_BGT: jax.Array | None,
    ) -> AttentionContext:
        _check_chunk(tokens_BGT, prefix, suffix, suffix_length_BG, count_BG, begin_BGT)
        step_T = jnp.arange(tokens_BGT.shape[-1])
        slot_BGT = suffix_length_BG[..., None] + step_T
        is_real_BGT = slot_BGT >= 0 if suffix is None else slot_BGT < suffix.num_slots
        if count_BG is not None:
            is_real_BGT &= step_T < count_BG[..., None]
        if begin_BGT is not None and (suffix is not None or self.config.is_hybrid):
            raise ModelError(
                "members cannot share rows (row buckets) with a suffix cache or linear attention, whose state would "
                "run from one member into the next: give each member its own row"
            )
        position_BGT = slot_BGT if begin_BGT is None else slot_BGT - begin_BGT
        length_B = None if prefix is None else prefix.length_B
        if length_B is not None:
            position_BGT = length_B[:, None, None] + position_BGT
        rotation, starts_BG = self._rotation(position_BGT), suffix_length_BG == 0
        return AttentionContext(
            length_B, slot_BGT, rotation, is_real_BGT, starts_BG, begin_BGT=begin_BGT, kernel=self.kernel
        )

    def _run(
        self,
        tokens_BGT: jax.Array,
        prefix: KVCache | None,
        suffix: KVCache | None,
        context: AttentionContext,
        keep_cache: bool,
    ) -> tuple[jax.Array, KVCache | None, Routing | None]:
        """Embed, run all layers, normalise. The returned cache is unrolled if the suffix cache is, else stacked."""
        x_BGTD = jnp.take(self.embedding_VD, tokens_BGT, axis=0).astype(self.compute_dtype)
        # Each device looks up its part of the width, then exchanges it for the whole width of its own groups.
        for axes in (("looked_up", None, None, "embed"), ("batch", None, None, None)):
            x_BGTD = constrain(x_BGTD, self.mesh, axes)
        loops = isinstance(self.layers, tuple) or any(
            cache is not None and cache.is_unrolled for cache in (prefix, suffix)
        )

        def layer(
            x_BGTD: jax.Array, weights: Any, caches: LayerCaches
        ) -> tuple[jax.Array, LayerCache | None, Routing | None]:
            w = self._cast(weights)
            # Without rematerialisation gathered weights would be saved for the backward pass.
            if self.remat != "none" and not loops:
                w = self._pinned(w, gathered)
            x_BGTD = checkpoint_name(x_BGTD, "layer_input")
            x_BGTD, cache, routing = block(self.config, w, x_BGTD, caches, context, self.mesh)
            return x_BGTD, cache if keep_cache else None, routing

        if self.remat != "none":
            # A scan keeps forward and backward pass apart by itself; preventing CSE would only cost time.
            layer = jax.checkpoint(layer, policy=_REMAT[self.remat], prevent_cse=loops)
        if loops:
            weights = self.layers if isinstance(self.layers, tuple) else self._cut(self.layers, self.config.num_layers)
            unrolled = suffix is not None and suffix.is_unrolled
            x_BGTD, cache, routing = self._loop(layer, x_BGTD, weights, prefix, suffix, unrolled)
        else:
            x_BGTD, cache, routing = self._scan(layer, x_BGTD, prefix, suffix)
        hybrid = self.config.is_hybrid
        return rms_norm(x_BGTD, self.final_norm_D, self.config.norm_eps, zero_centred=hybrid), cache, routing

    def _loop(
        self,
        layer: Callable[..., Any],
        x_BGTD: jax.Array,
        weights: tuple[dict[str, jax.Array], ...],
        prefix: KVCache | None,
        suffix: KVCache | None,
        unrolled: bool,
    ) -> tuple[jax.Array, KVCache | None, Routing | None]:
        """Run layers one after the other, and join their caches and routing."""
        caches, routings = [], []
        for number, w in enumerate(weights):
            before = LayerCaches(layer_cache(self.config, prefix, number), layer_cache(self.config, suffix, number))
            x_BGTD, cache, routing = layer(x_BGTD, w, before)
            caches.append(cache)
            routings.append(routing)
        joined = None if caches[0] is None else join_layers(caches, unrolled=unrolled)
        return x_BGTD, joined, None if routings[0] is None else jax.tree.map(lambda *x: jnp.stack(x), *routings)

    def _scan(
        self, layer: Callable[..., Any], x_BGTD: jax.Array, prefix: KVCache | None, suffix: KVCache | None
    ) -> tuple[jax.Array, KVCache | None, Routing | None]:
        """Scan over periods of layers: one layer, or in a hybrid the layers up to the next with full attention."""
        every = self.config.full_attention_every
        if every == 1:

            def keys_of(cache: Any) -> Keys | None:
                return None if cache is None else Keys(cache.k, cache.v)

            def scan_layer(x_BGTD: jax.Array, xs: Any) -> Any:
                weights, prefix, suffix = xs
                x_BGTD, keys, routing = layer(x_BGTD, weights, LayerCaches(keys_of(prefix), keys_of(suffix)))
                return x_BGTD, (keys, routing)

            x_BGTD, (keys, routing) = jax.lax.scan(scan_layer, x_BGTD, (self.layers, prefix, suffix))
            return x_BGTD, None if keys is None else KVCache(keys.k, keys.v), routing

        def scan_period(x_BGTD: jax.Array, xs: Any) -> Any:
            weights, prefix, suffix = xs
            # Saved for the backward pass: sharded as they are stored, not gathered.
            pinned = tuple(self._pinned(w, constrain) for w in self._cut(weights, every))
            x_BGTD, cache, _ = self._loop(layer, x_BGTD, pinned, prefix, suffix, unrolled=False)
            return x_BGTD, cache

        periods = self.config.num_full_layers
        split = partial(jax.tree.map, lambda x: x.reshape(periods, -1, *x.shape[1:]))
        x_BGTD, cache = jax.lax.scan(scan_period, x_BGTD, split((self.layers, prefix, suffix)))
        return x_BGTD, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), cache), None

    def _cut(self, layers: dict[str, jax.Array], count: int) -> tuple[dict[str, jax.Array], ...]:
        """Cut stacked weights into those of each of `count` layers."""
        config = self.config
        numbers = {row.path[-1]: row.layer_numbers(config) for row in parameters(config) if row.is_stacked}
        return tuple(
            {
                name: weight[number if len(numbers[name]) == config.num_layers else index_among_kind(config, number)]
                for name, weight in layers.items()
                if number in numbers[name]
            }
            for number in range(count)
        )


def _check_chunk(
    tokens_BGT: jax.Array,
    prefix: Prefix | None,
    suffix: KVCache | None,
    suffix_length_BG: jax.Array,
    count_BG: jax.Array | None,
    begin_BGT: jax.Array | None,
) -> None:
    chex.assert_rank(tokens_BGT, 3)
    expected = [(tokens_BGT, tokens_BGT.shape), (suffix_length_BG, tokens_BGT.shape[:2])]
    if prefix is not None:
        check_cache(prefix.cache, tokens_BGT.shape[:1])
        expected.append((prefix.length_B, tokens_BGT.shape[:1]))
    if suffix is not None:
        check_cache(suffix, tokens_BGT.shape[:2])
    if count_BG is not None:
        expected.append((count_BG, tokens_BGT.shape[:2]))
    if begin_BGT is not None:
        expected.append((begin_BGT, tokens_BGT.shape))
    for array, shape in expected:
        chex.assert_shape(array, shape)
        chex.assert_type(array, int)
