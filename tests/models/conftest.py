"""Small random models for the tests of `models`."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from models import Decoder, ModelConfig


@pytest.fixture(scope="session")
def make_config() -> Callable[..., ModelConfig]:
    """Make a small architecture whose axes all differ in size, with any field replaced."""

    def make(**changes: Any) -> ModelConfig:
        fields = {
            "vocab_size": 64,
            "hidden_size": 32,
            "num_layers": 2,
            "num_heads": 6,
            "num_kv_heads": 2,
            "head_dim": 8,
        }
        return ModelConfig(**{**fields, "mlp_size": 48, "rope_theta": 100.0, "max_positions": 256, **changes})

    return make


@pytest.fixture(scope="session")
def make_decoder(make_config: Callable[..., ModelConfig]) -> Callable[..., Decoder]:
    """Make a decoder whose every parameter, including norms and biases, differs from its initial value."""

    def make(config: ModelConfig | None = None, **settings: Any) -> Decoder:
        shapes = nnx.eval_shape(lambda: Decoder(config or make_config(), rngs=nnx.Rngs(0), **settings))
        graphdef, params = nnx.split(shapes)
        rng = np.random.default_rng(1)

        def draw(path: Any, like: jax.ShapeDtypeStruct) -> jax.Array:
            centre = 1.0 if "norm" in jax.tree_util.keystr(path) else 0.0
            return jnp.asarray(centre + 0.2 * rng.standard_normal(like.shape), like.dtype)

        return nnx.merge(graphdef, jax.tree_util.tree_map_with_path(draw, params))

    return make


@pytest.fixture(scope="session")
def make_tokens() -> Callable[..., np.ndarray]:
    """Make random tokens below 64 of any shape."""

    def make(*shape: int, seed: int = 0) -> np.ndarray:
        return np.random.default_rng(seed).integers(0, 64, shape, dtype=np.int32)

    return make
