"""Laws of shapes: every numeric function of learning refuses an array of a wrong rank, shape or type."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.learning.advantages import group_relative, outcome_gated, overlong_penalty
from jaxrlvr.learning.batch import empty
from jaxrlvr.learning.grpo import GRPOConfig, policy_loss
from jaxrlvr.learning.logprobs import suffix_logprobs, suffix_logprobs_and_balance
from jaxrlvr.learning.losses import (
    cispo_surrogate,
    clipped_surrogate,
    correction_weight,
    kl_estimate,
    member_length,
    sequence_ratio,
    token_ratio,
)
from jaxrlvr.learning.packing import pack_rows

B, G, T = 2, 3, 4
VALUE_BGT = np.zeros((B, G, T), np.float32)
MASK_BGT = np.ones((B, G, T), bool)
TOKENS_BGT = np.zeros((B, G, T), np.int32)
VALUE_BG, MASK_BG, LENGTH_BG = VALUE_BGT[..., 0], MASK_BGT[..., 0], TOKENS_BGT[..., 0]
BATCH, PACKED = empty(B, G, 5, T, 0), empty(B, G, 5, T, 0, rows=2)


def loss(logprob_BGT=VALUE_BGT, entropy_BGT=VALUE_BGT, reference_BGT=None, **changes):
    return policy_loss(logprob_BGT, entropy_BGT, BATCH._replace(**changes), reference_BGT, GRPOConfig(kl_beta=0.1))


def scored(function, batch=BATCH, **changes):
    """Score a changed batch; the model is not reached if its shapes are wrong."""
    return function(
        None, batch._replace(**changes), 1.0, **({"balanced": True} if "balance" in function.__name__ else {})
    )


def repacked(**changes):
    return scored(suffix_logprobs, PACKED, packed=PACKED.packed._replace(**changes))


RIGHT = {
    "group_relative": lambda: group_relative(VALUE_BG, MASK_BG, "std"),
    "outcome_gated": lambda: outcome_gated(VALUE_BG, MASK_BG, MASK_BG[:, 0], "auto"),
    "overlong_penalty": lambda: overlong_penalty(LENGTH_BG, 2, 4),
    "token_ratio": lambda: token_ratio(VALUE_BGT),
    "sequence_ratio": lambda: sequence_ratio(VALUE_BGT, MASK_BGT),
    "clipped_surrogate": lambda: clipped_surrogate(VALUE_BGT, VALUE_BG[..., None], 0.2, 0.2),
    "clipped_surrogate of tokens' advantages": lambda: clipped_surrogate(VALUE_BGT, VALUE_BGT, 0.2, 0.2),
    "cispo_surrogate": lambda: cispo_surrogate(VALUE_BGT, VALUE_BGT, VALUE_BG[..., None], 0.2, 0.2),
    "kl_estimate": lambda: kl_estimate(VALUE_BGT, "k3"),
    "correction_weight": lambda: correction_weight(VALUE_BGT, MASK_BGT, "sequence_mask", 2.0),
    "member_length": lambda: member_length(MASK_BGT),
    "policy_loss": lambda: loss(reference_BGT=VALUE_BGT),
    "pack_rows": lambda: pack_rows(TOKENS_BGT, MASK_BGT, LENGTH_BG, (1,), 0),
}
WRONG = {
    "group_relative rank": lambda: group_relative(VALUE_BG[0], MASK_BG[0]),
    "group_relative shape": lambda: group_relative(VALUE_BG, MASK_BG[:, :1]),
    "group_relative type": lambda: group_relative(VALUE_BG, VALUE_BG),
    "outcome_gated rank": lambda: outcome_gated(VALUE_BG, MASK_BG, MASK_BG, "off"),
    "outcome_gated shape": lambda: outcome_gated(VALUE_BG, MASK_BG, MASK_BG[0], "off"),
    "outcome_gated successes": lambda: outcome_gated(VALUE_BG, MASK_BG[:, :1], MASK_BG[:, 0], "off"),
    "outcome_gated type": lambda: outcome_gated(VALUE_BG, VALUE_BG, MASK_BG[:, 0], "off"),
    "overlong_penalty rank": lambda: overlong_penalty(LENGTH_BG[0], 2, 4),
    "overlong_penalty type": lambda: overlong_penalty(VALUE_BG, 2, 4),
    "token_ratio rank": lambda: token_ratio(VALUE_BG),
    "token_ratio type": lambda: token_ratio(TOKENS_BGT),
    "sequence_ratio shape": lambda: sequence_ratio(VALUE_BGT, MASK_BGT[:1]),
    "sequence_ratio type": lambda: sequence_ratio(VALUE_BGT, VALUE_BGT),
    "clipped_surrogate rank": lambda: clipped_surrogate(VALUE_BGT, VALUE_BG, 0.2, 0.2),
    "clipped_surrogate shape": lambda: clipped_surrogate(VALUE_BGT, VALUE_BGT[..., :2], 0.2, 0.2),
    "clipped_surrogate groups": lambda: clipped_surrogate(VALUE_BGT, VALUE_BG[:1, :, None], 0.2, 0.2),
    "clipped_surrogate type": lambda: clipped_surrogate(VALUE_BGT, TOKENS_BGT, 0.2, 0.2),
    "cispo_surrogate shape": lambda: cispo_surrogate(VALUE_BGT[:1], VALUE_BGT, VALUE_BGT, 0.2, 0.2),
    "cispo_surrogate advantages": lambda: cispo_surrogate(VALUE_BGT, VALUE_BGT, VALUE_BG, 0.2, 0.2),
    "kl_estimate rank": lambda: kl_estimate(VALUE_BG, "k1"),
    "kl_estimate type": lambda: kl_estimate(TOKENS_BGT, "k1"),
    "correction_weight shape": lambda: correction_weight(VALUE_BGT, MASK_BGT[..., :1], "token", 2.0),
    "correction_weight type": lambda: correction_weight(VALUE_BGT, TOKENS_BGT, "token", 2.0),
    "member_length rank": lambda: member_length(MASK_BG),
    "member_length type": lambda: member_length(TOKENS_BGT),
    "policy_loss rank": lambda: loss(VALUE_BG),
    "policy_loss log-probs": lambda: loss(VALUE_BGT[..., :1]),
    "policy_loss entropy": lambda: loss(entropy_BGT=VALUE_BGT[:1]),
    "policy_loss reference": lambda: loss(reference_BGT=VALUE_BGT[..., :1]),
    "policy_loss behaviour": lambda: loss(behaviour_BGT=VALUE_BGT[..., :1]),
    "policy_loss mask": lambda: loss(sampled_BGT=MASK_BGT[..., :1]),
    "policy_loss mask type": lambda: loss(sampled_BGT=VALUE_BGT),
    "policy_loss advantages": lambda: loss(advantage_BG=VALUE_BGT),
    "policy_loss groups": lambda: loss(advantage_BG=VALUE_BG[:1]),
    "suffix_logprobs rank": lambda: scored(suffix_logprobs, suffix_BGT=LENGTH_BG),
    "suffix_logprobs prefix": lambda: scored(suffix_logprobs, prefix_BP=BATCH.prefix_BP[:1]),
    "suffix_logprobs prefix length": lambda: scored(suffix_logprobs, prefix_length_B=LENGTH_BG),
    "suffix_logprobs mask": lambda: scored(suffix_logprobs, sampled_BGT=MASK_BGT[..., :1]),
    "suffix_logprobs type": lambda: scored(suffix_logprobs, suffix_BGT=VALUE_BGT),
    "suffix_logprobs rows": lambda: repacked(begin_BRS=PACKED.packed.begin_BRS[..., :1]),
    "suffix_logprobs index": lambda: repacked(index_BGT=PACKED.packed.index_BGT[..., :1]),
    "suffix_logprobs row groups": lambda: repacked(
        **{name: x[:1] for name, x in PACKED.packed._asdict().items() if name.endswith("BRS")}
    ),
    "suffix_logprobs_and_balance shape": lambda: scored(suffix_logprobs_and_balance, prefix_BP=BATCH.prefix_BP[0]),
    "pack_rows rank": lambda: pack_rows(TOKENS_BGT[0], MASK_BGT[0], LENGTH_BG, (1,), 0),
    "pack_rows shape": lambda: pack_rows(TOKENS_BGT, MASK_BGT[..., :1], LENGTH_BG, (1,), 0),
    "pack_rows lengths": lambda: pack_rows(TOKENS_BGT, MASK_BGT, LENGTH_BG[:, :1], (1,), 0),
    "pack_rows type": lambda: pack_rows(VALUE_BGT, MASK_BGT, LENGTH_BG, (1,), 0),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_shapes__are_accepted(name):
    RIGHT[name]()


@pytest.mark.parametrize("name", WRONG)
def test_wrong_shape__raises(name):
    with pytest.raises(AssertionError):
        WRONG[name]()


def test_wrong_shape__raises_while_tracing():
    with pytest.raises(AssertionError):
        jax.jit(token_ratio)(jnp.zeros((B, T)))
    assert jax.jit(token_ratio)(jnp.zeros((B, G, T))).shape == (B, G, T)
