"""Utilisation: model FLOPs per second of a step, and their share of the machine's measured peak.

Model FLOPs are those that the step's tokens need (`models.memory_and_flops`), without padding and recomputation, so
that extra work for the same step never looks better. The peak is measured before the first step, by large matrix
products in the model's compute dtype.
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
from jaxrlvr.runtime.timing import Figures
from models.memory_and_flops import Batch, forward_flops

MATRIX_SIZE, DEFAULT_MATRIX_SIZE = {"cpu": 1024}, 8192
"""Rows and columns of the measured products by platform: large enough that nothing but the product counts."""
SHARED_CORES = ("cpu",)
"""Platforms whose devices share one machine's cores."""
TRIES = 5
"""Products of which the fastest counts."""


def group_flops(config: models.ModelConfig, group: Group) -> float:
    """Count the FLOPs of a forward pass: the group's prefix once, and every member's tokens with their logits."""

    def forward(suffix: int) -> float:
        return forward_flops(config, Batch(1, 1, len(group.prefix), suffix))

    prefix_only = forward(0)
    return prefix_only + sum(forward(len(member.tokens)) - prefix_only for member in group.members)


@dataclass(frozen=True)
class Meter:
    """Computes a step's FLOP rates from its groups and seconds."""

    config: models.ModelConfig
    peak: float
    """FLOPs per second of all devices together."""
    has_gradient_without_advantage: bool
    """Whether groups without advantages have a backward pass too."""
    reference: bool
    """Whether a reference model scores every group, one more forward pass."""

    def figures(self, step_groups: StepGroups, seconds: Figures) -> Figures:
        """Compute the rates of sampling and of the update from the step's `seconds/sample` and `seconds/update`."""
        sampled, learned = self.sampled(step_groups.played), self.learned(step_groups.groups, step_groups.advantages_BG)
        figures: Figures = {}
        for name, flops in (("sample", sampled), ("update", learned)):
            rate = flops / max(seconds[f"seconds/{name}"], 1e-9)
            figures |= {f"speed/{name}_flops": rate, f"speed/{name}_utilisation": rate / self.peak}
        return figures

    def sampled(self, groups: Sequence[Group]) -> float:
        """Count the FLOPs of sampling: every token passes through the model once."""
        return sum(group_flops(self.config, group) for group in groups)

    def learned(self, groups: Sequence[Group], advantage_BG: np.ndarray) -> float:
        """Count the FLOPs of the update: a backward pass costs two forward passes; measured groups have none."""
        return sum(
            group_flops(self.config, group)
            * ((3 if self.has_gradient_without_advantage or row.any() else 1) + self.reference)
            for group, row in zip(groups, advantage_BG, strict=True)
        )


def measured_peak(
    dtype: str,
    platform: str | None = None,
    size: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Measure the FLOPs per second of all devices: the fastest `dtype` product on one device, times the devices.

    `platform` and `size` default to the device's platform and its entry in MATRIX_SIZE. Devices that share cores count
    as one.
    """
    device = jax.local_devices()[0]
    platform = platform or device.platform
    size = size or MATRIX_SIZE.get(platform, DEFAULT_MATRIX_SIZE)
    matrix = jax.device_put(jnp.ones((size, size), dtype), device)
    multiply = jax.jit(jnp.matmul)
    multiply(matrix, matrix).block_until_ready()
    fastest = min(_seconds(lambda: multiply(matrix, matrix).block_until_ready(), clock) for _ in range(TRIES))
    return 2.0 * size**3 / fastest * (1 if platform in SHARED_CORES else jax.device_count())


def _seconds(run: Callable[[], object], clock: Callable[[], float]) -> float:
    began = clock()
    run()
    return clock() - began
