"""Laws of the parts of a loss and of the published objectives put together from them; golden values by hand."""

import math
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.learning import grpo
from jaxrlvr.learning.advantages import STD_FLOOR
from jaxrlvr.learning.batch import empty
from jaxrlvr.learning.grpo import GRPOConfig, policy_loss
from jaxrlvr.learning.losses import correction_weight, kl_estimate, sequence_ratio

# Two members of one group: three sampled tokens, and one. Ratios 1.5, 1, 0.5 and 2.
SAMPLED_BGT = jnp.array([[[True, True, True], [True, False, False]]])
THEN_BGT = jnp.array([[[-1.0, -2.0, -1.5], [-3.0, 0.0, 0.0]]])
GAP_BGT = jnp.array([[[math.log(1.5), 0.0, math.log(0.5)], [math.log(2.0), 0.0, 0.0]]])
NOW_BGT = THEN_BGT + GAP_BGT
ADVANTAGE_BG = jnp.array([[0.5, -0.5]])
BATCH = empty(1, 2, 1, 3, 0)._replace(behaviour_BGT=THEN_BGT, sampled_BGT=SAMPLED_BGT, advantage_BG=ADVANTAGE_BG)


def stats(config, now_BGT=NOW_BGT, reference_BGT=None):
    entropy_BGT = jnp.full(now_BGT.shape, 0.25)
    return policy_loss(now_BGT, entropy_BGT, BATCH, reference_BGT, config)


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
    assert grpo.objective(config).denominator([BATCH, empty(1, 2, 1, 3, 0)]) == expected[1]


