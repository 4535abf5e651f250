"""What a run takes of each device's memory, and what there is of it.

A run that cannot fit is refused before anything is compiled, with the nearest settings that do; a device that is full
all the same, for the sizes are estimates, is told with a setting to lower.
"""

from bisect import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace

import jax
import jax.numpy as jnp
from jax.sharding import AbstractMesh

import models
from jaxrlvr.config import RunConfig
from jaxrlvr.rollout.policy import weight_bytes
from jaxrlvr.runtime.devices import MeshConfig, memory_limit, sampling_mesh
from jaxrlvr.runtime.errors import UserError
from models.adapters import adapter_count
from models.memory_and_flops import Batch, StepCost, step_cost
from models.sharding import MESH_AXES, padded


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes of each device."""

    state: int
    """Weights, gradients and optimizer, and the copy that acts one step ahead."""
    caches: int
    """Keys and values of the groups that are sampled at a time, at their longest."""
    activations: int
    """What the update of a micro-batch holds, an estimate."""
    offloaded: int
    """Of it, what waits in the host's memory."""
    sampling: int
    """All at once while a step is sampled: no gradients, but a copy of the weights as they sample."""
    updating: int
    """All at once during an update; one step ahead, sampling's caches too."""

    @property
    def peak(self) -> int:
        """The larger of both."""
        return max(self.sampling, self.updating)


def estimate(config: RunConfig, model: models.ModelConfig) -> MemoryEstimate:
    """What a run takes; what the optimizer adafactor keeps is next to nothing."""
    acting, policy = config.rollout, config.policy
    places = grid(policy.mesh)
    model = padded(replace(model, lora=policy.lora), places)

    def taken(groups: int, places: AbstractMesh) -> StepCost:
        batch = Batch(groups, acting.group_size, acting.prefix_buckets[-1], acting.suffix_buckets[-1])
        return step_cost(model, places, batch, policy.compute_dtype, policy.remat)

    other = sampling_mesh(policy.sampling_mesh, policy.mesh, weight_bytes(model, policy.compute_dtype))
    sampled, learned = taken(_places(config), grid(other)), taken(config.learner.micro_groups, places)
    caches = sampled.prefix_cache + sampled.suffix_cache
    kept = learned.weights + (learned.optimizer if config.optimizer.kind == "adamw" else 0)
    if acting.asynchronous:
        kept += 4 * (adapter_count(model) if model.lora.rank else models.parameter_count(model))
    # Cut into layers, in the compute dtype: what `Sampler.prepare_weights` makes once a step.
    acts = sampled.weights if model.lora.rank else sampled.weights * jnp.dtype(policy.compute_dtype).itemsize // 4
    updating = kept + learned.gradients + learned.activations
    return MemoryEstimate(
        state=kept + learned.gradients,
        caches=caches,
        activations=learned.activations,
        offloaded=learned.offloaded,
        sampling=kept + acts + caches,
        updating=updating + (caches + acts) * acting.asynchronous,
    )


def grid(mesh: MeshConfig) -> AbstractMesh:
    """The mesh without devices."""
    return AbstractMesh(astuple(mesh), MESH_AXES)


def why_too_large(config: RunConfig, model: models.ModelConfig) -> str:
    """Why a run cannot fit and the nearest settings that do; empty if it can."""
    there, needed = memory_limit(config.policy.mesh), estimate(config, model)
    if needed.peak <= there:
        return ""
    text = (
        f"a device has {size(there)} of memory and this run needs about {size(needed.peak)}: {size(needed.state)} of "
        f"weights, gradients and optimizer, {size(needed.caches)} of caches to sample, {size(needed.activations)} of "
        "activations to update"
    )
    smaller = shrink_to_fit(config, model, there)
    if smaller is None:
        advice = "spread it over more devices (--policy.mesh.fsdp), train adapters (--policy.lora.rank 16), or take a "
        return f"{text}. No smaller batch fits: {advice}smaller model"
    changes = [
        f"--{flag.replace('_', '-')} {new}" for flag in _LOWERED if (new := _get(smaller, flag)) != _get(config, flag)
    ]
    return f"{text}. These fit: {' '.join(changes)}"


def check(config: RunConfig, model: models.ModelConfig) -> None:
    """Raise UserError for a run that cannot fit."""
    if text := why_too_large(config, model):
        raise UserError(text)


_LOWERED = ("learner.micro_groups", "policy.remat", "rollout.slots", "rollout.group_size")


def shrink_to_fit(config: RunConfig, model: models.ModelConfig, there: int) -> RunConfig | None:
    """The config with as little as possible lowered, in the order of what it costs, to fit; None if nothing fits."""
    spread = config.policy.mesh.data * config.policy.mesh.fsdp

    def lowered(config: RunConfig, flag: str, sizes: range, part: str) -> RunConfig:
        """With the largest of ascending sizes at which a part of what is needed fits, or with the smallest of them."""
        if not sizes:
            return config
        fit = bisect(sizes, False, key=lambda n: getattr(estimate(_set(config, flag, n), model), part) > there)
        return _set(config, flag, sizes[max(fit - 1, 0)])

    if estimate(config, model).updating > there:
        config = lowered(config, "learner.micro_groups", range(spread, config.learner.micro_groups, spread), "updating")
    if estimate(config, model).updating > there and config.policy.remat in ("none", "dots"):
        config = replace(config, policy=replace(config.policy, remat="full"))
    if estimate(config, model).sampling > there:
        config = lowered(config, "rollout.slots", range(spread, _places(config), spread), "sampling")
    if estimate(config, model).peak > there:
        config = lowered(config, "rollout.group_size", range(2, config.rollout.group_size), "peak")
    return config if estimate(config, model).peak <= there else None


def lower(flag: str, value: int) -> str:
    """The setting at half its value; nothing if it cannot be lower."""
    return f"--{flag} {value // 2} instead of {value}" if value > 1 else ""


@contextmanager
def full_device_told(what: str, *advice: str) -> Iterator[None]:
    """Inside, a device whose memory is full raises UserError with the settings that would help, best first."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        reason = str(error).split("RESOURCE_EXHAUSTED:")[1].strip().splitlines()[0]
        smaller = ", or ".join(filter(None, advice))
        raise UserError(f"a device's memory was filled {what} ({reason}): use {smaller}") from error


def size(count: float) -> str:
    """Bytes for people."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"


def _places(config: RunConfig) -> int:
    """Groups that are sampled at a time."""
    return min(config.rollout.slots or config.tasks.per_step, config.tasks.per_step)


def _set(config: RunConfig, flag: str, value: int) -> RunConfig:
    section, name = flag.split(".")
    return replace(config, **{section: replace(getattr(config, section), **{name: value})})


def _get(config: RunConfig, flag: str) -> object:
    section, name = flag.split(".")
    return getattr(getattr(config, section), name)
