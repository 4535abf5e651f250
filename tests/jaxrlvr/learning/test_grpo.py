"""Laws of advantages and of the loss; golden values worked out by hand."""

import math
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.learning.advantages import group_relative, outcome_gated
from jaxrlvr.learning.batch import empty
from jaxrlvr.learning.grpo import GRPOConfig, advantages, objective, policy_loss
from jaxrlvr.rollout.trajectory import Group, Trajectory

CONFIG = GRPOConfig(clip_low=0.2, clip_high=0.28)


def valid(*shape):
    return np.ones(shape, bool)


def groups_of(rewards, scenario="s", successes=None):
    """Groups with given rewards; None is a member whose simulator failed."""
    groups = []
    for b, row in enumerate(rewards):
        members = []
        for g, reward in enumerate(row):
            member = Trajectory(None, stop="fault" if reward is None else "done")
            if reward is not None:
                member.verdict = SimpleNamespace(reward=reward, success=bool(successes and successes[b][g]))
            members.append(member)
        name = scenario if isinstance(scenario, str) else scenario[b]
        groups.append(Group(SimpleNamespace(scenario=name), [1], members))
    return groups


def test_group_relative__sums_to_zero_in_every_group():
    rng = np.random.default_rng(0)
    reward_BG, valid_BG = rng.random((50, 8)), rng.random((50, 8)) < 0.8
    advantage_BG = group_relative(reward_BG, valid_BG)
    chex.assert_shape(advantage_BG, (50, 8))
    np.testing.assert_allclose(advantage_BG.sum(axis=1), 0, atol=1e-6)


def test_group_relative__is_reward_minus_mean():
    np.testing.assert_allclose(
        group_relative(np.array([[1.0, 0.0, 0.5, 0.5]]), valid(1, 4)), [[0.5, -0.5, 0.0, 0.0]], atol=1e-7
    )


@pytest.mark.parametrize("reward", [0.0, 0.1, 1 / 3, 0.7, 1.0])
def test_group_relative__of_equal_rewards_is_exactly_zero(reward):
    assert not group_relative(np.full((1, 7), reward), valid(1, 7)).any()


def test_group_relative__leaves_invalid_members_out():
    reward_BG = np.array([[1.0, 0.0, 99.0], [0.3, np.nan, np.nan], [5.0, 5.0, 0.0]])
    valid_BG = np.array([[True, True, False], [True, False, False], [True, True, False]])
    np.testing.assert_array_equal(group_relative(reward_BG, valid_BG), [[0.5, -0.5, 0.0], [0, 0, 0], [0, 0, 0]])


def test_group_relative__of_a_group_without_any_valid_member_is_zero():
    assert not group_relative(np.array([[1.0, 2.0]]), ~valid(1, 2)).any()


def test_outcome_gate__off_always_and_auto():
    advantage_BG = np.array([[0.5, -0.5], [0.1, -0.1], [0.2, -0.2]], np.float32)
    success_BG = np.array([[True, False], [False, False], [False, False]])
    often_solved_B = np.array([True, True, False])
    zero, unchanged = np.zeros(2, np.float32), advantage_BG
    np.testing.assert_array_equal(outcome_gated(advantage_BG, success_BG, often_solved_B, "off"), unchanged)
    np.testing.assert_array_equal(
        outcome_gated(advantage_BG, success_BG, often_solved_B, "always"), np.stack([unchanged[0], zero, zero])
    )
    np.testing.assert_array_equal(
        outcome_gated(advantage_BG, success_BG, often_solved_B, "auto"), np.stack([unchanged[0], zero, unchanged[2]])
    )


def test_advantages__exclude_members_whose_simulator_failed():
    np.testing.assert_array_equal(
        advantages(groups_of([[1.0, None, 0.0]]), GRPOConfig()), np.array([[0.5, 0, -0.5]], np.float32)
    )


def test_advantages__auto_gate_looks_at_each_scenario_by_itself():
    rewards = [[1.0, 0.5], [0.4, 0.0], [0.4, 0.0]]
    successes = [[True, True], [False, False], [False, False]]
    groups = groups_of(rewards, ["often", "often", "seldom"], successes)
    advantage_BG = advantages(groups, GRPOConfig(outcome_gate="auto", gate_above=0.5))
    np.testing.assert_allclose(advantage_BG, [[0.25, -0.25], [0, 0], [0.2, -0.2]], atol=1e-7)


