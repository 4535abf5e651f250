"""Gradients -> changes of the parameters: the Optax chain of a run.

Parameters and optimizer state are float32 whatever the forward pass computes in, so that updates too small for a
bfloat16 weight add up instead of being lost.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import optax

from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import setting

Kind = Literal["adamw", "adafactor"]


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW after clipping by global norm, with a linear warm-up to a constant rate."""

    learning_rate: float = setting(1e-6, above=0)
    """Peak step size."""
    warmup_steps: int = setting(0, at_least=0)
    """Steps over which the rate rises linearly from 0."""
    decay_steps: int = setting(0, at_least=0)
    """Step at which a cosine decay reaches a tenth of the peak; 0 for a constant rate."""
    weight_decay: float = setting(0.0, at_least=0)
    """Decoupled weight decay."""
    beta2: float = setting(0.95, at_least=0)
    """Decay of the second moment; short, since runs are short. Adafactor has its own schedule."""
    max_grad_norm: float = setting(1.0, above=0)
    """Gradients are scaled down to this global norm."""
    kind: Kind = "adamw"
    """adamw stores two moments of every parameter; adafactor (arXiv 1804.04235) stores only row and column sums of the
    second moment: next to no memory.
    """
    frozen: tuple[str, ...] = ()
    """Substrings of the names of parameters that are not trained, such as `embedding`; they have no moments."""


def check(config: OptimizerConfig) -> None:
    """Raise UserError for an unknown kind or a setting out of its range."""
    if config.kind not in get_args(Kind):
        raise UserError(f"--optimizer.kind {config.kind!r} is unknown; there are {', '.join(get_args(Kind))}")
    if not 0 < config.learning_rate <= 1:
        raise UserError(
            f"--optimizer.learning-rate {config.learning_rate:g} is out of range: use at most 1, and 1e-6 for a "
            "real checkpoint; a step changes each weight by about this much"
        )
    if not config.beta2 < 1:
        raise UserError(f"--optimizer.beta2 {config.beta2} is out of range: use a number below 1, such as 0.99")
    if config.decay_steps and config.decay_steps <= config.warmup_steps:
        raise UserError(
            f"--optimizer.decay-steps {config.decay_steps} counts from the first step and must be more than "
            f"--optimizer.warmup-steps {config.warmup_steps}, or 0 for no decay"
        )


def make_optimizer(config: OptimizerConfig) -> optax.GradientTransformation:
    """Build the Optax chain of `config`. Raises as `check` does, and its `init` as `check_frozen` does."""
    check(config)
    moving = optax.chain(optax.clip_by_global_norm(config.max_grad_norm), _scaled(config, _rate(config)))
    if not config.frozen:
        return moving
    return optax.multi_transform(
        {"moving": moving, "frozen": optax.set_to_zero()}, lambda params: frozen_labels(params, config.frozen)
    )


def frozen_labels(params: Any, frozen: tuple[str, ...]) -> Any:
    """Label each parameter "moving" or "frozen", in a tree like `params`. Raises as `check_frozen` does."""
    paths = [jax.tree_util.keystr(path, simple=True, separator=".") for path, _ in jax.tree.leaves_with_path(params)]
    # NNX adds ".value" to each parameter's path; one projection is named "value" too.
    names = [path.removesuffix(".value") for path in paths]
    check_frozen(frozen, names)
    leaves = ["frozen" if any(part in name for part in frozen) else "moving" for name in names]
    return jax.tree.unflatten(jax.tree.structure(params), leaves)


def check_frozen(frozen: tuple[str, ...], names: Sequence[str]) -> None:
    """Raise UserError if a part occurs in none of the parameters' `names`, or if every parameter would be frozen."""
    for part in frozen:
        if not any(part in name for name in names):
            raise UserError(f"--optimizer.frozen {part!r} is in no parameter's name; there are {', '.join(names)}")
    if frozen and all(any(part in name for part in frozen) for name in names):
        raise UserError(
            f"--optimizer.frozen {' '.join(frozen)} leaves nothing to train: every parameter's name contains one of "
            f"them; there are {', '.join(names)}"
        )


def _rate(config: OptimizerConfig) -> optax.ScalarOrSchedule:
    peak, warmup = config.learning_rate, max(1, config.warmup_steps)
    # The warm-up starts at 1/n of the peak, not 0: a first step that changes nothing would waste its samples.
    if config.decay_steps:
        return optax.warmup_cosine_decay_schedule(
            peak / warmup, peak, config.warmup_steps, config.decay_steps, 0.1 * peak
        )
    return optax.linear_schedule(peak / warmup, peak, warmup) if config.warmup_steps else peak


def _scaled(config: OptimizerConfig, rate: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    if config.kind == "adamw":
        return optax.adamw(rate, b2=config.beta2, weight_decay=config.weight_decay)
    return optax.chain(
        optax.scale_by_factored_rms(),
        # The paper's update clipping (section 6), used instead of a first moment.
        optax.clip_by_block_rms(1.0),
        optax.add_decayed_weights(config.weight_decay),
        optax.scale_by_learning_rate(rate),
    )
