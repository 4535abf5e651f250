"""Qwen3-1.7B on one GPU of 80 GB, or a TPU slice with --policy.mesh.fsdp N
and micro-batches of as many groups.

    python -m jaxrlvr.train configs/qwen3_1p7b.py
    python -m jaxrlvr.train configs/qwen3_1p7b.py --model /path/to/it --policy.mesh.fsdp 8 --learner.micro-groups 8

Not yet run on an accelerator: no time and no result is claimed.
"""

from configs.qwen3 import qwen3
from jaxrlvr.config import RunConfig


def config() -> RunConfig:
    """The run."""
    return qwen3("Qwen/Qwen3-1.7B", tasks_per_step=16, micro_groups=2)
