"""Laws of baselines and of the overlong penalty; golden values worked out by hand."""

import numpy as np
import pytest

from jaxrlvr.learning.advantages import STD_FLOOR, group_relative, overlong_penalty

REWARD_BG = np.array([[1.0, 0.0, 0.5, 0.5]])
ALL = np.ones((1, 4), bool)


def test_std__divides_by_the_sample_deviation():
    # Squares of 0.5, -0.5, 0, 0 sum to 0.5; over n - 1 = 3, the root is 0.40825.
    deviation = np.sqrt(0.5 / 3) + STD_FLOOR
    np.testing.assert_allclose(group_relative(REWARD_BG, ALL, "std"), [[0.5, -0.5, 0, 0]] / deviation, rtol=1e-6)


def test_std__does_not_blow_up_nearly_equal_rewards():
    advantage_BG = group_relative(np.array([[0.5, 0.5 + 1e-6]]), np.ones((1, 2), bool), "std")
    assert 0 < np.abs(advantage_BG).max() < 0.01


def test_leave_one_out__is_the_reward_against_the_mean_of_the_others():
    # 1 - (0 + 0.5 + 0.5) / 3, 0 - 2 / 3, 0.5 - 1.5 / 3 twice.
    np.testing.assert_allclose(group_relative(REWARD_BG, ALL, "leave_one_out"), [[2 / 3, -2 / 3, 0, 0]], atol=1e-7)


def test_leave_one_out__counts_valid_members_only():
    valid_BG = np.array([[True, True, False, True]])
    # 1 - (0 + 0.5) / 2, 0 - 1.5 / 2, invalid, 0.5 - 1 / 2.
    np.testing.assert_allclose(group_relative(REWARD_BG, valid_BG, "leave_one_out"), [[0.75, -0.75, 0, 0]], atol=1e-7)


@pytest.mark.parametrize("baseline", ["mean", "std", "leave_one_out"])
def test_baseline__sums_to_zero_and_is_zero_for_equal_rewards_and_lone_members(baseline):
    rng = np.random.default_rng(0)
    advantage_BG = group_relative(rng.random((20, 6)), np.ones((20, 6), bool), baseline)
    np.testing.assert_allclose(advantage_BG.sum(axis=1), 0, atol=1e-5)
    assert not group_relative(np.full((1, 5), 0.3), np.ones((1, 5), bool), baseline).any()
    assert not group_relative(np.array([[0.7, 0.1]]), np.array([[True, False]]), baseline).any()


def test_overlong__falls_in_a_line_from_soft_to_hard():
    length_BG = np.array([[0, 100, 125, 150, 200, 999]])
    np.testing.assert_allclose(overlong_penalty(length_BG, 100, 200), [[0, 0, -0.25, -0.5, -1, -1]])
