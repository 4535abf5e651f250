"""Qwen3-0.6B on one GPU of 40 GB or more.

    python -m jaxrlvr.train configs/qwen3_0p6b.py                       # weights from the hub
    python -m jaxrlvr.train configs/qwen3_0p6b.py --model /path/to/it   # or from a directory
    python -m jaxrlvr.train configs/qwen3_0p6b.py --model /path --dry-run

Not yet run on an accelerator: no time and no result is claimed.
"""

from configs.qwen3 import qwen3
from jaxrlvr.config import RunConfig


def config() -> RunConfig:
    """The run."""
    return qwen3("Qwen/Qwen3-0.6B", tasks_per_step=12, micro_groups=2)
