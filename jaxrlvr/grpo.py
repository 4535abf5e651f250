"""Advantages and losses: pure functions of arrays.

GRPO (arXiv 2402.03300) with what later work changed: advantages are centred, not divided by the group's deviation (Dr.
GRPO, arXiv 2503.20783, section 3), the clip range is wider upwards and the mean runs over all tokens of the step (DAPO,
arXiv 2503.14476, sections 3.1 and 3.3). Axes: B groups, G members, T suffix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from jaxrlvr.batch import Batch
    from jaxrlvr.learner import Objective
    from jaxrlvr.rollout import Group

Gate = Literal["off", "always", "auto"]


@dataclass(frozen=True)
class GRPOConfig:
    """The objective."""

    clip_low: float = 0.2
    """The ratio of new to old probability is clipped below 1 - clip_low."""
    clip_high: float = 0.28
    """The ratio is clipped above 1 + clip_high; wider than clip_low, so that rare good tokens can grow."""
    kl_beta: float = 0.0
    """Weight of the k3 estimate of KL(policy, reference); the reference is the starting model. 0 keeps no reference in
    memory.
    """
    outcome_gate: Gate = "off"
    """Whether a group in which nobody succeeds teaches nothing: off, always, or auto (once its scenario often
    succeeds).
    """
    gate_above: float = 0.3
    """With outcome_gate auto: the scenario's success rate in this step from which the gate is closed."""


class LossStats(NamedTuple):
    """Sums over sampled tokens of a micro-batch; dividing by the step's token count gives the step's means."""

    loss: jax.Array
    entropy: jax.Array
    kl: jax.Array
    clipped_low: jax.Array
    clipped_high: jax.Array
    behaviour_kl: jax.Array
    behaviour_gap_max: jax.Array
    """The largest |log-prob now - log-prob when sampled|: not a sum."""


def group_relative(reward_BG: np.ndarray, valid_BG: np.ndarray) -> np.ndarray:
    """Advantage [B, G]: reward minus the mean of the group's valid members; 0 for invalid ones.

    A group whose rewards are all equal gets exact zeros: its mean could differ from them by a rounding error.
    """
    count_B1 = np.maximum(valid_BG.sum(axis=1, keepdims=True), 1)
    mean_B1 = np.where(valid_BG, reward_BG, 0.0).sum(axis=1, keepdims=True) / count_B1
    low_B1 = np.where(valid_BG, reward_BG, np.inf).min(axis=1, keepdims=True)
    high_B1 = np.where(valid_BG, reward_BG, -np.inf).max(axis=1, keepdims=True)
    return np.where(valid_BG & (high_B1 > low_B1), reward_BG - mean_B1, 0.0).astype(np.float32)


def outcome_gated(advantage_BG: np.ndarray, success_BG: np.ndarray, often_B: np.ndarray, gate: Gate) -> np.ndarray:
    """Zero the advantages of groups without any success, where the gate is closed.

    Shaping differences between members that all fail teach at the start and may mislead later; `often_B` says for which
    groups the scenario succeeds often enough that only outcomes should count.
    """
    if gate == "off":
        return advantage_BG
    hopeless_B = np.logical_not(success_BG.any(axis=1))
    closed_B = hopeless_B if gate == "always" else hopeless_B & often_B
    return np.where(closed_B[:, None], np.float32(0), advantage_BG)


def advantages(groups: "Sequence[Group]", config: GRPOConfig) -> np.ndarray:
    """Verdicts -> advantages [B, G] of a step's groups. Members without a verdict are invalid and get 0."""
    valid_BG = np.array([[member.valid for member in group.members] for group in groups])
    reward_BG = np.array([[m.verdict.reward if m.verdict else 0.0 for m in group.members] for group in groups])
    success_BG = np.array([[bool(m.verdict and m.verdict.success) for m in group.members] for group in groups])
    scenario_B = np.array([group.task.scenario for group in groups])
    often_B = np.array([success_BG[scenario_B == name].mean() >= config.gate_above for name in scenario_B])
    return outcome_gated(group_relative(reward_BG, valid_BG), success_BG, often_B, config.outcome_gate)


def objective(config: GRPOConfig) -> "Objective":
    """`policy_loss` with its settings, in the form that the learner calls."""

    def of_batch(
        logprob_BGT: jax.Array, entropy_BGT: jax.Array, batch: "Batch", reference_BGT: jax.Array | None
    ) -> LossStats:
        return policy_loss(
            logprob_BGT, entropy_BGT, batch.behaviour_BGT, batch.sampled_BGT, batch.advantage_BG, reference_BGT, config
        )

    return of_batch


def policy_loss(
    logprob_BGT: jax.Array,
    entropy_BGT: jax.Array,
    behaviour_BGT: jax.Array,
    sampled_BGT: jax.Array,
    advantage_BG: jax.Array,
    reference_BGT: jax.Array | None,
    config: GRPOConfig,
) -> LossStats:
    """Sum over sampled tokens of the clipped surrogate, negated, plus kl_beta times the k3 KL estimate.

    The caller divides by the token count of the whole step, so that micro-batches and devices add up to one mean.
    Tokens that were not sampled contribute exactly zero to every sum and gradient.
    """
    zero = jnp.zeros_like(logprob_BGT)
    # Masked before exp: garbage at padding must not become inf * 0 in the gradient.
    gap_BGT = jnp.where(sampled_BGT, logprob_BGT - behaviour_BGT, zero)
    ratio_BGT = jnp.exp(gap_BGT)
    clipped_BGT = jnp.clip(ratio_BGT, 1 - config.clip_low, 1 + config.clip_high)
    advantage_BG1 = advantage_BG[..., None]
    surrogate_BGT = jnp.minimum(ratio_BGT * advantage_BG1, clipped_BGT * advantage_BG1)
    kl_BGT = zero
    if reference_BGT is not None:
        to_reference_BGT = jnp.where(sampled_BGT, reference_BGT - logprob_BGT, zero)
        kl_BGT = jnp.exp(to_reference_BGT) - to_reference_BGT - 1

    def total(values_BGT: jax.Array) -> jax.Array:
        return jnp.sum(jnp.where(sampled_BGT, values_BGT, zero))

    return LossStats(
        loss=total(config.kl_beta * kl_BGT - surrogate_BGT),
        entropy=total(entropy_BGT),
        kl=total(kl_BGT),
        clipped_low=total((ratio_BGT < 1 - config.clip_low) & (advantage_BG1 < 0)),
        clipped_high=total((ratio_BGT > 1 + config.clip_high) & (advantage_BG1 > 0)),
        behaviour_kl=total(ratio_BGT - 1 - gap_BGT),
        behaviour_gap_max=jnp.max(jnp.abs(gap_BGT)),
    )
