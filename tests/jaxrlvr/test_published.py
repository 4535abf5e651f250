"""Laws of published objectives: on the same numbers our losses and gradients are TRL's.

TRL's are recorded in golden/trl_losses.json; with TRL installed, `pytest -m slow` computes them anew.
"""

import importlib.util
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.grpo import GRPOConfig, policy_loss

GOLDEN = Path(__file__).parent / "golden"
RECORDED = json.loads((GOLDEN / "trl_losses.json").read_text())
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
    reference_BGT = given["reference"] if config.kl_beta else None
    members, tokens = mask_BGT.any(-1).sum(), mask_BGT.sum()
    divisor = {"token": tokens, "sequence": members, "constant": members * config.constant_length}[config.mean]

    def loss(logprob_BGT):
        stats = policy_loss(
            logprob_BGT, given["entropy"], given["behaviour"], mask_BGT, given["advantage"], reference_BGT, config
        )
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


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # TRL's imports have warnings of their own
def test_golden__is_what_trl_computes():
    pytest.importorskip("trl", reason="compares with TRL itself: pip install trl")
    spec = importlib.util.spec_from_file_location("trl_losses", GOLDEN / "trl_losses.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, value in module.inputs().items():
        np.testing.assert_array_equal(value, np.asarray(RECORDED["inputs"][name], value.dtype))
    for name, case in module.losses().items():
        assert case["loss"] == pytest.approx(RECORDED["cases"][name]["loss"], rel=1e-5)
        np.testing.assert_allclose(case["gradient"], RECORDED["cases"][name]["gradient"], rtol=1e-4, atol=1e-7)
