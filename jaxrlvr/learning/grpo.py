"""The GRPO objective: its settings, composed from the functions of `advantages` and `losses`.

The defaults are GRPO (arXiv 2402.03300) with later changes: advantages are centred, not divided by the group's standard
deviation (Dr. GRPO, arXiv 2503.20783, section 3), the clip range is wider above 1 than below, and the loss is a mean
over all tokens of the step (DAPO, arXiv 2503.14476, sections 3.1 and 3.3). docs/objectives.md lists the settings of
each published objective. Axes: B groups, G members, T suffix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np

from jaxrlvr.learning import losses
from jaxrlvr.learning.advantages import Baseline, Gate, group_relative, outcome_gated, overlong_penalty
from jaxrlvr.learning.batch import Batch, sampled_tokens
from jaxrlvr.learning.losses import Correction, KLEstimate, Mean, Surrogate
from jaxrlvr.learning.objective import GroupStats, LossStats, Objective
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime.settings import setting


@dataclass(frozen=True)
class GRPOConfig:
    """The objective."""

    surrogate: Surrogate = "clip"
    """Surrogate objective: clip (PPO, GRPO, DAPO), gspo (one ratio per member), cispo (clipped weights, unclipped
    gradients).
    """
    mean: Mean = "token"
    """Average of the loss: over all tokens of the step (DAPO), over each member's tokens and then over members (GRPO,
    GSPO), or over members times a constant length (Dr. GRPO).
    """
    constant_length: int = setting(256, at_least=1)
    """With mean constant: the number of tokens that divides each member's sum, whatever its length."""
    baseline: Baseline = "mean"
    """Baseline of a reward: the group's mean, the mean with division by the standard deviation, or the mean of the
    others.
    """
    clip_low: float = setting(0.2, at_least=0)
    """The ratio of new to old probability is clipped below 1 - clip_low."""
    clip_high: float = setting(0.28, at_least=0)
    """The ratio is clipped above 1 + clip_high; wider than clip_low, so that rare good tokens can grow."""
    kl_beta: float = setting(0.0, at_least=0)
    """Weight of the estimate of KL(policy, reference); the reference is the starting model. With 0 no reference is held
    in memory.
    """
    kl_estimate: KLEstimate = "k3"
    """Estimator of the KL: k1, k2 or k3."""
    kl_in_reward: bool = False
    """Subtract kl_beta times each token's KL from its advantage, without a gradient, instead of adding it to the loss.
    """
    entropy_bonus: float = setting(0.0, at_least=0)
    """Weight of the policy's entropy, which is subtracted from the loss."""
    correction: Correction = "off"
    """Importance weights policy / sampler, truncated at correction_cap: off, token, or sequence; with _mask, tokens or
    sequences outside of 1/correction_cap to correction_cap are left out. For samplers that differ from the learner; the
    clipped ratio then uses the learner's own log-probs.
    """
    correction_cap: float = setting(2.0, at_least=1)
    """The largest importance weight."""
    overlong_soft: int = setting(0, at_least=0)
    """Sampled tokens of a member from which its reward falls linearly."""
    overlong_hard: int = setting(0, at_least=0)
    """Sampled tokens at which the reward has fallen by 1; 0 for no penalty."""
    balance_loss: float = setting(0.0, at_least=0)
    """Weight of a mixture's load-balancing loss over sampled tokens, computed for each micro-batch on its own."""
    outcome_gate: Gate = "off"
    """Whether groups without any success get zero advantages: off, always, or auto (once their scenario often
    succeeds).
    """
    refills: int = setting(0, at_least=0)
    """Dynamic sampling (DAPO, arXiv 2503.14476, section 3.2): most times per step that new tasks are drawn to replace
    groups without any advantage. 0 keeps such groups.
    """
    gate_above: float = setting(0.3, at_least=0, at_most=1)
    """With outcome_gate auto: the scenario's success rate in this step from which on the gate is closed."""


def advantages(groups: Sequence[Group], config: GRPOConfig) -> np.ndarray:
    """Compute the advantages [B, G] of a step's groups from their verdicts. A member without a verdict gets 0."""
    valid_BG = np.array([[member.valid for member in group.members] for group in groups], bool)
    reward_BG = np.array([[m.verdict.reward if m.verdict else 0.0 for m in group.members] for group in groups], float)
    if config.overlong_hard:
        length_BG = np.array([[sum(member.sampled) for member in group.members] for group in groups])
        reward_BG = reward_BG + overlong_penalty(length_BG, config.overlong_soft, config.overlong_hard)
    success_BG = np.array([[bool(m.verdict and m.verdict.success) for m in group.members] for group in groups])
    scenario_B = np.array([group.task.scenario for group in groups])
    often_solved_B = np.array([success_BG[scenario_B == name].mean() >= config.gate_above for name in scenario_B])
    relative_BG = group_relative(reward_BG, valid_BG, config.baseline)
    return outcome_gated(relative_BG, success_BG, often_solved_B, config.outcome_gate)


def objective(config: GRPOConfig) -> Objective:
    """Build the objective that `config` describes."""
    return Objective(
        loss=partial(policy_loss, config=config),
        denominator=partial(_denominator, mean=config.mean, constant_length=config.constant_length),
        # Of a group without advantages only the KL, the entropy and the experts' balance have a gradient.
        has_gradient_without_advantage=bool(config.kl_beta or config.entropy_bonus or config.balance_loss),
        balance=config.balance_loss,
    )


