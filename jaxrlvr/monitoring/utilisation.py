"""How much of the machine a step uses: the model's FLOPs a second, and their share of what the machine can do.

Model FLOPs are those that the step's tokens need, by `models.memory_and_flops`: padding and recomputation are not counted, so
that doing more work for the same step never looks better. What the machine can do is measured before the first step, by
large products in the type that the model computes in.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

import models
from jaxrlvr.rollout.dynamic_sampling import StepGroups
from jaxrlvr.rollout.trajectory import Group
from models.memory_and_flops import Batch, forward_flops

SIZE, ELSEWHERE = {"cpu": 1024}, 8192
"""Rows and columns of the products by platform: large enough that nothing but the product counts."""
SHARED = ("cpu",)
"""Platforms whose devices share one machine's cores."""
TRIES = 5


def group_flops(config: models.ModelConfig, group: Group) -> float:
    """FLOPs of one forward pass: the group's prefix once, every member's tokens with their logits."""

    def forward(suffix: int) -> float:
        return forward_flops(config, Batch(1, 1, len(group.prefix), suffix))

    alone = forward(0)
    return alone + sum(forward(len(member.tokens)) - alone for member in group.members)


@dataclass(frozen=True)
class Meter:
    """Turns a step's groups and seconds into figures."""

    config: models.ModelConfig
    peak: float
    """FLOPs a second of all devices together."""
    has_gradient_without_advantage: bool
    """Whether groups without advantages are differentiated too."""
    reference: bool
    """Whether a reference model scores every group."""

    def figures(self, drawn: StepGroups, seconds: dict[str, float]) -> dict[str, float]:
        """Rates of sampling and of the update, from the step's `seconds/sample` and `seconds/update`."""
        used, advantage_BG = drawn.groups, drawn.advantages_BG
        found: dict[str, float] = {}
        for name, flops in (("sample", self.sampled(drawn.played)), ("update", self.learned(used, advantage_BG))):
            rate = flops / max(seconds[f"seconds/{name}"], 1e-9)
            found |= {f"speed/{name}_flops": rate, f"speed/{name}_utilisation": rate / self.peak}
        return found

    def sampled(self, groups: Sequence[Group]) -> float:
        """FLOPs of sampling: every token passes through the model once."""
        return sum(group_flops(self.config, group) for group in groups)

    def learned(self, groups: Sequence[Group], advantage_BG: np.ndarray) -> float:
        """FLOPs of the update: a backward pass is two forward ones; a group that only measures has none."""
        return sum(
            group_flops(self.config, group)
            * ((3 if self.has_gradient_without_advantage or row.any() else 1) + self.reference)
            for group, row in zip(groups, advantage_BG, strict=True)
        )


def measured_peak(dtype: str) -> float:
    """FLOPs a second of all devices in products of `dtype`: the best of a few tries on one device, times the devices.

    Devices of a CPU count once: they share its cores.
    """
    device = jax.local_devices()[0]
    size = SIZE.get(device.platform, ELSEWHERE)
    matrix = jax.device_put(jnp.ones((size, size), dtype), device)
    multiply = jax.jit(jnp.matmul)
    multiply(matrix, matrix).block_until_ready()
    best = min(_seconds(lambda: multiply(matrix, matrix).block_until_ready()) for _ in range(TRIES))
    return 2.0 * size**3 / best * (1 if device.platform in SHARED else jax.device_count())


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began
