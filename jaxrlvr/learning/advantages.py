"""Rewards -> advantages: how much better a member did than its group. Pure functions of NumPy arrays.

Axes: B groups, G members. Invalid members (their simulator failed) enter no statistic and get advantage 0. A wrong
shape or type raises AssertionError.
"""

from typing import Literal

import chex
import numpy as np

Baseline = Literal["mean", "std", "leave_one_out"]
Gate = Literal["off", "always", "auto"]
STD_FLOOR = 1e-4
"""Added to a group's standard deviation, so that nearly equal rewards do not get huge advantages."""


def group_relative(reward_BG: np.ndarray, valid_BG: np.ndarray, baseline: Baseline = "mean") -> np.ndarray:
    """Compute the advantage [B, G] of each member relative to its group's valid members.

    mean            r - mean(r): Dr. GRPO (arXiv 2503.20783, section 3)
    std             (r - mean(r)) / std(r), the sample standard deviation: GRPO (arXiv 2402.03300, section 4.1)
    leave_one_out   r - mean of the other members: RLOO (arXiv 2402.14740, section 3)

    A group whose rewards are all equal gets exact zeros, although its computed mean may differ by a rounding error.
    """
    chex.assert_rank([reward_BG, valid_BG], 2)
    chex.assert_equal_shape([reward_BG, valid_BG])
    chex.assert_type([reward_BG, valid_BG], [float, bool])
    count_B1 = np.maximum(valid_BG.sum(axis=1, keepdims=True), 1)
    mean_B1 = np.where(valid_BG, reward_BG, 0.0).sum(axis=1, keepdims=True) / count_B1
    low_B1 = np.where(valid_BG, reward_BG, np.inf).min(axis=1, keepdims=True)
    high_B1 = np.where(valid_BG, reward_BG, -np.inf).max(axis=1, keepdims=True)
    advantage_BG = np.where(valid_BG & (high_B1 > low_B1), reward_BG - mean_B1, 0.0)
    others_B1 = np.maximum(count_B1 - 1, 1)
    if baseline == "std":
        advantage_BG /= np.sqrt((advantage_BG**2).sum(axis=1, keepdims=True) / others_B1) + STD_FLOOR
    elif baseline == "leave_one_out":
        advantage_BG *= count_B1 / others_B1
    return advantage_BG.astype(np.float32)


def outcome_gated(
    advantage_BG: np.ndarray, success_BG: np.ndarray, often_solved_B: np.ndarray, gate: Gate
) -> np.ndarray:
    """Zero the advantages [B, G] of groups in which no member succeeded.

    Gate "off" zeroes none, "always" all of them, "auto" those whose scenario is often solved (`often_solved_B`):
    reward differences between failing members help early in training and may mislead later.
    """
    chex.assert_rank([advantage_BG, success_BG, often_solved_B], [2, 2, 1])
    chex.assert_equal_shape([advantage_BG, success_BG])
    chex.assert_equal_shape_prefix([advantage_BG, often_solved_B], 1)
    chex.assert_type([advantage_BG, success_BG, often_solved_B], [float, bool, bool])
    if gate == "off":
        return advantage_BG
    all_failed_B = np.logical_not(success_BG.any(axis=1))
    gated_B = all_failed_B if gate == "always" else all_failed_B & often_solved_B
    return np.where(gated_B[:, None], np.float32(0), advantage_BG)


def overlong_penalty(length_BG: np.ndarray, soft: int, hard: int) -> np.ndarray:
    """Return the reward [B, G] to add for lengths in tokens: 0 up to `soft`, falling linearly to -1 from `hard` on.

    DAPO's soft overlong punishment (arXiv 2503.14476, equation 13). Requires soft < hard.
    """
    chex.assert_rank(length_BG, 2)
    chex.assert_type(length_BG, int)
    return -np.clip((length_BG - soft) / (hard - soft), 0.0, 1.0)
