"""Qwen3-4B on eight devices: weights, gradients and optimizer in float32 need 64 GB in total, sharded by fsdp.

    python -m jaxrlvr.train configs/qwen3_4b.py
    python -m jaxrlvr.train configs/qwen3_4b.py --model /path/to/it --policy.mesh.fsdp 4 --policy.mesh.tensor 2

Not yet run on an accelerator: no time and no result is claimed.
"""

from dataclasses import replace

from configs.qwen3 import qwen3
from jaxrlvr.config import RunConfig
from jaxrlvr.runtime.devices import MeshConfig


def config() -> RunConfig:
    """Return the run."""
    base = qwen3("Qwen/Qwen3-4B", tasks_per_step=32, micro_groups=8)
    return replace(base, policy=replace(base.policy, mesh=MeshConfig(fsdp=8)))
