"""Record TRL's losses of some objectives on fixed numbers: `python tests/jaxrlvr/learning/golden/trl_losses.py`.

TRL's loss is a trainer's method. It is called here on a stub that has only the settings the method reads and returns
prepared log-probs instead of a model's. Needs `pip install trl`; writes trl_losses.json next to this file, which the
tests read. Axes: B members, T tokens.
"""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

FILE = Path(__file__).with_suffix(".json")
CASES: dict[str, dict[str, Any]] = {
    "grpo": {"loss_type": "grpo", "epsilon_low": 0.2, "epsilon_high": 0.2, "beta": 0.04},
    "dapo": {"loss_type": "dapo", "epsilon_low": 0.2, "epsilon_high": 0.28},
    "dr_grpo": {"loss_type": "dr_grpo", "epsilon_low": 0.2, "epsilon_high": 0.2, "max_completion_length": 16},
    "gspo": {
        "loss_type": "grpo",
        "importance_sampling_level": "sequence",
        "epsilon_low": 3e-2,
        "epsilon_high": 4e-2,
    },
    "cispo": {"loss_type": "cispo", "epsilon_high": 1.2},
    "entropy": {"loss_type": "dapo", "epsilon_low": 0.2, "epsilon_high": 0.28, "entropy_coef": 0.01},
}
"""TRL's names and values."""


def inputs() -> dict[str, np.ndarray]:
    """Return six members of different lengths, with some tokens not sampled and some ratios far from 1."""
    rng = np.random.default_rng(7)
    logprob_BT = -rng.exponential(1.0, (6, 9))
    mask_BT = (np.arange(9) < np.array([9, 5, 7, 1, 8, 6])[:, None]) & (rng.random((6, 9)) < 0.85)
    mask_BT[:, 0] = True
    return {
        "logprob": logprob_BT.astype(np.float32),
        "behaviour": (logprob_BT + 0.3 * rng.standard_normal((6, 9))).astype(np.float32),
        "reference": (logprob_BT + 0.5 * rng.standard_normal((6, 9))).astype(np.float32),
        "entropy": rng.exponential(0.5, (6, 9)).astype(np.float32),
        "advantage": rng.standard_normal(6).astype(np.float32),
        "mask": mask_BT,
    }


def losses() -> dict[str, dict[str, Any]]:
    """Return each case's loss, its gradient by the log-probs, and its shares of clipped tokens."""
    import torch
    from trl.trainer.grpo_trainer import GRPOTrainer

    cases = {}
    for name, settings in CASES.items():
        given = {key: torch.tensor(value) for key, value in inputs().items()}
        logprob = given["logprob"].requires_grad_()
        trainer = _stub(settings, logprob, given["entropy"])
        mask = given["mask"].float()
        loss = GRPOTrainer._compute_loss(
            trainer,
            trainer.model,
            {
                "prompt_ids": torch.zeros(6, 1),
                "prompt_mask": torch.ones(6, 1),
                "completion_ids": torch.zeros(6, 9),
                "completion_mask": mask,
                "advantages": given["advantage"],
                "old_per_token_logps": given["behaviour"],
                "ref_per_token_logps": given["reference"],
                "num_items_in_batch": mask.sum(),
            },
        )
        loss.backward()
        clipped = {key: values[0] for key, values in trainer._metrics["eval"].items() if values}
        cases[name] = {"loss": loss.item(), "gradient": logprob.grad.tolist()} | {
            key: clipped[f"clip_ratio/{key}_mean"] for key in ("low", "high") if f"clip_ratio/{key}_mean" in clipped
        }
    return cases


def _stub(settings: dict[str, Any], logprob: Any, entropy: Any) -> Any:
    defaults = {
        "beta": 0.0,
        "importance_sampling_level": "token",
        "top_entropy_quantile": 1.0,
        "off_policy_mask_threshold": None,
        "use_vllm": False,
        "aux_loss_enabled": False,
        "use_adaptive_entropy": False,
        "entropy_coef": 0.0,
        "epsilon_low": 0.2,
        "max_completion_length": 9,
        "_entropy_bonus_enabled": bool(settings.get("entropy_coef")),
        "_metrics": {"eval": defaultdict(list)},
        "args": SimpleNamespace(delta=None, use_bias_correction_kl=False),
        "model": SimpleNamespace(training=False),
        "accelerator": SimpleNamespace(num_processes=1, gather=lambda x: x, reduce=lambda x, reduction: x),
        "_get_per_token_logps_and_entropies": lambda *_, **__: (logprob, entropy, None),
    }
    return SimpleNamespace(**{**defaults, **settings})


if __name__ == "__main__":
    import trl

    arrays = {name: value.tolist() for name, value in inputs().items()}
    FILE.write_text(json.dumps({"trl": trl.__version__, "inputs": arrays, "cases": losses()}) + "\n")
