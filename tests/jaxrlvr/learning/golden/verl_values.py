"""Record verl's advantages, KL estimates and importance weights: `python tests/jaxrlvr/learning/golden/verl_values.py`.

verl's functions of tensors are called unchanged, on the numbers in trl_losses.json next to this file and on the rewards
below. Needs `pip install verl`; writes verl_values.json, which the tests read. Axes: B members, T tokens.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
SHARED = Path(__file__).with_name("trl_losses.json")
CAP = 1.25
"""Largest weight; with a mask, ratios below 1 / CAP get weight 0 too."""
STD_FLOOR = 1e-4
"""Added to a group's deviation, as in TRL and in this project; verl's default is smaller."""


def rewards() -> tuple[np.ndarray, np.ndarray]:
    """Return rewards [B] of three groups of four, one with equal rewards, and the group of each."""
    rng = np.random.default_rng(11)
    reward_B = np.round(rng.random(12), 2).astype(np.float32)
    reward_B[8:] = 0.5
    return reward_B, np.repeat(np.arange(3), 4)


def values() -> dict[str, Any]:
    """Return advantages by baseline, KL estimates with their slopes, and weights by kind."""
    import torch
    from verl.trainer.ppo import core_algos
    from verl.trainer.ppo.rollout_corr_helper import compute_rollout_correction_weights

    reward_B, group_B = rewards()
    token_BT, mask_BT = torch.tensor(reward_B)[:, None], torch.ones(len(reward_B), 1)
    centred, _ = core_algos.compute_grpo_outcome_advantage(
        token_BT.clone(), mask_BT, group_B, norm_adv_by_std_in_grpo=False
    )
    scaled, _ = core_algos.compute_grpo_outcome_advantage(token_BT.clone(), mask_BT, group_B, epsilon=STD_FLOOR)
    others, _ = core_algos.compute_rloo_outcome_advantage(token_BT.clone(), mask_BT, group_B)
    recorded: dict[str, Any] = {
        "advantages": {
            name: advantage_BT[:, 0].tolist()
            for name, advantage_BT in (("mean", centred), ("std", scaled), ("leave_one_out", others))
        }
    }

    given = {name: torch.tensor(value) for name, value in json.loads(SHARED.read_text())["inputs"].items()}
    mask_BT = given["mask"].float()
    recorded["kl"] = {}
    for kind in ("k1", "k2", "k3"):
        logprob_BT = given["logprob"].clone().requires_grad_()
        kl_BT = core_algos.kl_penalty_forward(logprob_BT, given["reference"], kind)
        (kl_BT * mask_BT).sum().backward()
        recorded["kl"][kind] = {"value": kl_BT.tolist(), "slope": logprob_BT.grad.tolist()}

    recorded["weights"] = {}
    for level in ("token", "sequence"):
        for name, threshold in ((level, CAP), (f"{level}_mask", f"{1 / CAP}_{CAP}")):
            weight_BT, _ = compute_rollout_correction_weights(
                given["logprob"] - given["behaviour"], mask_BT, rollout_is=level, rollout_is_threshold=threshold
            )
            recorded["weights"][name] = weight_BT.tolist()
    return recorded


if __name__ == "__main__":
    from importlib.metadata import version

    FILE.write_text(json.dumps({"verl": version("verl"), "cap": CAP, "values": values()}) + "\n")