def _denominator(batches: Sequence[Batch], mean: Mean, constant_length: int) -> int:
    """Count a step's tokens, its members with a sampled token, or these members times `constant_length`."""
    if mean == "token":
        return sampled_tokens(batches)
    members = sum(int(batch.sampled_BGT.any(axis=-1).sum()) for batch in batches)
    return members * constant_length if mean == "constant" else members


def policy_loss(
    logprob_BGT: jax.Array,
    entropy_BGT: jax.Array,
    batch: Batch,
    reference_BGT: jax.Array | None,
    config: GRPOConfig,
) -> LossStats:
    """Sum over sampled tokens of the surrogate, negated, plus kl_beta times the KL estimate, minus the entropy bonus.

    With mean "sequence", each token's loss is first divided by its member's sampled tokens. The caller divides by the
    objective's denominator of the whole step, so that micro-batches and devices add up to one mean. Tokens that were
    not sampled contribute exactly zero to every sum and gradient. A wrong shape or type raises AssertionError.
    """
    sampled_BGT, advantage_BG = batch.sampled_BGT, batch.advantage_BG
    scored = [logprob_BGT, entropy_BGT, batch.behaviour_BGT, *([] if reference_BGT is None else [reference_BGT])]
    chex.assert_rank([logprob_BGT, advantage_BG], [3, 2])
    chex.assert_equal_shape([sampled_BGT, *scored])
    chex.assert_equal_shape_prefix([logprob_BGT, advantage_BG], 2)
    chex.assert_type([advantage_BG, *scored], float)
    chex.assert_type(sampled_BGT, bool)
    zero = jnp.zeros_like(logprob_BGT)
    # Masked before exp: garbage at padding would become inf * 0 = NaN in the gradient.
    gap_BGT = jnp.where(sampled_BGT, logprob_BGT - batch.behaviour_BGT, zero)
    behaviour_ratio_BGT = jnp.exp(gap_BGT)
    kl_BGT = zero
    if reference_BGT is not None:
        kl_BGT = losses.kl_estimate(jnp.where(sampled_BGT, reference_BGT - logprob_BGT, zero), config.kl_estimate)
    advantage_BG1 = advantage_BG[..., None]
    if config.kl_in_reward:
        advantage_BG1 = advantage_BG1 - config.kl_beta * jax.lax.stop_gradient(kl_BGT)
    surrogate_BGT, ratio_BGT = _surrogate(logprob_BGT, gap_BGT, sampled_BGT, advantage_BG1, config)
    loss_BGT = -surrogate_BGT if config.kl_in_reward else config.kl_beta * kl_BGT - surrogate_BGT
    if config.entropy_bonus:
        loss_BGT = loss_BGT - config.entropy_bonus * jnp.where(sampled_BGT, entropy_BGT, zero)
    if config.mean == "sequence":
        loss_BGT = loss_BGT / losses.member_length(sampled_BGT)

    reported = {
        "entropy": entropy_BGT,
        "kl": kl_BGT,
        "clipped_low": (ratio_BGT < 1 - config.clip_low) & (advantage_BG1 < 0),
        "clipped_high": (ratio_BGT > 1 + config.clip_high) & (advantage_BG1 > 0),
        "behaviour_kl": behaviour_ratio_BGT - 1 - gap_BGT,
    }

    def total(values_BGT: jax.Array, axis: tuple[int, ...] | None = None) -> jax.Array:
        return jnp.sum(jnp.where(sampled_BGT, values_BGT, zero), axis=axis)

    # The step's totals are not sums of the groups' sums: another order of addition would round differently.
    groups = GroupStats(
        tokens=total(jnp.ones_like(zero), (1, 2)),
        behaviour_gap_max=jnp.max(jnp.abs(gap_BGT), axis=(1, 2)),
        **{name: total(values_BGT, (1, 2)) for name, values_BGT in reported.items()},
    )
    return LossStats(
        loss=total(loss_BGT),
        behaviour_gap_max=jnp.max(jnp.abs(gap_BGT)),
        groups=groups,
        **{name: total(values_BGT) for name, values_BGT in reported.items()},
    )


def _surrogate(
    logprob_BGT: jax.Array, gap_BGT: jax.Array, sampled_BGT: jax.Array, advantage_BG1: jax.Array, config: GRPOConfig
) -> tuple[jax.Array, jax.Array]:
    """Return the surrogate and the ratio it clips, per token."""
    log_ratio_BGT = gap_BGT
    if config.correction != "off":
        # There is one update per step, so the learner's old policy is its current one: the ratio is 1.
        log_ratio_BGT = gap_BGT - jax.lax.stop_gradient(gap_BGT)
    if config.surrogate == "gspo":
        ratio_BGT = losses.sequence_ratio(log_ratio_BGT, sampled_BGT)
    else:
        ratio_BGT = losses.token_ratio(log_ratio_BGT)
    if config.surrogate == "cispo":
        masked_BGT = jnp.where(sampled_BGT, logprob_BGT, 0.0)
        surrogate_BGT = losses.cispo_surrogate(masked_BGT, ratio_BGT, advantage_BG1, config.clip_low, config.clip_high)
    else:
        surrogate_BGT = losses.clipped_surrogate(ratio_BGT, advantage_BG1, config.clip_low, config.clip_high)
    if config.correction != "off":
        surrogate_BGT *= losses.correction_weight(gap_BGT, sampled_BGT, config.correction, config.correction_cap)
    return surrogate_BGT, ratio_BGT