STD = 0.5 / (math.sqrt(0.5) + STD_FLOOR)
"""Rewards 1 and 0 against their mean, in units of their sample deviation."""
OVERLONG = 0.25 / (math.sqrt(0.125) + STD_FLOOR)
"""The same for 0.5 and 0: three tokens lie half-way between 2, where the penalty begins, and 4, where it is 1."""
GEOMETRIC = 0.75 ** (1 / 3)
PUBLISHED = {
    # Clipped at 1.2; each member's mean, then the members'. k3 of a reference lower by 0.5; its slope is 1 - exp(-0.5).
    "grpo": (
        GRPOConfig(baseline="std", clip_high=0.2, mean="sequence", kl_beta=0.04),
        (-STD * (1.2 + 1 + 0.5) / 3 + STD * 2) / 2 + 0.04 * (math.exp(-0.5) - 0.5),
        [[0, -STD / 6, -0.5 * STD / 6], [STD, 0, 0]],
        0.04 * (1 - math.exp(-0.5)),
    ),
    # Centred only; a member's sum over 256 whatever its length.
    "dr_grpo": (
        GRPOConfig(clip_high=0.2, mean="constant"),
        (-0.5 * (1.2 + 1 + 0.5) + 0.5 * 2) / 512,
        [[0, -0.5 / 512, -0.25 / 512], [1 / 512, 0, 0]],
        0.0,
    ),
    # Clipped at 1.28; all four tokens alike; the long member's reward has fallen to a half.
    "dapo": (
        GRPOConfig(baseline="std", overlong_soft=2, overlong_hard=4),
        OVERLONG * (-(1.28 + 1 + 0.5) + 2) / 4,
        [[0, -OVERLONG / 4, -OVERLONG / 8], [OVERLONG / 2, 0, 0]],
        0.0,
    ),
    # One ratio a member: 0.909, a third of whose gradient goes to each token, and 2.
    "gspo": (
        GRPOConfig(surrogate="gspo", baseline="std", mean="sequence", clip_low=3e-4, clip_high=4e-4),
        STD * (2 - GEOMETRIC) / 2,
        [[-STD * GEOMETRIC / 6] * 3, [STD, 0, 0]],
        0.0,
    ),
    # Weights 1.28, 1, 0.5 and 1.28, and nobody is silenced. The value is weight x advantage x log-prob.
    "cispo": (
        GRPOConfig(surrogate="cispo", baseline="std", clip_low=1.0),
        -STD / 4 * (1.28 * (math.log(1.5) - 1) - 2 + 0.5 * (math.log(0.5) - 1.5) - 1.28 * (math.log(2) - 3)),
        [[-1.28 * STD / 4, -STD / 4, -0.5 * STD / 4], [1.28 * STD / 4, 0, 0]],
        0.0,
    ),
    # Against the only other member: 1 and -1.
    "rloo": (
        GRPOConfig(baseline="leave_one_out"),
        (-(1.28 + 1 + 0.5) + 2) / 4,
        [[0, -1 / 4, -0.5 / 4], [2 / 4, 0, 0]],
        0.0,
    ),
}
"""Settings, loss, and gradient of the surrogate by log-prob, of a step that is this one group; and what the KL adds to
the gradient of a token, before it is averaged like all else."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published__objective_from_rewards_to_gradient_by_hand(name):
    config, expected, slope, kl_slope = PUBLISHED[name]
    verdicts = [SimpleNamespace(reward=1.0, success=True), SimpleNamespace(reward=0.0, success=False)]
    members = [
        SimpleNamespace(valid=True, verdict=verdict, sampled=sampled)
        for verdict, sampled in zip(verdicts, np.asarray(SAMPLED_BGT)[0].tolist(), strict=True)
    ]
    group = SimpleNamespace(members=members, task=SimpleNamespace(scenario="a"))
    batch = BATCH._replace(advantage_BG=jnp.asarray(grpo.advantages([group], config)))
    divisor = grpo.objective(config).denominator([BATCH])
    reference_BGT = NOW_BGT - 0.5 if config.kl_beta else None

    def mean(now_BGT):
        entropy_BGT = jnp.zeros(now_BGT.shape)
        return policy_loss(now_BGT, entropy_BGT, batch, reference_BGT, config).loss / divisor

    assert float(mean(NOW_BGT)) == pytest.approx(expected, abs=1e-6)
    share = np.array([[1 / 6] * 3, [1 / 2, 0, 0]])  # of members' means
    np.testing.assert_allclose(jax.grad(mean)(NOW_BGT)[0], np.array(slope) + kl_slope * share, atol=1e-6)


def test_rloo__on_the_first_update_is_reinforce():
    """If every ratio is 1, the gradient is minus the advantage of each token."""
    batch, config = BATCH._replace(behaviour_BGT=NOW_BGT), GRPOConfig(baseline="leave_one_out")
    slope = jax.grad(lambda now_BGT: policy_loss(now_BGT, now_BGT, batch, None, config).loss)(NOW_BGT)
    np.testing.assert_allclose(slope[0], [[-0.5] * 3, [0.5, 0, 0]], atol=1e-6)


def test_kl__estimates_of_one_distance():
    d = jnp.full((1, 1, 1), -0.5)
    assert kl_estimate(d, "k1").item() == pytest.approx(0.5)
    assert kl_estimate(d, "k2").item() == pytest.approx(0.125)
    assert kl_estimate(d, "k3").item() == pytest.approx(math.exp(-0.5) + 0.5 - 1)


def test_kl__estimates_agree_in_the_mean():
    rng = np.random.default_rng(0)
    policy = np.array([0.5, 0.3, 0.2])
    reference = np.array([0.48, 0.33, 0.19])
    drawn = rng.choice(3, 200_000, p=policy)
    distance = jnp.asarray(np.log(reference / policy))[drawn].reshape(1, 1, -1)
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
    third = GRPOConfig(kl_beta=0.1, kl_in_reward=True)
    # The same with k3 instead of 0.5; no gradient through it either.
    slopes = [[0, 0.1 * k3 - 0.5, (0.1 * k3 - 0.5) / 2], [2 * (0.5 + 0.1 * k3), 0, 0]]
    np.testing.assert_allclose(gradient(third, reference_BGT=reference_BGT), slopes, atol=1e-6)


def test_entropy_bonus__is_taken_from_the_loss():
    assert loss(GRPOConfig(entropy_bonus=0.1)) == pytest.approx(-0.39 - 4 * 0.1 * 0.25, abs=1e-6)


def test_correction__truncates_tokens_or_whole_members():
    token_BGT = correction_weight(GAP_BGT, SAMPLED_BGT, "token", 1.2)
    np.testing.assert_allclose(token_BGT, [[[1.2, 1, 0.5], [1.2, 0, 0]]], rtol=1e-6)
    sequence_BGT = correction_weight(GAP_BGT, SAMPLED_BGT, "sequence", 1.2)
    np.testing.assert_allclose(sequence_BGT, [[[0.75, 0.75, 0.75], [1.2, 0, 0]]], rtol=1e-6)
    huge = correction_weight(jnp.full((1, 1, 400), 5.0), jnp.ones((1, 1, 400), bool), "sequence", 2.0)
    np.testing.assert_allclose(huge, 2.0, rtol=1e-6)


def test_correction__with_a_mask_leaves_out_what_is_too_far_off_either_way():
    ratio_BGT = np.exp(GAP_BGT) * SAMPLED_BGT
    near_BGT = (ratio_BGT <= 1.6) & (ratio_BGT >= 1 / 1.6)
    masked_BGT = correction_weight(GAP_BGT, SAMPLED_BGT, "token_mask", 1.6)
    np.testing.assert_allclose(masked_BGT, ratio_BGT * near_BGT, rtol=1e-6)
    assert near_BGT.any() and (SAMPLED_BGT & ~near_BGT).any()
    whole_BGT = correction_weight(GAP_BGT, SAMPLED_BGT, "sequence_mask", 1.4)
    np.testing.assert_allclose(whole_BGT, [[[0.75, 0.75, 0.75], [0, 0, 0]]], rtol=1e-6)


@pytest.mark.parametrize("correction", ["token", "sequence", "token_mask", "sequence_mask"])
def test_correction__weighs_a_ratio_of_one(correction):
    config = GRPOConfig(correction=correction, correction_cap=1.2)
    weight_BGT = np.asarray(correction_weight(GAP_BGT, SAMPLED_BGT, correction, 1.2))
    expected = -weight_BGT * np.asarray(ADVANTAGE_BG)[..., None]
    np.testing.assert_allclose(gradient(config), expected[0], atol=1e-6)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize(
    "config",
    [
        GRPOConfig(surrogate="gspo", mean="sequence"),
        GRPOConfig(surrogate="cispo", entropy_bonus=0.1),
        GRPOConfig(correction="token"),
        GRPOConfig(correction="token_mask"),
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
