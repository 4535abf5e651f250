"""RMSNorm, plain (Qwen3) and zero-centred (Qwen3.5).

x / sqrt(mean(x^2) + eps) * weight,   zero-centred: * (1 + weight)
"""

import jax
import jax.numpy as jnp


def rms_norm(x_D: jax.Array, weight_D: jax.Array, eps: float, *, zero_centred: bool = False) -> jax.Array:
    """Normalise the last axis; the mean in float32. A zero-centred weight is applied in float32 too."""
    x32_D = x_D.astype(jnp.float32)
    x32_D = x32_D * jax.lax.rsqrt(jnp.mean(jnp.square(x32_D), axis=-1, keepdims=True) + eps)
    if zero_centred:
        return (x32_D * (1.0 + weight_D.astype(jnp.float32))).astype(x_D.dtype)
    return x32_D.astype(x_D.dtype) * weight_D.astype(x_D.dtype)
