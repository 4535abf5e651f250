"""The devices of a run: the grid in which they train, the one in which they sample, and what memory each has."""

import math
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import jax
from jax.sharding import Mesh

import models
from jaxrlvr.runtime.errors import UserError

_SMALL = 0.25
"""The share of a device's memory up to which a whole copy of the weights may be taken to sample with."""


@dataclass(frozen=True)
class MeshConfig:
    """How many devices each mesh axis has; the product must be the number of devices in use."""

    data: int = 1
    """Groups are spread over it, parameters copied."""
    fsdp: int = 1
    """Groups and parameters are spread over it."""
    tensor: int = 1
    """Heads, mlp, whole experts and vocabulary are spread over it."""


@dataclass(frozen=True)
class SamplingMesh:
    """The same devices as they sample; all 0: as in training, but each with a copy of what fsdp cuts if it is small."""

    data: int = 0
    """Groups are spread over it, parameters copied."""
    fsdp: int = 0
    """Groups and parameters are spread over it; parameters are gathered again for each turn and each answer."""
    tensor: int = 0
    """Heads, mlp, whole experts and vocabulary are spread over it."""


def sampling_mesh(asked: SamplingMesh, training: MeshConfig, weights: int) -> MeshConfig:
    """The grid in which devices sample, where `weights` are the bytes of all parameters in the compute dtype."""
    if any(astuple(asked)):
        return MeshConfig(*(size or 1 for size in astuple(asked)))
    if weights / training.tensor > _SMALL * memory_limit(training):
        return training
    return replace(training, data=training.data * training.fsdp, fsdp=1)


def make_mesh(config: MeshConfig) -> Mesh | None:
    """The device mesh, or None for a single device."""
    return None if math.prod(astuple(config)) == 1 else models.make_mesh(*astuple(config))


def own_mesh(mesh: Mesh, devices: Sequence[jax.Device]) -> Mesh:
    """A process's part of the mesh: as much of tensor, then of fsdp, as its devices allow.

    Raises UserError if tensor parts span hosts.
    """
    sizes, count = mesh.shape, len(devices)
    if count % sizes["tensor"]:
        raise UserError(
            f"tensor {sizes['tensor']} (--policy.mesh, or --policy.sampling-mesh) does not divide the {count} devices "
            f"of a host, which samples by itself: use {math.gcd(count, sizes['tensor'])}"
        )
    rest = count // sizes["tensor"]
    fsdp = math.gcd(rest, sizes["fsdp"])
    return models.make_mesh(rest // fsdp, fsdp, sizes["tensor"], devices)


def memory_limit(mesh: MeshConfig) -> int:
    """Bytes that each device has; of CPUs, its share of the host's."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    found, group = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), Path("/sys/fs/cgroup/memory.max")
    if group.is_file() and (text := group.read_text().strip()).isdecimal():
        found = min(found, int(text))
    return found // max(1, math.prod(astuple(mesh)) // jax.process_count())
