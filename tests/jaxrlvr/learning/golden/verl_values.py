"""What verl computes for advantages, KL estimates and importance weights: `python tests/jaxrlvr/golden/verl_values.py`.

verl has these as functions of tensors. They are called as they are, on the numbers in trl_losses.json beside this file
and on rewards made here. Needs `pip install verl`; writes verl_values.json, which the tests read. Axes there: B
members, T tokens.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
SHARED = Path(__file__).with_name("trl_losses.json")
CAP = 1.25
"""Largest weight; with a mask, ratios under 1 / CAP count nothing either."""
STD_FLOOR = 1e-4
"""Added to a group's deviation: TRL's and ours; verl's own is smaller and an argument."""


def rewards() -> tuple[np.ndarray, np.ndarray]:
    """Rewards [B] of three groups of four, one of them all alike, and the group of each."""
    rng = np.random.default_rng(11)
    reward_B = np.round(rng.random(12), 2).astype(np.float32)
    reward_B[8:] = 0.5
    return reward_B, np.repeat(np.arange(3), 4)


def values() -> dict[str, Any]:
    """Advantages by baseline, KL estimates with their slopes, and weights by kind."""
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
    made: dict[str, Any] = {
        "advantages": {
            name: found[:, 0].tolist()
            for name, found in (("mean", centred), ("std", scaled), ("leave_one_out", others))
        }
    }

    given = {name: torch.tensor(value) for name, value in json.loads(SHARED.read_text())["inputs"].items()}
    mask_BT = given["mask"].float()
    made["kl"] = {}
    for kind in ("k1", "k2", "k3"):
        logprob_BT = given["logprob"].clone().requires_grad_()
        kl_BT = core_algos.kl_penalty_forward(logprob_BT, given["reference"], kind)
        (kl_BT * mask_BT).sum().backward()
        made["kl"][kind] = {"value": kl_BT.tolist(), "slope": logprob_BT.grad.tolist()}

    made["weights"] = {}
    for level in ("token", "sequence"):
        for name, threshold in ((level, CAP), (f"{level}_mask", f"{1 / CAP}_{CAP}")):
            weight_BT, _ = compute_rollout_correction_weights(
                given["logprob"] - given["behaviour"], mask_BT, rollout_is=level, rollout_is_threshold=threshold
            )
            made["weights"][name] = weight_BT.tolist()
    return made


if __name__ == "__main__":
    from importlib.metadata import version

    FILE.write_text(json.dumps({"verl": version("verl"), "cap": CAP, "values": values()}) + "\n")
