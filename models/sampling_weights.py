"""Parameters as they are trained -> as they sample: in the compute dtype, where the sampler's mesh has them.

Made once a step. Without it every turn and every answer would cast all weights again, and gather what fsdp cuts.
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
    """The tree `params` for a decoder of that dtype on that mesh; arrays that are so already are not copied.

    Raises ModelError if the model does not divide over the mesh.
    """
    flat = list(nnx.to_flat_state(params))
    places = [
        place for place, (path, param) in enumerate(flat) if path[-1] not in EXACT and param[...].dtype != compute_dtype
    ]
    weights = [flat[place][1][...] for place in places]
    for place, weight in zip(places, _cast(weights, jnp.dtype(compute_dtype)) if weights else (), strict=True):
        path, param = flat[place]
        flat[place] = path, param.replace(weight)
    made = nnx.from_flat_state(flat)
    return made if mesh is None else jax.device_put(made, param_shardings(config, made, mesh))


@partial(jax.jit, static_argnums=1)
def _cast(weights: list[jax.Array], dtype: Any) -> list[jax.Array]:
    return [weight.astype(dtype) for weight in weights]