def loss_of(logprob, behaviour, advantage, config=CONFIG, reference=None):
    """`policy_loss` of one member per group with one token each."""
    shape = (len(logprob), 1, 1)
    batch = empty(len(logprob), 1, 1, 1, 0)._replace(
        behaviour_BGT=jnp.reshape(jnp.array(behaviour, jnp.float32), shape),
        sampled_BGT=jnp.ones(shape, bool),
        advantage_BG=jnp.reshape(jnp.array(advantage, jnp.float32), shape[:2]),
    )
    reference_BGT = None if reference is None else jnp.reshape(jnp.array(reference, jnp.float32), shape)
    logprob_BGT = jnp.reshape(jnp.array(logprob, jnp.float32), shape)
    return policy_loss(logprob_BGT, jnp.zeros(shape), batch, reference_BGT, config)


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "low", "high", "slope"),
    [
        # Inside the range nothing is clipped: loss = -ratio x advantage.
        (1.1, 2.0, -2.2, 0, 0, -2.2),
        (0.9, -2.0, 1.8, 0, 0, 1.8),
        # Above 1 + clip_high = 1.28: clipped where the advantage is positive only.
        (1.5, 2.0, -2.56, 0, 1, 0.0),
        (1.5, -2.0, 3.0, 0, 0, 3.0),
        # Below 1 - clip_low = 0.8: clipped where the advantage is negative only.
        (0.5, -2.0, 1.6, 1, 0, 0.0),
        (0.5, 2.0, -1.0, 0, 0, -1.0),
        # Between 1.2 and 1.28: the wider upper side lets a rare good token grow on.
        (1.25, 2.0, -2.5, 0, 0, -2.5),
    ],
)
def test_policy_loss__golden_values_on_both_sides_of_the_clip(ratio, advantage, loss, low, high, slope):
    stats = loss_of([math.log(ratio)], [0.0], [advantage])
    assert float(stats.loss) == pytest.approx(loss, abs=1e-6)
    assert (int(stats.clipped_low), int(stats.clipped_high)) == (low, high)
    gradient = jax.grad(lambda logprob: loss_of([logprob], [0.0], [advantage]).loss)(jnp.float32(math.log(ratio)))
    assert float(gradient) == pytest.approx(slope, abs=1e-5)


def test_policy_loss__at_the_first_update_is_minus_the_advantages():
    logprob = [-0.3, -2.0, -7.5]
    stats = loss_of(logprob, logprob, [0.5, -0.25, 1.0])
    assert float(stats.loss) == pytest.approx(-1.25, abs=1e-6)
    assert float(stats.behaviour_kl) == float(stats.behaviour_gap_max) == 0
    assert int(stats.clipped_low) == int(stats.clipped_high) == 0


def test_policy_loss__reports_the_distance_from_the_behaviour_policy():
    stats = loss_of([-1.0, -1.0], [-1.5, -0.9], [0.0, 0.0])
    assert float(stats.behaviour_gap_max) == pytest.approx(0.5, abs=1e-6)
    expected = (math.exp(0.5) - 1 - 0.5) + (math.exp(-0.1) - 1 + 0.1)
    assert float(stats.behaviour_kl) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("garbage", [np.nan, np.inf, -np.inf, 1e30, -1e30])
def test_policy_loss__of_a_masked_token_has_exactly_zero_value_and_gradient(garbage):
    sampled_BGT = np.array([[[True, False, False], [True, True, False]]])
    clean_BGT, dirty_BGT = (jnp.asarray(np.where(sampled_BGT, -1.1, other), jnp.float32) for other in (0.0, garbage))

    def stats_of(logprob_BGT, other_BGT):
        batch = empty(1, 2, 1, 3, 0)._replace(
            behaviour_BGT=other_BGT, sampled_BGT=jnp.asarray(sampled_BGT), advantage_BG=jnp.array([[1.0, -1.0]])
        )
        return policy_loss(logprob_BGT, other_BGT, batch, other_BGT, GRPOConfig(kl_beta=0.1))

    gradient_BGT = np.asarray(jax.grad(lambda logprob_BGT: stats_of(logprob_BGT, dirty_BGT).loss)(dirty_BGT))
    assert (gradient_BGT[~sampled_BGT] == 0).all()
    assert np.isfinite(gradient_BGT).all() and (gradient_BGT[sampled_BGT] != 0).all()
    chex.assert_trees_all_equal(stats_of(dirty_BGT, dirty_BGT), stats_of(clean_BGT, clean_BGT))


def test_kl__is_never_negative_and_zero_only_for_equals():
    rng = np.random.default_rng(0)
    logprob, reference = -rng.exponential(2, 100), -rng.exponential(2, 100)
    config = GRPOConfig(kl_beta=1.0)
    for a, b in zip(logprob, reference, strict=True):
        assert float(loss_of([a], [a], [0.0], config, [b]).kl) > 0
    same = loss_of(logprob, logprob, np.zeros(100), config, logprob)
    assert float(same.kl) == float(same.loss) == 0


def test_kl__weighs_kl_beta_in_the_loss():
    stats = loss_of([-1.0], [-1.0], [0.0], GRPOConfig(kl_beta=0.25), [-1.5])
    assert float(stats.kl) == pytest.approx(math.exp(-0.5) + 0.5 - 1, abs=1e-6)
    assert float(stats.loss) == pytest.approx(0.25 * float(stats.kl), abs=1e-7)


def test_objective__is_policy_loss_with_its_settings():
    batch = empty(1, 1, 1, 1, 0)._replace(
        sampled_BGT=np.ones((1, 1, 1), bool), advantage_BG=np.ones((1, 1), np.float32)
    )
    logprob_BGT = jnp.full((1, 1, 1), math.log(1.5))
    wide = objective(GRPOConfig(clip_high=0.4)).loss(logprob_BGT, jnp.zeros((1, 1, 1)), batch, None)
    assert float(wide.loss) == pytest.approx(-1.4, abs=1e-6)
