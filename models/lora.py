"""Low-rank adapters (LoRA, arXiv 2106.09685): beside a frozen weight W two small ones that learn.

    y = x W + alpha / rank * (x A) B,   A [inputs, rank], B [rank, outputs]

B starts at zero, so a model with fresh adapters computes what its base computes. Nothing of W's size is differentiated:
the gradient passes through W to x, and ends in A and B. Which weights have adapters is in `adapters.py`.
"""

import math
from dataclasses import dataclass, field

import jax
import jax.numpy as jnp

from models.errors import ModelError

ALL = "all"


@dataclass(frozen=True)
class Lora:
    """Whether a model has adapters, how large they are, and where."""

    rank: int = field(default=0, metadata={"at_least": 0})
    """Width of an adapter; 0 for none, and every parameter is trained."""
    alpha: float = field(default=32.0, metadata={"above": 0})
    """What an adapter adds is scaled by alpha / rank."""
    targets: tuple[str, ...] = (ALL,)
    """Projections with adapters, as checkpoints call them (q_proj, down_proj ...); "all" for each that may have one."""

    def __post_init__(self) -> None:
        if isinstance(self.rank, bool) or not isinstance(self.rank, int) or self.rank < 0:
            raise ModelError(f"lora rank is {self.rank!r}: expected a whole number, 0 for no adapters")
        if self.rank and self.alpha <= 0:
            raise ModelError(f"lora alpha is {self.alpha!r}: expected a number above 0")
        if self.rank and not self.targets:
            raise ModelError(f"lora has no targets: name projections such as q_proj, or {ALL!r}")

    @property
    def scale(self) -> float:
        """What an adapter's product is multiplied by."""
        return self.alpha / self.rank if self.rank else 0.0


def names(weight: str) -> tuple[str, str]:
    """What A and B of a weight are called among a layer's weights."""
    return f"{weight}_lora_a", f"{weight}_lora_b"


def project(lora: Lora, layout: str, x: jax.Array, w: dict[str, jax.Array], weight: str) -> jax.Array:
    """`jnp.einsum(layout, x, w[weight])`, and what the weight's adapter adds if it has one.

    The layout's second operand has the summed axes first. No axis may be called r.
    """
    x_axes, w_axes, y_axes = layout.replace("->", ",").split(",")
    inputs = "".join(axis for axis in w_axes if axis not in y_axes)
    outputs = w_axes.removeprefix(inputs)
    rows, kept = x.shape[: -len(inputs)], w[weight].shape[len(inputs) :]
    # As matrices: with two summed axes XLA on CPUs would turn the weight at each use.
    width = math.prod(x.shape[-len(inputs) :])
    y = (x.reshape(*rows, width) @ w[weight].reshape(width, -1)).reshape(*rows, *kept)
    a, b = (w.get(name) for name in names(weight))
    if a is None or b is None:
        return y
    low_axes = x_axes.removesuffix(inputs) + "r"
    low = jnp.einsum(f"{x_axes},{inputs}r->{low_axes}", x, a)
    return y + lora.scale * jnp.einsum(f"{low_axes},r{outputs}->{y_axes}", low, b)
