"""Laws of the parts of a loss and of the published objectives put together from them; golden values by hand."""

import math
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr import grpo
from jaxrlvr.grpo import GRPOConfig, policy_loss
from jaxrlvr.objectives import kl_estimate, sequence_ratio, truncated_weight

# Two members of one group: three sampled tokens, and one. Ratios 1.5, 1, 0.5 and 2.
SAMPLED_BGT = jnp.array([[[True, True, True], [True, False, False]]])
THEN_BGT = jnp.array([[[-1.0, -2.0, -1.5], [-3.0, 0.0, 0.0]]])
GAP_BGT = jnp.array([[[math.log(1.5), 0.0, math.log(0.5)], [math.log(2.0), 0.0, 0.0]]])
NOW_BGT = THEN_BGT + GAP_BGT
ADVANTAGE_BG = jnp.array([[0.5, -0.5]])


def stats(config, now_BGT=NOW_BGT, reference_BGT=None):
    entropy_BGT = jnp.full(now_BGT.shape, 0.25)
    return policy_loss(now_BGT, entropy_BGT, THEN_BGT, SAMPLED_BGT, ADVANTAGE_BG, reference_BGT, config)


def loss(config, **settings):
    return float(stats(config, **settings).loss)


def gradient(config, **settings):
    return np.asarray(jax.grad(lambda now_BGT: stats(config, now_BGT, **settings).loss)(NOW_BGT))[0]


def test_clip__of_the_four_tokens():
    # 0.5 x (min(1.5, 1.28) + 1 + 0.5) = 1.39; -0.5 x max(2, 1.28) = -1.
    assert loss(GRPOConfig()) == pytest.approx(-1.39 + 1.0, abs=1e-6)
    # d ratio / d log-prob = ratio; the clipped token has none.
    np.testing.assert_allclose(gradient(GRPOConfig()), [[0, -0.5, -0.25], [1.0, 0, 0]], atol=1e-6)


def test_gspo__has_one_ratio_for_each_member():
    mean = math.log(1.5 * 0.5) / 3
    ratio_BGT = sequence_ratio(GAP_BGT, SAMPLED_BGT)
    np.testing.assert_allclose(ratio_BGT[0, :, 0], [math.exp(mean), 2.0], rtol=1e-6)
    config = GRPOConfig(surrogate="gspo", mean="sequence", clip_low=0.2, clip_high=0.2)
    # Each member's three (one) equal tokens are averaged: -0.5 x 0.9086 + 0.5 x 2.
    assert loss(config) == pytest.approx(-0.5 * math.exp(mean) + 1.0, abs=1e-6)
    expected = [[-0.5 * math.exp(mean) / 3] * 3, [1.0, 0, 0]]
    np.testing.assert_allclose(gradient(config), expected, atol=1e-6)


def test_cispo__teaches_with_a_bounded_weight_where_clip_is_silent():
    config = GRPOConfig(surrogate="cispo", clip_low=0.2, clip_high=0.28)
    # Minus weight x advantage: weights 1.28, 1, 0.8 and 1.28.
    np.testing.assert_allclose(gradient(config), [[-0.64, -0.5, -0.4], [0.64, 0, 0]], atol=1e-6)


@pytest.mark.parametrize(
    ("mean", "expected"),
    [("token", [-0.39, 4]), ("sequence", [-1.39 / 3 + 1.0, 2]), ("constant", [-0.39, 2 * 256])],
)
def test_mean__divides_members_or_the_step(mean, expected):
    config = GRPOConfig(mean=mean)
    assert loss(config) == pytest.approx(expected[0], abs=1e-6)
    batch = SimpleNamespace(sampled_BGT=np.asarray(SAMPLED_BGT))
    idle = SimpleNamespace(sampled_BGT=np.zeros((1, 2, 3), bool))
    assert grpo.denominator(config)([batch, idle]) == expected[1]


def test_kl__estimates_of_one_distance():
    d = jnp.array(-0.5)
    assert float(kl_estimate(d, "k1")) == pytest.approx(0.5)
    assert float(kl_estimate(d, "k2")) == pytest.approx(0.125)
    assert float(kl_estimate(d, "k3")) == pytest.approx(math.exp(-0.5) + 0.5 - 1)


