"""Tokens -> hidden states and memories: the only forward code, for sampling, recomputation and training.

`prefill` runs each group's prompt once; `extend` runs what members add, a chunk in training, one token at a time in
decoding. Both are the same stack of blocks; they differ in what a token sees. Axes are those of `cache.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jax.sharding import Mesh

from models.adapters import parameters
from models.block import Sight, block
from models.cache import Keys, KVCache, Memory, cache_of, each_kind, memory_of, place_of
from models.config import ModelConfig
from models.errors import ModelError
from models.experts import Routing
from models.fast_attention import Kernel
from models.logprobs import logits
from models.norm import rms_norm
from models.rope import rotation
from models.sharding import constrain, gathered

_REMAT: dict[str, Callable[..., bool] | None] = {
    # Keeps products with weights; attention scores (products with batch axes) are computed again.
    "dots": jax.checkpoint_policies.checkpoint_dots_with_no_batch_dims,
    "full": None,
    # Keeps as little as "full", and that little, a layer's input, in the host's memory.
    "offload": jax.checkpoint_policies.save_and_offload_only_these_names(
        names_which_can_be_saved=[],
        names_which_can_be_offloaded=["layer_input"],
        offload_src="device",
        offload_dst="pinned_host",
    ),
}
# Exponents of a recurrence, whose rounding would add up over a sequence, and what a norm in float32 multiplies by.
EXACT = {"decay_log", "step_bias", "final_norm_D"}

STATIC = {"static": True}
"""Marks fields that compiled functions are compiled for."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Forward:
    """A decoder's weights as plain arrays, and its computation. Compiled functions take it as an argument."""

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
    """What attends over whole prompts and suffixes; None for the form that runs everywhere."""

    def prefill(self, tokens_BP: jax.Array, length_B: jax.Array) -> tuple[jax.Array, KVCache]:
        """Encode prompts [B, P] whose first `length_B` tokens are real.

        Returns hidden states [B, P, D] after the final norm and the stacked prefix cache. Padding stands to the right,
        so causality keeps it from real positions, and a recurrent state takes in real tokens only; padding's own hidden
        states and keys mean nothing.
        """
        position_B1P = jnp.broadcast_to(jnp.arange(tokens_BP.shape[1]), tokens_BP.shape)[:, None]
        starts_B1 = jnp.ones(position_B1P.shape[:2], bool)
        is_real_B1P = position_B1P < jnp.asarray(length_B)[:, None, None]
        turn = self._rotation(position_B1P)
        sight = Sight(None, position_B1P, turn, is_real_B1P, starts_B1, kernel=self.kernel)
        hidden_B1PD, cache, _ = self._run(tokens_BP[:, None], None, None, sight, keep=True)
        assert cache is not None, "it was asked to be kept"
        return hidden_B1PD[:, 0], each_kind(lambda x: x[:, :, 0], cache)

    def extend(
        self,
        tokens_BGT: jax.Array,
        prefix: KVCache | None,
        prefix_length_B: jax.Array,
        suffix: KVCache | None,
        suffix_length_BG: jax.Array,
        count_BG: jax.Array | None = None,
        begin_BGT: jax.Array | None = None,
    ) -> tuple[jax.Array, KVCache | None]:
        """Run T further tokens of every member; token t stands at position prefix_length + suffix_length + t.

        A query sees the first `prefix_length_B` keys of its group's prefix and the suffix slots up to its own,
        suffix_length + t. Without a suffix cache (None) the keys are the chunk's own and `suffix_length_BG` must be
        zeros: the form for training. With one, new keys are written at the members' own slots; what lies beyond the
        last slot is dropped, and padding at a chunk's end leaves keys that later tokens overwrite. Without a prefix
        (None) its lengths must be zeros.

        A recurrent state cannot be overwritten: of a chunk with padding at its end it takes in the first `count_BG`
        tokens (None: all that have a slot), and a member may only go on from where it stopped. A member with suffix
        length 0 starts from its prefix's state.

        In the form for training several members may stand in one row: `begin_BGT` is then the slot of the first token
        of each token's own member. A token sees no slot before it, and positions count from it.

        Returns hidden states [B, G, T, D] after the final norm and the updated cache in the form it came in (None for
        None). Raises ModelError for members that share rows where a state would run from one into the next.
        """
        sight = self._sight(tokens_BGT, prefix_length_B, suffix, suffix_length_BG, count_BG, begin_BGT)
        hidden_BGTD, cache, _ = self._run(tokens_BGT, prefix, suffix, sight, keep=suffix is not None)
        return hidden_BGTD, cache

    def routed(
        self,
        tokens_BGT: jax.Array,
        prefix: KVCache,
        prefix_length_B: jax.Array,
        counted_BGT: jax.Array,
        begin_BGT: jax.Array | None = None,
    ) -> tuple[jax.Array, Routing]:
        """`extend` in the form for training, with each layer's routing of the tokens under a mask (for a loss).

        Raises ModelError for a model without experts.
        """
        if not self.config.num_experts:
            raise ModelError("this model has no experts (num_experts is 0): use extend")
        length_BG = jnp.zeros(tokens_BGT.shape[:2], jnp.int32)
        sight = self._sight(tokens_BGT, prefix_length_B, None, length_BG, None, begin_BGT)
        sight = sight._replace(counted_BGT=counted_BGT)
        hidden_BGTD, _, routing = self._run(tokens_BGT, prefix, None, sight, keep=False)
        assert routing is not None, "a mixture counts under a mask"
        return hidden_BGTD, routing

    def logits(self, hidden_D: jax.Array) -> jax.Array:
        """Float32 logits [..., V] of hidden states [..., D]."""
        return logits(hidden_D, self.unembed_VD)

    @property
    def unembed_VD(self) -> jax.Array:
        """The matrix from hidden states to logits, in the compute dtype."""
        return self.unembedding_VD[: self.config.vocab_size].astype(self.compute_dtype)

    def unrolled(self) -> "Forward":
        """The same with weights cut into layers and cast, so that a loop around `extend` copies none at each step."""
        if isinstance(self.layers, tuple):
            return self
        return replace(
            self,
            layers=_cut(self.config, self._cast(self.layers), self.config.num_layers),
            embedding_VD=self.embedding_VD.astype(self.compute_dtype),
            unembedding_VD=self.unembed_VD,
        )

    def stacked(self) -> "Forward":
        """The same with a leading layer axis: a scan over layers is a smaller program, but copies unrolled weights."""
        if not isinstance(self.layers, tuple):
            return self
        names = {name: None for layer in self.layers for name in layer}
        rows = {name: [layer[name] for layer in self.layers if name in layer] for name in names}
        return replace(self, layers={name: jnp.stack(row) for name, row in rows.items()})

    def _cast(self, weights: dict[str, jax.Array]) -> dict[str, jax.Array]:
        return {name: w if name in EXACT else w.astype(self.compute_dtype) for name, w in weights.items()}

    def _pinned(self, weights: dict[str, jax.Array], pin: Callable[..., jax.Array]) -> dict[str, jax.Array]:
        """One layer's weights where `pin` has them on the mesh: in their parts, or gathered."""
        axes = {row.path[-1]: row.axes[1:] for row in parameters(self.config) if row.is_stacked}
        return {name: pin(w, self.mesh, axes[name]) for name, w in weights.items()}

    def _rotation(self, position_BGT: jax.Array) -> Any:
        config = self.config
        return rotation(config.rope_theta, config.rotary_dims, config.rope_scaling, position_BGT)

    def _sight(
        self,
        tokens_BGT: jax.Array,
        prefix_length_B: jax.Array,
        suffix: KVCache | None,
        suffix_length_BG: jax.Array,
        count_BG: jax.Array | None,
        begin_BGT: jax.Array | None,
    ) -> Sight:
        step_T = jnp.arange(tokens_BGT.shape[-1])
        slot_BGT = suffix_length_BG[..., None] + step_T
        is_real_BGT = slot_BGT >= 0 if suffix is None else slot_BGT < suffix.num_slots
        if count_BG is not None:
            is_real_BGT &= step_T < count_BG[..., None]
        if begin_BGT is not None and (suffix is not None or self.config.is_hybrid):
            raise ModelError(
                "members cannot share rows (row buckets): a suffix cache, or linear attention, runs a state through a "
                "row; give each member its own"
            )
        own_BGT = slot_BGT if begin_BGT is None else slot_BGT - begin_BGT
        turn, starts_BG = self._rotation(prefix_length_B[:, None, None] + own_BGT), suffix_length_BG == 0
        return Sight(prefix_length_B, slot_BGT, turn, is_real_BGT, starts_BG, begin_BGT=begin_BGT, kernel=self.kernel)

    def _run(
        self, tokens_BGT: jax.Array, prefix: KVCache | None, suffix: KVCache | None, sight: Sight, keep: bool
    ) -> tuple[jax.Array, KVCache | None, Routing | None]:
        """Embed, run all layers, normalise. The cache comes back stacked, or unrolled if the suffix cache is."""
        x_BGTD = jnp.take(self.embedding_VD, tokens_BGT, axis=0).astype(self.compute_dtype)
        # Each device looks its part of the width up, and then trades it for the whole width of its own groups.
        for axes in (("looked_up", None, None, "embed"), ("batch", None, None, None)):
            x_BGTD = constrain(x_BGTD, self.mesh, axes)
        loops = isinstance(self.layers, tuple) or any(
            cache is not None and cache.is_unrolled for cache in (prefix, suffix)
        )

        def layer(
            x_BGTD: jax.Array, weights: Any, prefix: Memory | None, suffix: Memory | None
        ) -> tuple[jax.Array, Memory | None, Routing | None]:
            w = self._cast(weights)
            # Where the backward pass does not compute again, what is gathered would be kept for it.
            if self.remat != "none" and not loops:
                w = self._pinned(w, gathered)
            x_BGTD = checkpoint_name(x_BGTD, "layer_input")
            x_BGTD, memory, routing = block(self.config, w, x_BGTD, prefix, suffix, sight, self.mesh)
            return x_BGTD, memory if keep else None, routing

        if self.remat != "none":
            # A scan keeps the passes apart by itself; the guard against merging them would only cost time.
            layer = jax.checkpoint(layer, policy=_REMAT[self.remat], prevent_cse=loops)
        if loops:
            unrolled = suffix is not None and suffix.is_unrolled
            x_BGTD, cache, routing = self._loop(
                layer, x_BGTD, self.layers, prefix, suffix, self.config.num_layers, unrolled
            )
        else:
            x_BGTD, cache, routing = self._scan(layer, x_BGTD, prefix, suffix)
        hybrid = self.config.is_hybrid
        return rms_norm(x_BGTD, self.final_norm_D, self.config.norm_eps, zero_centred=hybrid), cache, routing

    def _loop(
        self,
        layer: Callable[..., Any],
        x_BGTD: jax.Array,
        layers: Any,
        prefix: KVCache | None,
        suffix: KVCache | None,
        count: int,
        unrolled: bool,
    ) -> tuple[jax.Array, KVCache | None, Routing | None]:
        """`count` layers one after the other; their memories and routing as one."""
        weights = layers if isinstance(layers, tuple) else _cut(self.config, layers, count)
        memories, routings = [], []
        for number in range(count):
            own = (memory_of(self.config, cache, number) for cache in (prefix, suffix))
            x_BGTD, memory, routing = layer(x_BGTD, weights[number], *own)
            memories.append(memory)
            routings.append(routing)
        cache = None if memories[0] is None else cache_of(memories, unrolled=unrolled)
        return x_BGTD, cache, None if routings[0] is None else jax.tree.map(lambda *x: jnp.stack(x), *routings)

    def _scan(
        self, layer: Callable[..., Any], x_BGTD: jax.Array, prefix: KVCache | None, suffix: KVCache | None
    ) -> tuple[jax.Array, KVCache | None, Routing | None]:
        """All layers by a scan over periods: one layer, or in a hybrid those up to the next with full attention."""
        every = self.config.full_attention_every
        if every == 1:

            def one(x_BGTD: jax.Array, xs: Any) -> Any:
                weights, prefix, suffix = xs
                own = (None if cache is None else Keys(cache.k, cache.v) for cache in (prefix, suffix))
                x_BGTD, memory, routing = layer(x_BGTD, weights, *own)
                return x_BGTD, (memory, routing)

            x_BGTD, (keys, routing) = jax.lax.scan(one, x_BGTD, (self.layers, prefix, suffix))
            return x_BGTD, None if keys is None else KVCache(*keys), routing

        def period(x_BGTD: jax.Array, xs: Any) -> Any:
            weights, prefix, suffix = xs
            # Kept for the backward pass: in parts, as they lie, and not gathered.
            own = tuple(self._pinned(w, constrain) for w in _cut(self.config, weights, every))
            x_BGTD, cache, _ = self._loop(layer, x_BGTD, own, prefix, suffix, every, False)
            return x_BGTD, cache

        periods = self.config.num_full_layers
        cut = partial(jax.tree.map, lambda x: x.reshape(periods, -1, *x.shape[1:]))
        x_BGTD, cache = jax.lax.scan(period, x_BGTD, cut((self.layers, prefix, suffix)))
        return x_BGTD, jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), cache), None


def _cut(config: ModelConfig, layers: dict[str, jax.Array], count: int) -> tuple[dict[str, jax.Array], ...]:
    """Stacked weights -> those of each of `count` layers."""
    numbers = {tensor.path[-1]: tensor.layer_numbers(config) for tensor in parameters(config) if tensor.is_stacked}
    return tuple(
        {
            name: weight[number if len(numbers[name]) == config.num_layers else place_of(config, number)]
            for name, weight in layers.items()
            if number in numbers[name]
        }
        for number in range(count)
    )
