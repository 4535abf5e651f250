"""Einsum of arrays in any float dtype with float32 accumulation."""

import jax
import jax.numpy as jnp


def contract(layout: str, a: jax.Array, b: jax.Array) -> jax.Array:
    """Compute `jnp.einsum(layout, a, b)` with float32 sums and result, whatever the operands' dtype."""

    def native(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.einsum(layout, a, b, preferred_element_type=jnp.float32)

    def widened(a: jax.Array, b: jax.Array) -> jax.Array:
        return jnp.einsum(layout, a.astype(jnp.float32), b.astype(jnp.float32))

    if a.dtype == b.dtype == jnp.float32:
        return native(a, b)
    # XLA's CPU kernels lack some bfloat16 products with float32 results; accelerators have them.
    return jax.lax.platform_dependent(a, b, cpu=widened, default=native)
