"""Devices of a run: their mesh while training, their mesh while sampling, and the memory of each."""

import math
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import jax
from jax.sharding import AbstractMesh, Mesh

import models
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import setting
from models.sharding import MESH_AXES

_SMALL = 0.25
"""Fraction of a device's memory that a whole copy of the weights for sampling may fill."""


@dataclass(frozen=True)
class MeshConfig:
    """Devices along each mesh axis; the product must be the number of devices in use."""

    data: int = setting(1, at_least=1, on_resume="rounding")
    """Splits groups; copies parameters."""
    fsdp: int = setting(1, at_least=1, on_resume="rounding")
    """Splits groups and parameters."""
    tensor: int = setting(1, at_least=1, on_resume="rounding")
    """Splits heads, mlp, experts (each of them whole) and vocabulary."""


@dataclass(frozen=True)
class SamplingMesh:
    """Mesh of the same devices while sampling. All 0: as in training, but parameters that fsdp splits are copied to
    each device if they are small.
    """

    data: int = setting(0, at_least=0, on_resume="rounding")
    """Splits groups; copies parameters."""
    fsdp: int = setting(0, at_least=0, on_resume="rounding")
    """Splits groups and parameters; parameters are gathered again for each turn and each API response."""
    tensor: int = setting(0, at_least=0, on_resume="rounding")
    """Splits heads, mlp, experts (each of them whole) and vocabulary."""


def explicit_mesh(config: SamplingMesh) -> MeshConfig | None:
    """Return the mesh that the settings name for sampling, or None if they leave it to `sampling_mesh`."""
    if not any(astuple(config)):
        return None
    return MeshConfig(config.data or 1, config.fsdp or 1, config.tensor or 1)


def sampling_mesh(config: SamplingMesh, training: MeshConfig, weight_bytes: int) -> MeshConfig:
    """Return the mesh for sampling, where `weight_bytes` is the size of all parameters in the compute dtype."""
    if (explicit := explicit_mesh(config)) is not None:
        return explicit
    if weight_bytes / training.tensor > _SMALL * memory_limit(training):
        return training
    return replace(training, data=training.data * training.fsdp, fsdp=1)


def abstract_mesh(config: MeshConfig) -> AbstractMesh:
    """Return the mesh without devices."""
    return AbstractMesh(astuple(config), MESH_AXES)


def make_mesh(config: MeshConfig) -> Mesh | None:
    """Return the device mesh, or None for a single device. Raises ModelError if it is not all devices."""
    return None if math.prod(astuple(config)) == 1 else models.make_mesh(config.data, config.fsdp, config.tensor)


def own_mesh(mesh: Mesh, devices: Sequence[jax.Device]) -> Mesh:
    """Return the mesh of one process's devices: as much of the mesh's tensor axis, then of fsdp, as they allow.

    Raises UserError if tensor parts span hosts.
    """
    sizes, count = mesh.shape, len(devices)
    if count % sizes["tensor"]:
        raise UserError(
            f"tensor {sizes['tensor']} (--policy.mesh, or --policy.sampling-mesh) does not divide the {count} devices "
            f"of a host, and each host samples on its own: use {math.gcd(count, sizes['tensor'])}"
        )
    rest = count // sizes["tensor"]
    fsdp = math.gcd(rest, sizes["fsdp"])
    return models.make_mesh(rest // fsdp, fsdp, sizes["tensor"], devices)


def memory_limit(mesh: MeshConfig) -> int:
    """Return the bytes of memory per device; CPU devices share the host's memory equally."""
    stats = jax.local_devices()[0].memory_stats()
    if stats and "bytes_limit" in stats:
        return int(stats["bytes_limit"])
    host, cgroup = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), Path("/sys/fs/cgroup/memory.max")
    if cgroup.is_file() and (text := cgroup.read_text().strip()).isdecimal():
        host = min(host, int(text))
    return host // max(1, math.prod(astuple(mesh)) // jax.process_count())