def test_kl__estimates_agree_in_the_mean():
    rng = np.random.default_rng(0)
    policy = np.array([0.5, 0.3, 0.2])
    reference = np.array([0.48, 0.33, 0.19])
    drawn = rng.choice(3, 200_000, p=policy)
    distance = jnp.asarray(np.log(reference / policy))[drawn]
    exact = float((policy * np.log(policy / reference)).sum())
    for kind, tolerance in (("k1", 0.3), ("k2", 0.05), ("k3", 0.05)):
        assert float(kl_estimate(distance, kind).mean()) == pytest.approx(exact, rel=tolerance)


def test_kl__in_the_loss_is_added_and_in_the_reward_moves_advantages_without_a_gradient():
    reference_BGT = NOW_BGT - 0.5
    k3 = math.exp(-0.5) + 0.5 - 1
    in_loss = GRPOConfig(kl_beta=0.1)
    assert loss(in_loss, reference_BGT=reference_BGT) == pytest.approx(-0.39 + 4 * 0.1 * k3, abs=1e-6)
    in_reward = GRPOConfig(kl_beta=0.1, kl_estimate="k1", kl_in_reward=True)
    # Advantages become 0.5 - 0.05 and -0.5 - 0.05: -(0.45 x 2.78) + 0.55 x 2.
    assert loss(in_reward, reference_BGT=reference_BGT) == pytest.approx(-0.45 * 2.78 + 1.1, abs=1e-6)
    expected = [[0, -0.45, -0.225], [1.1, 0, 0]]
    np.testing.assert_allclose(gradient(in_reward, reference_BGT=reference_BGT), expected, atol=1e-6)


def test_entropy_bonus__is_taken_from_the_loss():
    assert loss(GRPOConfig(entropy_bonus=0.1)) == pytest.approx(-0.39 - 4 * 0.1 * 0.25, abs=1e-6)


def test_correction__truncates_tokens_or_whole_members():
    token_BGT = truncated_weight(GAP_BGT, SAMPLED_BGT, "token", 1.2)
    np.testing.assert_allclose(token_BGT, [[[1.2, 1, 0.5], [1.2, 0, 0]]], rtol=1e-6)
    sequence_BGT = truncated_weight(GAP_BGT, SAMPLED_BGT, "sequence", 1.2)
    np.testing.assert_allclose(sequence_BGT, [[[0.75, 0.75, 0.75], [1.2, 0, 0]]], rtol=1e-6)
    huge = truncated_weight(jnp.full((1, 1, 400), 5.0), jnp.ones((1, 1, 400), bool), "sequence", 2.0)
    np.testing.assert_allclose(huge, 2.0, rtol=1e-6)


@pytest.mark.parametrize("correction", ["token", "sequence"])
def test_correction__weighs_a_ratio_of_one(correction):
    config = GRPOConfig(correction=correction, correction_cap=1.2)
    weight_BGT = np.asarray(truncated_weight(GAP_BGT, SAMPLED_BGT, correction, 1.2))
    expected = -weight_BGT * np.asarray(ADVANTAGE_BG)[..., None]
    np.testing.assert_allclose(gradient(config), expected[0], atol=1e-6)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize(
    "config",
    [
        GRPOConfig(surrogate="gspo", mean="sequence"),
        GRPOConfig(surrogate="cispo", entropy_bonus=0.1),
        GRPOConfig(correction="token"),
        GRPOConfig(correction="sequence", kl_beta=0.1, kl_estimate="k2"),
        GRPOConfig(kl_beta=0.1, kl_in_reward=True, mean="constant"),
    ],
    ids=lambda config: f"{config.surrogate}-{config.mean}-{config.correction}",
)
def test_masked_token__has_exactly_no_value_and_no_gradient(config, garbage):
    reference_BGT = NOW_BGT - 0.5 if config.kl_beta else None
    expected = stats(config, reference_BGT=reference_BGT)
    spoilt_BGT = jnp.where(SAMPLED_BGT, NOW_BGT, garbage)
    chex.assert_trees_all_equal(stats(config, spoilt_BGT, reference_BGT), expected)
    slope = jax.grad(lambda now_BGT: stats(config, now_BGT, reference_BGT).loss)(spoilt_BGT)
    assert not np.asarray(slope)[~np.asarray(SAMPLED_BGT)].any()
