"""Rewards -> advantages: how much better than its group a member did. Pure functions of NumPy arrays.

Axes: B groups, G members. Invalid members (their simulator failed) count nowhere and get 0.
"""

from typing import Literal

import numpy as np

Baseline = Literal["mean", "std", "leave_one_out"]
Gate = Literal["off", "always", "auto"]
STD_FLOOR = 1e-4
"""Added to a group's deviation, so that nearly equal rewards do not make huge advantages."""


def group_relative(reward_BG: np.ndarray, valid_BG: np.ndarray, baseline: Baseline = "mean") -> np.ndarray:
    """Advantage [B, G] of each member against its group's valid members.

    mean            r - mean(r): Dr. GRPO (arXiv 2503.20783, section 3)
    std             (r - mean(r)) / std(r), the sample deviation: GRPO (arXiv 2402.03300, section 4.1)
    leave_one_out   r - mean of the other members: RLOO (arXiv 2402.14740, section 3)

    A group whose rewards are all equal gets exact zeros: its mean could differ from them by a rounding error.
    """
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


def overlong_penalty(length_BG: np.ndarray, soft: int, hard: int) -> np.ndarray:
    """Reward [B, G] to add for lengths in tokens: 0 up to `soft`, falling in a line to -1 at `hard` and beyond.

    DAPO's soft overlong punishment (arXiv 2503.14476, equation 13). Needs soft < hard.
    """
    return -np.clip((length_BG - soft) / (hard - soft), 0.0, 1.0)
