"""The interface between an objective and the learner: a loss over a micro-batch, and the statistics it reports.

Axes: B groups, G members, T suffix.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax

from jaxrlvr.learning.batch import Batch, sampled_tokens


class GroupStats(NamedTuple):
    """`LossStats` of each group of a micro-batch [B]: sums over its sampled tokens, and their number."""

    tokens: jax.Array
    entropy: jax.Array
    kl: jax.Array
    clipped_low: jax.Array
    clipped_high: jax.Array
    behaviour_kl: jax.Array
    behaviour_gap_max: jax.Array
    """A maximum, as in `LossStats`."""


class LossStats(NamedTuple):
    """Sums over the sampled tokens of a micro-batch; divided by the step's token count they are the step's means."""

    loss: jax.Array
    entropy: jax.Array
    kl: jax.Array
    clipped_low: jax.Array
    clipped_high: jax.Array
    behaviour_kl: jax.Array
    behaviour_gap_max: jax.Array
    """Largest |log-prob now - log-prob when sampled|: a maximum, not a sum."""
    groups: GroupStats | None = None
    """The same per group; None if the objective does not report it."""


Loss = Callable[[jax.Array, jax.Array, Batch, jax.Array | None], LossStats]
"""(log-prob_BGT, entropy_BGT, batch, reference log-prob_BGT or None) -> sums over the sampled tokens."""


@dataclass(frozen=True)
class Objective:
    """Everything the learner needs to know about what it minimises. The defaults suit a supervised loss."""

    loss: Loss
    denominator: Callable[[Sequence[Batch]], int] = sampled_tokens
    """Divisor of a step's summed loss, counted over all its micro-batches, so that no cut changes the update."""
    has_gradient_without_advantage: bool = True
    """Whether groups whose advantages are all 0 have a gradient; if not, the learner only measures them."""
    balance: float = 0.0
    """Weight of a mixture's load-balancing loss, a mean over micro-batches weighted by their sampled tokens."""
