"""Low-rank adapters (LoRA, arXiv 2106.09685): a frozen weight W plus the product of two small trained ones.

    y = x W + alpha / rank * (x A) B,   A [inputs, rank], B [rank, outputs]

B starts at zero, so a model with new adapters computes the same as its base model. No gradient of W's size exists: the
gradient passes through W to x, and ends in A and B. `adapters.py` decides which weights have adapters.
"""

import math
from dataclasses import dataclass, field

import chex
import jax
import jax.numpy as jnp

from models.errors import ModelError

ALL = "all"


@dataclass(frozen=True)
class Lora:
    """Settings of a model's adapters.

    Raises ModelError for a negative rank, and for an alpha of 0 or less or no targets if the rank is positive.
    """

    rank: int = field(default=0, metadata={"at_least": 0})
    """Rank of the adapters; 0 for none: every parameter is trained."""
    alpha: float = field(default=32.0, metadata={"above": 0})
    """The product of an adapter is scaled by alpha / rank."""
    targets: tuple[str, ...] = (ALL,)
    """Projections with adapters, by their names in checkpoints (q_proj, down_proj ...), or "all"."""

    def __post_init__(self) -> None:
        if isinstance(self.rank, bool) or not isinstance(self.rank, int) or self.rank < 0:
            raise ModelError(f"lora rank is {self.rank!r}: expected a non-negative integer, 0 for no adapters")
        if self.rank and self.alpha <= 0:
            raise ModelError(f"lora alpha is {self.alpha!r}: expected a number above 0")
        if self.rank and not self.targets:
            raise ModelError(f"lora has no targets: name projections such as q_proj, or {ALL!r}")

    @property
    def scale(self) -> float:
        """Factor of an adapter's product: alpha / rank."""
        return self.alpha / self.rank if self.rank else 0.0


def adapter_names(weight: str) -> tuple[str, str]:
    """Return the names of a weight's A and B among a layer's weights."""
    return f"{weight}_lora_a", f"{weight}_lora_b"


def project(lora: Lora, layout: str, x: jax.Array, w: dict[str, jax.Array], weight: str) -> jax.Array:
    """Compute `jnp.einsum(layout, x, w[weight])` plus the product of the weight's adapter if there is one.

    The summed axes are the last of the layout's first operand and the first of its second. No axis may be called r.
    Raises AssertionError if they differ in length.
    """
    x_axes, w_axes, y_axes = layout.replace("->", ",").split(",")
    inputs = "".join(axis for axis in w_axes if axis not in y_axes)
    outputs = w_axes.removeprefix(inputs)
    chex.assert_rank([x, w[weight]], [len(x_axes), len(w_axes)])
    chex.assert_shape(w[weight], (*x.shape[-len(inputs) :], ...))
    rows, columns = x.shape[: -len(inputs)], w[weight].shape[len(inputs) :]
    # As matrices: with two summed axes XLA on CPUs would transpose the weight at each use.
    width = math.prod(x.shape[-len(inputs) :])
    y = (x.reshape(*rows, width) @ w[weight].reshape(width, -1)).reshape(*rows, *columns)
    a, b = (w.get(name) for name in adapter_names(weight))
    if a is None or b is None:
        return y
    low_axes = x_axes.removesuffix(inputs) + "r"
    low = jnp.einsum(f"{x_axes},{inputs}r->{low_axes}", x, a)
    return y + lora.scale * jnp.einsum(f"{low_axes},r{outputs}->{y_axes}", low, b)
