"""Laws of utilisation: FLOPs are those of the step's own tokens, rates those of its own seconds."""

import itertools
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from jaxrlvr.monitoring.metrics import MACHINE_DEPENDENT
from jaxrlvr.monitoring.utilisation import MATRIX_SIZE, Meter, group_flops, measured_peak
from jaxrlvr.rollout.dynamic_sampling import StepGroups
from jaxrlvr.rollout.trajectory import Group, Trajectory
from models import ModelConfig
from models.memory_and_flops import Batch, forward_flops

SHAPE = ModelConfig(vocab_size=512, hidden_size=32, num_layers=2, num_heads=4, num_kv_heads=2, head_dim=8, mlp_size=48)


def group(prefix, *suffixes):
    return Group(SimpleNamespace(), [1] * prefix, [Trajectory(None, [2] * n) for n in suffixes])


def meter(**settings):
    return Meter(
        **{"config": SHAPE, "peak": 1e9, "has_gradient_without_advantage": False, "reference": False} | settings
    )


def test_group_flops__of_equal_members_are_the_budgets():
    assert group_flops(SHAPE, group(20, 9, 9, 9)) == pytest.approx(forward_flops(SHAPE, Batch(1, 3, 20, 9)))


def test_group_flops__of_unlike_members_worked_by_hand():
    """2 for each weight and token (logits: suffix tokens alone); 4 for each number of a head, query and key."""
    # Two layers of queries, keys and values, outputs, mlp; norms count too, next to nothing.
    weights = 2 * 32 * (32 + 2 * 16 + 32 + 3 * 48)
    pairs = 20 * 20 + 5 * (20 + 5) + 11 * (20 + 11)
    by_hand = 2 * weights * (20 + 5 + 11) + 2 * 4 * 32 * pairs + 2 * (5 + 11) * 32 * 512
    assert group_flops(SHAPE, group(20, 5, 11)) == pytest.approx(by_hand, rel=0.02)


def test_learned__counts_a_backward_pass_where_there_is_one():
    groups, advantage_BG = [group(20, 5, 11), group(9, 7, 7)], np.array([[0.5, -0.5], [0.0, 0.0]])
    first, second = (group_flops(SHAPE, each) for each in groups)
    assert meter().learned(groups, advantage_BG) == pytest.approx(3 * first + second)
    assert meter(has_gradient_without_advantage=True).learned(groups, advantage_BG) == pytest.approx(
        3 * (first + second)
    )
    assert meter(reference=True).learned(groups, advantage_BG) == pytest.approx(4 * first + 2 * second)


def test_figures__are_rates_and_their_share_of_the_peak():
    """A group that was sampled but not used counts only in sampling."""
    groups = [group(20, 5, 11), group(9, 7, 7)]
    drawn = StepGroups(groups, np.array([[0.5, -0.5], [0.0, 0.0]]), [0], 1)
    figures = meter().figures(drawn, {"seconds/sample": 2.0, "seconds/update": 0.5})
    first, second = (group_flops(SHAPE, each) for each in groups)
    assert figures["speed/sample_flops"] == pytest.approx((first + second) / 2)
    assert figures["speed/update_flops"] == pytest.approx(3 * first / 0.5)
    assert figures["speed/update_utilisation"] == pytest.approx(3 * first / 0.5 / 1e9)
    assert all(name.startswith(MACHINE_DEPENDENT) for name in figures)


def test_peak__counts_the_devices_of_a_cpu_once_and_others_each():
    """With a clock that ticks once per reading, a product takes a second: the rate is the product's own FLOPs."""
    clock = itertools.count(0.0).__next__
    assert jax.device_count() == 8
    assert measured_peak("float32", clock=clock) == 2.0 * MATRIX_SIZE["cpu"] ** 3
    assert measured_peak("bfloat16", platform="gpu", size=64, clock=clock) == 8 * 2.0 * 64**3
