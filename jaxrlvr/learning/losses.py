"""The parts of a policy-gradient loss, each with its paper: pure functions of JAX arrays.

All take the log-ratio `gap_BGT`, log-prob now minus log-prob then, already zero where nothing was sampled, and give
one value per token. Axes: B groups, G members, T suffix.
"""

from typing import Literal

import jax
import jax.numpy as jnp

Surrogate = Literal["clip", "gspo", "cispo"]
Mean = Literal["token", "sequence", "constant"]
KLEstimate = Literal["k1", "k2", "k3"]
Correction = Literal["off", "token", "sequence", "token_mask", "sequence_mask"]


def token_ratio(gap_BGT: jax.Array) -> jax.Array:
    """Probability now over probability then, of each token."""
    return jnp.exp(gap_BGT)


def sequence_ratio(gap_BGT: jax.Array, sampled_BGT: jax.Array) -> jax.Array:
    """The geometric mean of a member's token ratios, at each of its tokens: GSPO (arXiv 2507.18071, equation 7)."""
    return jnp.broadcast_to(jnp.exp(_member_mean(gap_BGT, sampled_BGT)), gap_BGT.shape)


def clipped_surrogate(ratio_BGT: jax.Array, advantage_BG1: jax.Array, low: float, high: float) -> jax.Array:
    """min(ratio x A, clip(ratio, 1 - low, 1 + high) x A): PPO (arXiv 1707.06347, equation 7), with the upper side of
    its own of DAPO (arXiv 2503.14476, equation 10).
    """
    clipped_BGT = jnp.clip(ratio_BGT, 1 - low, 1 + high)
    return jnp.minimum(ratio_BGT * advantage_BG1, clipped_BGT * advantage_BG1)


def cispo_surrogate(
    logprob_BGT: jax.Array, ratio_BGT: jax.Array, advantage_BG1: jax.Array, low: float, high: float
) -> jax.Array:
    """clip(ratio) x A x log-prob, without a gradient through the ratio: CISPO (arXiv 2506.13585, equation 4).

    A clipped token still teaches, with a bounded weight. The value is no reward; only its gradient means something.
    """
    return jax.lax.stop_gradient(jnp.clip(ratio_BGT, 1 - low, 1 + high)) * advantage_BG1 * logprob_BGT


def kl_estimate(to_reference_BGT: jax.Array, kind: KLEstimate) -> jax.Array:
    """Per-token estimates of KL(policy, reference) from d = log-prob of the reference minus the policy's.

    k1 = -d, k2 = d^2 / 2, k3 = exp(d) - d - 1 (J. Schulman, "Approximating KL divergence", 2020).
    """
    if kind == "k1":
        return -to_reference_BGT
    if kind == "k2":
        return 0.5 * to_reference_BGT**2
    return jnp.exp(to_reference_BGT) - to_reference_BGT - 1


def correction_weight(gap_BGT: jax.Array, sampled_BGT: jax.Array, correction: Correction, cap: float) -> jax.Array:
    """min(ratio, cap) of each token, or of the member's whole product at each of its tokens; no gradient.

    Corrects for a sampler that is not quite the policy that is updated (truncated importance sampling, Ionides 2008).
    With a mask, ratios outside [1/cap, cap] count nothing and the others are as they are (arXiv 2510.18855, IcePop).
    """
    log_weight_BGT = gap_BGT
    if correction.startswith("sequence"):
        log_weight_BGT = jnp.broadcast_to(jnp.sum(gap_BGT, axis=-1, keepdims=True), gap_BGT.shape)
    # The minimum is taken before exp, so that a long product cannot overflow.
    weight_BGT = jnp.exp(jnp.minimum(log_weight_BGT, jnp.log(cap)))
    if correction.endswith("_mask"):
        weight_BGT = jnp.where(jnp.abs(log_weight_BGT) <= jnp.log(cap), weight_BGT, 0.0)
    return jax.lax.stop_gradient(jnp.where(sampled_BGT, weight_BGT, 0.0))


def member_length(sampled_BGT: jax.Array) -> jax.Array:
    """Sampled tokens of each member [B, G, 1], at least 1."""
    return jnp.maximum(jnp.sum(sampled_BGT, axis=-1, keepdims=True), 1)


def _member_mean(value_BGT: jax.Array, sampled_BGT: jax.Array) -> jax.Array:
    return jnp.sum(jnp.where(sampled_BGT, value_BGT, 0.0), axis=-1, keepdims=True) / member_length(sampled_BGT)
