"""The decoder as a Flax NNX module: Qwen3, its mixtures of experts, Qwen3.5, Qwen2.5 and Llama-shaped models.

The module holds weights and settings; `forward.py` computes. Layers of one kind are stacked on a leading axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh
from jax.typing import DTypeLike

from models.adapters import Adapter, adapters, initial_value
from models.cache import KVCache, Prefix
from models.config import ModelConfig
from models.errors import ModelError
from models.experts import Routing
from models.fast_attention import choose
from models.forward import Forward
from models.sharding import check_divides
from models.weight_table import tensors

Remat = Literal["none", "dots", "full", "offload"]
_INIT_STDDEV = 0.02


@dataclass(frozen=True)
class Compute:
    """Settings of a decoder's computation."""

    dtype: DTypeLike | None = None
    """Dtype of matrix products, which accumulate in float32, as do norms and softmax. None: the parameters' dtype."""
    remat: str = "none"
    """Recomputation in the backward pass: "none", "dots" (all but products with weights), "full", or "offload" (as
    full, with layers' inputs offloaded to host memory)."""
    attention: str = "auto"
    """Form of attention: "reference" (einsum), "fast" (the platform's kernel), or "auto" (the kernel if it exists)."""


def check_offload(devices: Sequence[jax.Device]) -> None:
    """Raise ModelError if activations cannot be offloaded: the devices need the memory kind `pinned_host`."""
    device = devices[0]
    kinds = sorted(memory.kind for memory in device.addressable_memories())
    if "pinned_host" not in kinds:
        raise ModelError(
            f"remat 'offload' needs devices with pinned_host memory (GPUs and TPUs); "
            f"{device.platform} has {', '.join(kinds)}: use 'full'"
        )


class Decoder(nnx.Module):
    """A causal language model: `prefill` encodes prefixes, `extend` everything that follows.

    Parameters are initialised at random: weights normal with standard deviation 0.02, norms to identity, biases to
    zero, decay rates uniform between 0.01 and 16.

    Args:
        config: the architecture.
        rngs: its `params` stream draws the weights.
        param_dtype: dtype of the parameters.
        mesh: the mesh that activations are pinned to; None for one device.
        compute: settings of the computation (default: `Compute()`).

    Raises:
        ModelError: for an unknown setting, remat "offload" or attention "fast" where there is none, and a mesh that
            does not divide the model.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        rngs: nnx.Rngs,
        param_dtype: DTypeLike = jnp.float32,
        mesh: Mesh | None = None,
        compute: Compute | None = None,
    ) -> None:
        compute = compute or Compute()
        if compute.remat not in get_args(Remat):
            raise ModelError(f"remat {compute.remat!r} is unknown: expected one of {', '.join(get_args(Remat))}")
        if compute.remat == "offload":
            check_offload(jax.devices() if mesh is None else list(mesh.devices.flat))
        if mesh is not None:
            check_divides(config, mesh)
        self.config = config
        self.compute_dtype = jnp.dtype(param_dtype if compute.dtype is None else compute.dtype)
        self.remat = compute.remat
        self.mesh = mesh
        self.attention = compute.attention
        self.kernel = choose(self.attention, config.head_dim, self.compute_dtype, mesh)
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
                layers[tensor.path[-1]] = Adapter(jnp.asarray(initial_value(config, tensor)))
        self.embedding_VD = params["embedding_VD"]
        self.final_norm_D = params["final_norm_D"]
        if not config.tie_embeddings:
            self.unembedding_VD = params["unembedding_VD"]
        self.layers = nnx.Dict(layers)

    @property
    def compute(self) -> Compute:
        """The settings of the computation."""
        return Compute(self.compute_dtype, self.remat, self.attention)

    def move(self, mesh: Mesh | None) -> None:
        """Compute on another mesh from now on; parameters are not moved.

        Raises ModelError if the mesh does not divide the model.
        """
        if mesh is not None:
            check_divides(self.config, mesh)
        self.mesh, self.kernel = mesh, choose(self.attention, self.config.head_dim, self.compute_dtype, mesh)

    def param(self, path: tuple[str, ...]) -> nnx.Param:
        """Return the parameter at a path of the weight table."""
        return self.layers[path[1]] if path[0] == "layers" else getattr(self, path[0])

    def prefill(self, tokens_BP: jax.Array, length_B: jax.Array) -> tuple[jax.Array, KVCache]:
        """Encode right-padded prompts, once per group; see `Forward.prefill`."""
        return self.forward().prefill(tokens_BP, length_B)

    def extend(
        self,
        tokens_BGT: jax.Array,
        prefix: Prefix | None,
        suffix: KVCache | None,
        suffix_length_BG: jax.Array,
        count_BG: jax.Array | None = None,
        begin_BGT: jax.Array | None = None,
    ) -> tuple[jax.Array, KVCache | None]:
        """Run members' next tokens; see `Forward.extend`."""
        return self.forward().extend(tokens_BGT, prefix, suffix, suffix_length_BG, count_BG, begin_BGT)

    def routed(
        self, tokens_BGT: jax.Array, prefix: Prefix, counted_BGT: jax.Array, begin_BGT: jax.Array | None = None
    ) -> tuple[jax.Array, Routing]:
        """Run members' whole suffixes and count the routing among experts; see `Forward.routed`."""
        return self.forward().routed(tokens_BGT, prefix, counted_BGT, begin_BGT)

    def logits(self, hidden_D: jax.Array) -> jax.Array:
        """Return float32 logits [..., V] of hidden states [..., D]."""
        return self.forward().logits(hidden_D)

    @property
    def unembed_VD(self) -> jax.Array:
        """The matrix from hidden states to logits, in the compute dtype; the embedding if they are tied."""
        return self.forward().unembed_VD

    def forward(self) -> Forward:
        """Return the forward pass over the stacked weights."""
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
        """Return the forward pass over weights cut into layers and cast beforehand, for loops of many small steps."""
        return self.forward().unrolled()
