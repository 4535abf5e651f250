"""The parts of a policy-gradient loss, each with its source: pure functions of JAX arrays.

Every function returns one value per token [B, G, T]. Log-ratios `gap_BGT` are log-probs now minus log-probs when
sampled, already zero where nothing was sampled. A wrong shape or type raises AssertionError. Axes: B groups, G members,
T suffix.
"""

from typing import Literal

import chex
import jax
import jax.numpy as jnp

Surrogate = Literal["clip", "gspo", "cispo"]
Mean = Literal["token", "sequence", "constant"]
KLEstimate = Literal["k1", "k2", "k3"]
Correction = Literal["off", "token", "sequence", "token_mask", "sequence_mask"]


def token_ratio(gap_BGT: jax.Array) -> jax.Array:
    """Compute each token's ratio of new to old probability."""
    chex.assert_rank(gap_BGT, 3)
    chex.assert_type(gap_BGT, float)
    return jnp.exp(gap_BGT)


def sequence_ratio(gap_BGT: jax.Array, sampled_BGT: jax.Array) -> jax.Array:
    """Compute the geometric mean of a member's token ratios, at each of its tokens: GSPO (arXiv 2507.18071, eq. 7)."""
    _assert_masked(gap_BGT, sampled_BGT)
    return jnp.broadcast_to(jnp.exp(_member_mean(gap_BGT, sampled_BGT)), gap_BGT.shape)


def clipped_surrogate(ratio_BGT: jax.Array, advantage_BG1: jax.Array, low: float, high: float) -> jax.Array:
    """Compute min(ratio x A, clip(ratio, 1 - low, 1 + high) x A): PPO (arXiv 1707.06347, equation 7).

    The separate upper bound is DAPO's (arXiv 2503.14476, equation 10). Advantages are [B, G, 1] or [B, G, T].
    """
    _assert_weighted(ratio_BGT, advantage_BG1)
    clipped_BGT = jnp.clip(ratio_BGT, 1 - low, 1 + high)
    return jnp.minimum(ratio_BGT * advantage_BG1, clipped_BGT * advantage_BG1)


def cispo_surrogate(
    logprob_BGT: jax.Array, ratio_BGT: jax.Array, advantage_BG1: jax.Array, low: float, high: float
) -> jax.Array:
    """Compute clip(ratio) x A x log-prob with no gradient through the ratio: CISPO (arXiv 2506.13585, equation 4).

    Clipped tokens keep a gradient, with a bounded weight. Only the gradient is meaningful; the value estimates no
    reward. Advantages are [B, G, 1] or [B, G, T].
    """
    _assert_weighted(ratio_BGT, advantage_BG1)
    chex.assert_equal_shape([logprob_BGT, ratio_BGT])
    chex.assert_type(logprob_BGT, float)
    return jax.lax.stop_gradient(jnp.clip(ratio_BGT, 1 - low, 1 + high)) * advantage_BG1 * logprob_BGT


def kl_estimate(to_reference_BGT: jax.Array, kind: KLEstimate) -> jax.Array:
    """Estimate KL(policy, reference) per token from d, the reference's log-prob minus the policy's.

    k1 = -d, k2 = d^2 / 2, k3 = exp(d) - d - 1 (J. Schulman, "Approximating KL divergence", 2020).
    """
    chex.assert_rank(to_reference_BGT, 3)
    chex.assert_type(to_reference_BGT, float)
    if kind == "k1":
        return -to_reference_BGT
    if kind == "k2":
        return 0.5 * to_reference_BGT**2
    return jnp.exp(to_reference_BGT) - to_reference_BGT - 1


def correction_weight(gap_BGT: jax.Array, sampled_BGT: jax.Array, correction: Correction, cap: float) -> jax.Array:
    """Compute importance weights min(ratio, cap), without a gradient; 0 where nothing was sampled.

    The ratio is a token's own or, with "sequence", the product over its member's tokens. The weights correct for a
    sampler that differs from the policy being updated (truncated importance sampling, Ionides 2008). With "_mask",
    ratios outside [1/cap, cap] get weight 0 and the others are not truncated (IcePop, arXiv 2510.18855).
    """
    _assert_masked(gap_BGT, sampled_BGT)
    log_weight_BGT = gap_BGT
    if correction.startswith("sequence"):
        log_weight_BGT = jnp.broadcast_to(jnp.sum(gap_BGT, axis=-1, keepdims=True), gap_BGT.shape)
    # The minimum is taken before exp, so that a long product cannot overflow.
    weight_BGT = jnp.exp(jnp.minimum(log_weight_BGT, jnp.log(cap)))
    if correction.endswith("_mask"):
        weight_BGT = jnp.where(jnp.abs(log_weight_BGT) <= jnp.log(cap), weight_BGT, 0.0)
    return jax.lax.stop_gradient(jnp.where(sampled_BGT, weight_BGT, 0.0))


def member_length(sampled_BGT: jax.Array) -> jax.Array:
    """Count each member's sampled tokens [B, G, 1], at least 1."""
    chex.assert_rank(sampled_BGT, 3)
    chex.assert_type(sampled_BGT, bool)
    return jnp.maximum(jnp.sum(sampled_BGT, axis=-1, keepdims=True), 1)


def _member_mean(value_BGT: jax.Array, sampled_BGT: jax.Array) -> jax.Array:
    return jnp.sum(jnp.where(sampled_BGT, value_BGT, 0.0), axis=-1, keepdims=True) / member_length(sampled_BGT)


def _assert_masked(value_BGT: jax.Array, sampled_BGT: jax.Array) -> None:
    """Assert float values and a bool mask of one shape [B, G, T]."""
    chex.assert_rank(value_BGT, 3)
    chex.assert_equal_shape([value_BGT, sampled_BGT])
    chex.assert_type([value_BGT, sampled_BGT], [float, bool])


def _assert_weighted(ratio_BGT: jax.Array, advantage_BG1: jax.Array) -> None:
    """Assert float ratios [B, G, T] with float advantages [B, G, 1] or [B, G, T]."""
    chex.assert_rank([ratio_BGT, advantage_BG1], 3)
    groups, members, tokens = ratio_BGT.shape
    chex.assert_shape(advantage_BG1, (groups, members, {1, tokens}))
    chex.assert_type([ratio_BGT, advantage_BG1], float)
