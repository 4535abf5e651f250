"""What a run takes of each device's memory, and what there is of it.

A run that cannot fit is refused before anything is compiled, with the nearest settings that do; a device that is full
all the same, for the sizes are estimates, is told with a setting to lower.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import jax
from jax.sharding import AbstractMesh

import models
from jaxrlvr.config import RunConfig
from jaxrlvr.errors import UserError
from models.adapters import adapter_count
from models.budget import Batch, Budget, budget
from models.sharding import MESH_AXES, padded


@dataclass(frozen=True)
class Need:
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
    """All at once while a step is sampled: no gradients, but weights cast to the compute dtype."""
    updating: int
    """All at once during an update; one step ahead, sampling's caches too."""

    @property
    def peak(self) -> int:
        """The larger of both."""
        return max(self.sampling, self.updating)


def need(config: RunConfig, model: models.ModelConfig) -> Need:
    """What a run takes; what the optimizer adafactor keeps is next to nothing."""
    mesh, acting, policy = config.policy.mesh, config.rollout, config.policy
    places = AbstractMesh((mesh.data, mesh.fsdp, mesh.tensor), MESH_AXES)
    model = padded(replace(model, lora=policy.lora), places)

    def taken(groups: int) -> Budget:
        batch = Batch(groups, acting.group_size, acting.prefix_buckets[-1], acting.suffix_buckets[-1])
        return budget(model, places, batch, policy.compute_dtype, policy.remat)

    sampled, learned = taken(_places(config)), taken(config.learner.micro_groups)
    caches = sampled.prefix_cache + sampled.suffix_cache
    kept = sampled.weights + (sampled.optimizer if config.optimizer.kind == "adamw" else 0)
    if acting.asynchronous:
        kept += 4 * (adapter_count(model) if model.lora.rank else models.parameter_count(model))
    cast = sampled.weights // 2 if policy.compute_dtype == "bfloat16" and not model.lora.rank else 0
    updating = kept + sampled.gradients + learned.activations
    return Need(
        state=kept + sampled.gradients,
        caches=caches,
        activations=learned.activations,
        offloaded=learned.offloaded,
        sampling=kept + cast + caches,
        updating=updating + caches * acting.asynchronous,
    )


def limit(config: RunConfig) -> int:
    """Bytes that each device has; of CPUs, its share of the host's."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    found, group = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), Path("/sys/fs/cgroup/memory.max")
    if group.is_file() and (text := group.read_text().strip()).isdecimal():
        found = min(found, int(text))
    mesh = config.policy.mesh
    return found // max(1, mesh.data * mesh.fsdp * mesh.tensor // jax.process_count())


def problem(config: RunConfig, model: models.ModelConfig) -> str:
    """Why a run cannot fit and the nearest settings that do; empty if it can."""
    there, needed = limit(config), need(config, model)
    if needed.peak <= there:
        return ""
    text = (
        f"a device has {size(there)} of memory and this run needs about {size(needed.peak)}: {size(needed.state)} of "
        f"weights, gradients and optimizer, {size(needed.caches)} of caches to sample, {size(needed.activations)} of "
        "activations to update"
    )
    smaller = fitting(config, model, there)
    if smaller is None:
        advice = "spread it over more devices (--policy.mesh.fsdp), train adapters (--policy.lora.rank 16), or take a "
        return f"{text}. No smaller batch fits: {advice}smaller model"
    changes = [
        f"--{flag.replace('_', '-')} {new}" for flag in _LOWERED if (new := _get(smaller, flag)) != _get(config, flag)
    ]
    return f"{text}. These fit: {' '.join(changes)}"


def check(config: RunConfig, model: models.ModelConfig) -> None:
    """Raise UserError for a run that cannot fit."""
    if text := problem(config, model):
        raise UserError(text)


_LOWERED = ("learner.micro_groups", "policy.remat", "rollout.places", "rollout.group_size")


def fitting(config: RunConfig, model: models.ModelConfig, there: int) -> RunConfig | None:
    """The config with as little as possible lowered, in the order of what it costs, to fit; None if nothing fits."""
    spread = config.policy.mesh.data * config.policy.mesh.fsdp
    while (needed := need(config, model)).peak > there:
        learner, acting = config.learner, config.rollout
        if needed.updating > there and learner.micro_groups > spread:
            config = replace(config, learner=replace(learner, micro_groups=learner.micro_groups - spread))
        elif needed.updating > there and config.policy.remat in ("none", "dots"):
            config = replace(config, policy=replace(config.policy, remat="full"))
        elif needed.sampling > there and _places(config) > spread:
            config = replace(config, rollout=replace(acting, places=_places(config) - spread))
        elif acting.group_size > 2:
            config = replace(config, rollout=replace(acting, group_size=acting.group_size - 1))
        else:
            return None
    return config


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
    return min(config.rollout.places or config.tasks.per_step, config.tasks.per_step)


def _get(config: RunConfig, flag: str) -> object:
    section, name = flag.split(".")
    return getattr(getattr(config, section), name)
