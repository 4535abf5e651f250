"""Laws of published objectives: losses and gradients equal TRL's on the same numbers; advantages, KL estimates and
importance weights equal verl's.

Their values are recorded in golden/; with TRL or verl installed, `pytest -m slow` recomputes them.
"""

import importlib.util
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.learning.advantages import group_relative
from jaxrlvr.learning.batch import empty
from jaxrlvr.learning.grpo import GRPOConfig, policy_loss
from jaxrlvr.learning.losses import correction_weight, kl_estimate

GOLDEN = Path(__file__).parent / "golden"
RECORDED = json.loads((GOLDEN / "trl_losses.json").read_text())
VERL = json.loads((GOLDEN / "verl_values.json").read_text())
OURS = {
    "grpo": GRPOConfig(mean="sequence", clip_high=0.2, kl_beta=0.04),
    "dapo": GRPOConfig(),
    "dr_grpo": GRPOConfig(mean="constant", clip_high=0.2, constant_length=16),
    "gspo": GRPOConfig(surrogate="gspo", mean="sequence", clip_low=3e-2, clip_high=4e-2),
    # TRL caps the ratio itself at 1.2 and has no lower end.
    "cispo": GRPOConfig(surrogate="cispo", clip_low=1.0, clip_high=0.2),
    "entropy": GRPOConfig(entropy_bonus=0.01),
}


def ours(config):
    """Loss, gradient and clipped shares of one group of six members."""
    given = {name: jnp.asarray(value)[None] for name, value in RECORDED["inputs"].items()}
    mask_BGT = given["mask"].astype(bool)
    groups, length = mask_BGT.shape[0], mask_BGT.shape[2]
    batch = empty(groups, mask_BGT.shape[1], 1, length, 0)._replace(
        behaviour_BGT=given["behaviour"], sampled_BGT=mask_BGT, advantage_BG=given["advantage"]
    )
    reference_BGT = given["reference"] if config.kl_beta else None
    members, tokens = mask_BGT.any(-1).sum(), mask_BGT.sum()
    divisor = {"token": tokens, "sequence": members, "constant": members * config.constant_length}[config.mean]

    def loss(logprob_BGT):
        stats = policy_loss(logprob_BGT, given["entropy"], batch, reference_BGT, config)
        return stats.loss / divisor, stats

    (value, stats), gradient_BGT = jax.value_and_grad(loss, has_aux=True)(given["logprob"])
    return float(value), np.asarray(gradient_BGT[0]), stats.clipped_low / tokens, stats.clipped_high / tokens


@pytest.mark.parametrize("name", OURS)
def test_objective__equals_trls(name):
    theirs = RECORDED["cases"][name]
    value, gradient_BT, low, high = ours(OURS[name])
    assert value == pytest.approx(theirs["loss"], rel=1e-5)
    np.testing.assert_allclose(gradient_BT, theirs["gradient"], rtol=1e-4, atol=1e-7)
    assert np.abs(gradient_BT).max() > 1e-3
    if name in ("grpo", "dapo", "dr_grpo"):
        assert low == pytest.approx(theirs["low"]) and high == pytest.approx(theirs["high"])
        assert low > 0 and high > 0, "the numbers must reach both clips"


def test_golden__has_every_case():
    assert set(RECORDED["cases"]) == set(OURS)


def script(name):
    """A script of golden/ as a module."""
    spec = importlib.util.spec_from_file_location(name, GOLDEN / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def given(name):
    return jnp.asarray(RECORDED["inputs"][name])[None]


@pytest.mark.parametrize("baseline", ["mean", "std", "leave_one_out"])
def test_advantages__equal_verls(baseline):
    reward_B, group_B = script("verl_values").rewards()
    reward_BG = reward_B.reshape(len(set(group_B)), -1)
    advantage_BG = group_relative(reward_BG, np.ones(reward_BG.shape, bool), baseline)
    np.testing.assert_allclose(advantage_BG.ravel(), VERL["values"]["advantages"][baseline], rtol=1e-5, atol=1e-6)
    assert np.abs(advantage_BG[:-1]).max() > 0.1 and not advantage_BG[-1].any(), "one group is flat"


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_kl__and_its_slope_equal_verls(kind):
    theirs, mask_BGT = VERL["values"]["kl"][kind], given("mask").astype(bool)

    def total(logprob_BGT):
        kl_BGT = kl_estimate(given("reference") - logprob_BGT, kind)
        return jnp.where(mask_BGT, kl_BGT, 0.0).sum(), kl_BGT

    slope_BGT, kl_BGT = jax.grad(total, has_aux=True)(given("logprob"))
    np.testing.assert_allclose(kl_BGT[0], theirs["value"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(slope_BGT[0], theirs["slope"], rtol=1e-5, atol=1e-6)
    assert np.abs(slope_BGT).max() > 0.1


@pytest.mark.parametrize("correction", ["token", "sequence", "token_mask", "sequence_mask"])
def test_correction__equals_verls_weights(correction):
    mask_BGT = given("mask").astype(bool)
    gap_BGT = jnp.where(mask_BGT, given("logprob") - given("behaviour"), 0.0)
    weight_BT = np.asarray(correction_weight(gap_BGT, mask_BGT, correction, VERL["cap"]))[0]
    np.testing.assert_allclose(weight_BT, VERL["values"]["weights"][correction], rtol=1e-5, atol=1e-7)
    sampled = weight_BT[np.asarray(mask_BGT[0])]
    reached = sampled == 0 if correction.endswith("_mask") else np.isclose(sampled, VERL["cap"])
    assert reached.any() and not reached.all(), "the numbers must reach the cap, and not all of them"


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # TRL's imports emit warnings
def test_golden__is_what_trl_computes():
    pytest.importorskip("trl", reason="compares with TRL itself: pip install trl")
    module = script("trl_losses")
    for name, value in module.inputs().items():
        np.testing.assert_array_equal(value, np.asarray(RECORDED["inputs"][name], value.dtype))
    for name, case in module.losses().items():
        assert case["loss"] == pytest.approx(RECORDED["cases"][name]["loss"], rel=1e-5)
        np.testing.assert_allclose(case["gradient"], RECORDED["cases"][name]["gradient"], rtol=1e-4, atol=1e-7)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # verl's imports emit warnings
def test_golden__is_what_verl_computes():
    pytest.importorskip("verl", reason="compares with verl itself: pip install verl")
    jax.tree.map(
        lambda now, recorded: np.testing.assert_allclose(now, recorded, rtol=1e-6, atol=1e-7),
        script("verl_values").values(),
        VERL["values"],
    )
