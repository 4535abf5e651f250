"""Estimate the device memory a run needs and compare it with what is available.

A run that cannot fit is refused before anything is compiled, with the nearest settings that fit. The sizes are
estimates: a device that fills up nevertheless raises an error that names the settings to lower.
"""

from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp

import models
from jaxrlvr.config import RunConfig
from jaxrlvr.rollout.policy import Placement
from jaxrlvr.runtime.devices import MeshConfig, abstract_mesh, memory_limit
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import flag
from models.adapters import adapter_count
from models.memory_and_flops import Batch, StepCost, step_cost


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes per device."""

    state: int
    """Weights, gradients and optimizer state; when sampling one step ahead, also the weights of the sampling policy."""
    caches: int
    """Keys and values of the groups sampled at a time, at their longest."""
    activations: int
    """Values that the update of a micro-batch stores for its backward pass; an estimate."""
    offloaded: int
    """The part of the activations that is offloaded to host memory."""
    sampling: int
    """Peak while a step is sampled: no gradients, but a copy of the weights prepared for sampling."""
    updating: int
    """Peak during an update; when sampling one step ahead, with the caches of sampling."""

    @property
    def peak(self) -> int:
        """The larger peak of sampling and updating."""
        return max(self.sampling, self.updating)


def estimate(config: RunConfig, placement: Placement) -> MemoryEstimate:
    """Estimate the memory of a run. The state of the optimizer adafactor is negligible and counts as 0."""
    rollout, policy, model = config.rollout, config.policy, placement.model

    def bytes_for(groups: int, mesh: MeshConfig) -> StepCost:
        batch = Batch(groups, rollout.group_size, rollout.prefix_buckets[-1], rollout.suffix_buckets[-1])
        return step_cost(model, abstract_mesh(mesh), batch, policy.compute_dtype, policy.remat)

    sample = bytes_for(_groups_at_a_time(config), placement.sampling_mesh)
    update = bytes_for(config.learner.micro_groups, placement.training_mesh)
    caches = sample.prefix_cache + sample.suffix_cache
    state = update.weights + (update.optimizer if config.optimizer.kind == "adamw" else 0)
    if rollout.asynchronous:
        state += 4 * (adapter_count(model) if model.lora.rank else models.parameter_count(model))
    # Split into layers, in the compute dtype: the copy that `Sampler.prepare_weights` makes once a step.
    prepared = sample.weights if model.lora.rank else sample.weights * jnp.dtype(policy.compute_dtype).itemsize // 4
    updating = state + update.gradients + update.activations
    return MemoryEstimate(
        state=state + update.gradients,
        caches=caches,
        activations=update.activations,
        offloaded=update.offloaded,
        sampling=state + prepared + caches,
        updating=updating + (caches + prepared) * rollout.asynchronous,
    )


def why_too_large(config: RunConfig, placement: Placement, available: int | None = None) -> str:
    """Return why a run does not fit and the nearest settings that do; empty if it fits.

    `available` is the memory of a device in bytes, by default what this machine's devices have.
    """
    available = memory_limit(placement.training_mesh) if available is None else available
    needed = estimate(config, placement)
    if needed.peak <= available:
        return ""
    text = (
        f"a device has {size(available)} of memory and this run needs about {size(needed.peak)}: "
        f"{size(needed.state)} for weights, gradients and optimizer, {size(needed.caches)} for caches while sampling, "
        f"{size(needed.activations)} for activations while updating"
    )
    smaller = shrink_to_fit(config, placement, available)
    if smaller is None:
        advice = "spread it over more devices (--policy.mesh.fsdp), train adapters (--policy.lora.rank 16), or use a "
        return f"{text}. No smaller batch fits: {advice}smaller model"
    changes = [f"{flag(name)} {new}" for name in _LOWERED if (new := _get(smaller, name)) != _get(config, name)]
    return f"{text}. These settings fit: {' '.join(changes)}"


def check(config: RunConfig, placement: Placement, available: int | None = None) -> None:
    """Raise UserError for a run that does not fit into `available` bytes per device (see `why_too_large`)."""
    if text := why_too_large(config, placement, available):
        raise UserError(text)


_LOWERED = ("learner.micro_groups", "policy.remat", "rollout.slots", "rollout.group_size")


def shrink_to_fit(config: RunConfig, placement: Placement, available: int) -> RunConfig | None:
    """Return the config with as few settings lowered as needed, cheapest first, to fit into `available` bytes per
    device; None if nothing fits.
    """
    spread = placement.training_mesh.data * placement.training_mesh.fsdp

    def lowered(config: RunConfig, name: str, sizes: range, part: str) -> RunConfig:
        """Set the largest of ascending sizes at which a part of the estimate fits, or the smallest if none does."""
        if not sizes:
            return config
        fitting = bisect(
            sizes, False, key=lambda n: getattr(estimate(_set(config, name, n), placement), part) > available
        )
        return _set(config, name, sizes[max(fitting - 1, 0)])

    if estimate(config, placement).updating > available:
        config = lowered(config, "learner.micro_groups", range(spread, config.learner.micro_groups, spread), "updating")
    if estimate(config, placement).updating > available and config.policy.remat in ("none", "dots"):
        config = replace(config, policy=replace(config.policy, remat="full"))
    if estimate(config, placement).sampling > available:
        config = lowered(config, "rollout.slots", range(spread, _groups_at_a_time(config), spread), "sampling")
    if estimate(config, placement).peak > available:
        config = lowered(config, "rollout.group_size", range(2, config.rollout.group_size), "peak")
    return config if estimate(config, placement).peak <= available else None


def half(option: str, value: int) -> str:
    """Return the advice to halve a setting; empty if it cannot be lower."""
    return f"{option} {value // 2} instead of {value}" if value > 1 else ""


@contextmanager
def explain_full_device(activity: str, *advice: str) -> Iterator[None]:
    """Turn an out-of-memory error of a device into a UserError with the settings that would help, best first.

    `activity` completes "a device's memory was filled ..."; empty advice is left out.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        reason = str(error).split("RESOURCE_EXHAUSTED:")[1].strip().splitlines()[0]
        smaller = ", or ".join(filter(None, advice))
        raise UserError(f"a device's memory was filled {activity} ({reason}): use {smaller}") from error


def size(count: float) -> str:
    """Return a number of bytes in words."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def _groups_at_a_time(config: RunConfig) -> int:
    """Return how many groups are sampled at a time."""
    return min(config.rollout.slots or config.tasks.per_step, config.tasks.per_step)


def _set(config: RunConfig, name: str, value: int) -> RunConfig:
    section, field = name.split(".")
    return replace(config, **{section: replace(getattr(config, section), **{field: value})})


def _get(config: RunConfig, name: str) -> object:
    section, field = name.split(".")
    return getattr(getattr(config, section), field)
