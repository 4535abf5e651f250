"""Parameters of a decoder (Qwen3, its mixtures, Qwen3.5, Qwen2.5, Llama-shaped) as one Flax NNX module.

The module holds weights and says how to compute; `forward.py` computes. All layers of one kind are stacked on a leading
axis.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh
from jax.typing import DTypeLike

from models.adapters import Adapter, adapters, fresh
from models.cache import KVCache
from models.config import ModelConfig
from models.errors import ModelError
from models.experts import Routing
from models.fast_attention import choose
from models.forward import Forward
from models.sharding import check_divides
from models.weight_table import tensors

Remat = Literal["none", "dots", "full", "offload"]
_INIT_STDDEV = 0.02


def check_offload(devices: Sequence[jax.Device]) -> None:
    """Raise ModelError where activations cannot wait in the host's memory: the devices must reach `pinned_host`."""
    device = devices[0]
    kinds = sorted(memory.kind for memory in device.addressable_memories())
    if "pinned_host" not in kinds:
        raise ModelError(
            f"remat 'offload' needs a device that reaches the host's memory (pinned_host: GPUs and TPUs); "
            f"{device.platform} has {', '.join(kinds)}: use 'full'"
        )


class Decoder(nnx.Module):
    """A causal language model: `prefill` encodes prefixes, `extend` everything that follows.

    Parameters are random, as for a new model: normal with deviation 0.02, norms neutral, biases zero, rates of decay
    between 0.01 and 16.

    Args:
        config: the architecture.
        rngs: its `params` stream draws the weights.
        param_dtype: what the parameters are kept in.
        compute_dtype: what matrix products take in; they, norms and softmax accumulate in float32.
        remat: what the backward pass computes again: "none", "dots" (all but products with weights), "full",
            "offload" (as full, and layers' inputs wait in the host's memory). Raises ModelError where it cannot be.
        mesh: where activations are pinned to; None for one device. Raises ModelError if the model does not divide.
        attention: "reference" for the einsum form, "fast" for the platform's kernel (raises ModelError where there is
            none), "auto" for the kernel where there is one.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        rngs: nnx.Rngs,
        param_dtype: DTypeLike = jnp.float32,
        compute_dtype: DTypeLike = jnp.float32,
        remat: str = "none",
        mesh: Mesh | None = None,
        attention: str = "auto",
    ) -> None:
        if remat not in get_args(Remat):
            raise ModelError(f"remat {remat!r} is unknown: expected one of {', '.join(get_args(Remat))}")
        if remat == "offload":
            check_offload(jax.devices() if mesh is None else list(mesh.devices.flat))
        if mesh is not None:
            check_divides(config, mesh)
        self.config = config
        self.compute_dtype = jnp.dtype(compute_dtype)
        self.remat = remat
        self.mesh = mesh
        self.attention = attention
        self.kernel = choose(attention, config.head_dim, compute_dtype, mesh)
        params: dict[str, Any] = {}
        layers: dict[str, Any] = {}
        for tensor in tensors(config):
            shape = tensor.shape(config)
            if tensor.init == "normal":
                value = _INIT_STDDEV * jax.random.normal(rngs.params(), shape, param_dtype)
            elif tensor.init == "decays":
                value = jnp.log(jax.random.uniform(rngs.params(), shape, param_dtype, 0.01, 16.0))
            else:
                value = jnp.full(shape, 1.0 if tensor.init == "ones" else 0.0, param_dtype)
            (layers if tensor.is_stacked else params)[tensor.path[-1]] = nnx.Param(value)
        for _, *pair in adapters(config):
            for tensor in pair:
                layers[tensor.path[-1]] = Adapter(jnp.asarray(fresh(config, tensor)))
        self.embedding_VD = params["embedding_VD"]
        self.final_norm_D = params["final_norm_D"]
        if not config.tie_embeddings:
            self.unembedding_VD = params["unembedding_VD"]
        self.layers = nnx.Dict(layers)

    def move(self, mesh: Mesh | None) -> None:
        """Compute on another mesh from now on; parameters stay where they are. Raises ModelError as for a new one."""
        if mesh is not None:
            check_divides(self.config, mesh)
        self.mesh, self.kernel = mesh, choose(self.attention, self.config.head_dim, self.compute_dtype, mesh)

    def param(self, path: tuple[str, ...]) -> nnx.Param:
        """The parameter at a path of the table of tensors."""
        return self.layers[path[1]] if path[0] == "layers" else getattr(self, path[0])

    def prefill(self, tokens_BP: jax.Array, length_B: jax.Array) -> tuple[jax.Array, KVCache]:
        """Encode right-padded prompts once per group; see `Forward.prefill`."""
        return self.forward().prefill(tokens_BP, length_B)

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
        """Run members' next tokens; see `Forward.extend`."""
        return self.forward().extend(tokens_BGT, prefix, prefix_length_B, suffix, suffix_length_BG, count_BG, begin_BGT)

    def routed(
        self,
        tokens_BGT: jax.Array,
        prefix: KVCache,
        prefix_length_B: jax.Array,
        counted_BGT: jax.Array,
        begin_BGT: jax.Array | None = None,
    ) -> tuple[jax.Array, Routing]:
        """Run members' whole suffixes and say how experts were chosen; see `Forward.routed`."""
        return self.forward().routed(tokens_BGT, prefix, prefix_length_B, counted_BGT, begin_BGT)

    def logits(self, hidden_D: jax.Array) -> jax.Array:
        """Float32 logits [..., V] of hidden states [..., D]."""
        return self.forward().logits(hidden_D)

    @property
    def unembed_VD(self) -> jax.Array:
        """The matrix from hidden states to logits, in the compute dtype; the embedding where it is tied."""
        return self.forward().unembed_VD

    def forward(self) -> Forward:
        """The computation over the stacked weights."""
        embedding_VD = self.embedding_VD[...]
        return Forward(
            config=self.config,
            layers={name: param[...] for name, param in self.layers.items()},
            embedding_VD=embedding_VD,
            final_norm_D=self.final_norm_D[...],
            unembedding_VD=embedding_VD if self.config.tie_embeddings else self.unembedding_VD[...],
            compute_dtype=self.compute_dtype,
            remat=self.remat,
            mesh=self.mesh,
            kernel=self.kernel,
        )

    def unrolled(self) -> Forward:
        """The same computation over weights cut into layers and cast beforehand, for loops of many small steps."""
        return self.forward().unrolled()
