"""Conversion of trained parameters to sampling weights: in the compute dtype, sharded as on the sampler's mesh.

Done once per step. Otherwise every turn and every tool answer would cast all weights again, and gather fsdp's shards.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.sharding import Mesh
from jax.typing import DTypeLike

from models.config import ModelConfig
from models.forward import EXACT
from models.sharding import param_shardings


def sampling_weights(config: ModelConfig, params: Any, compute_dtype: DTypeLike, mesh: Mesh | None) -> Any:
    """Convert `params` for a decoder with this dtype on this mesh; arrays that already match are not copied.

    Raises ModelError if the model does not divide over the mesh.
    """
    flat = list(nnx.to_flat_state(params))
    to_cast = [
        index for index, (path, param) in enumerate(flat) if path[-1] not in EXACT and param[...].dtype != compute_dtype
    ]
    weights = [flat[index][1][...] for index in to_cast]
    for index, weight in zip(to_cast, _cast(weights, jnp.dtype(compute_dtype)) if weights else (), strict=True):
        path, param = flat[index]
        flat[index] = path, param.replace(weight)
    tree = nnx.from_flat_state(flat)
    return tree if mesh is None else jax.device_put(tree, param_shardings(config, tree, mesh))


@partial(jax.jit, static_argnums=1)
def _cast(weights: list[jax.Array], dtype: Any) -> list[jax.Array]:
    return [weight.astype(dtype) for weight in weights]
