"""RMSNorm, plain (Qwen3) and zero-centred (Qwen3.5).

x / sqrt(mean(x^2) + eps) * weight,   zero-centred: * (1 + weight)
"""

import chex
import jax
import jax.numpy as jnp


def rms_norm(x_D: jax.Array, weight_D: jax.Array, eps: float, *, zero_centred: bool = False) -> jax.Array:
    """Normalise the last axis of [..., D] by a weight [D]; the mean is float32, and so is a zero-centred product.

    Raises AssertionError for wrong shapes or dtypes.
    """
    chex.assert_rank(weight_D, 1)
    chex.assert_axis_dimension(x_D, -1, weight_D.shape[0])
    chex.assert_type([x_D, weight_D], float)
    x32_D = x_D.astype(jnp.float32)
    x32_D = x32_D * jax.lax.rsqrt(jnp.mean(jnp.square(x32_D), axis=-1, keepdims=True) + eps)
    if zero_centred:
        return (x32_D * (1.0 + weight_D.astype(jnp.float32))).astype(x_D.dtype)
    return x32_D.astype(x_D.dtype) * weight_D.astype(x_D.dtype)
