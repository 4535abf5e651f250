"""Sharding rules: the one table from logical axes to mesh axes.

The mesh has three axes. data: groups are sharded, parameters replicated. fsdp: groups and parameters are sharded.
tensor: heads, mlp, experts and vocabulary are sharded. All other code names logical axes ("heads") and looks up here
where they are sharded.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
from flax import nnx
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec

from models.adapters import parameters
from models.config import ModelConfig
from models.errors import ModelError
from models.weight_table import sizes

AnyMesh = Mesh | AbstractMesh
"""A mesh of devices, or only its sizes."""
MESH_AXES = ("data", "fsdp", "tensor")

RULES: dict[str, str | tuple[str, ...] | None] = {
    "batch": ("data", "fsdp"),
    # Groups during the embedding lookup: fsdp shards the width of the embedding.
    "looked_up": "data",
    "layers": None,
    "full_layers": None,
    "linear_layers": None,
    "vocab": "tensor",
    "embed": "fsdp",
    "heads": "tensor",
    "kv_heads": "tensor",
    "head": None,
    "head_and_gate": None,
    "mlp": "tensor",
    # Whole experts are sharded, so that a product of tokens with one expert stays on one device.
    "experts": "tensor",
    "expert_mlp": None,
    "value_heads": "tensor",
    "value_head": None,
    # Queries, keys and values share one axis: shards would not end at heads.
    "mixed": None,
    "taps": None,
    "rank": None,
}
"""Mesh axes that shard each logical axis; None: replicated."""


def make_mesh(data: int = 1, fsdp: int = 1, tensor: int = 1, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """Make a mesh of data x fsdp x tensor devices (default: all devices of all processes).

    Raises ModelError if the product is not the number of devices.
    """
    chosen = jax.devices() if devices is None else list(devices)
    sizes = (data, fsdp, tensor)
    if min(sizes) < 1 or math.prod(sizes) != len(chosen):
        raise ModelError(
            f"a mesh of data={data} x fsdp={fsdp} x tensor={tensor} has {math.prod(sizes)} devices, "
            f"but {len(chosen)} are given: the product must equal the number of devices"
        )
    # Auto: the compiler shards arrays that the rules leave open.
    return jax.make_mesh(sizes, MESH_AXES, axis_types=(AxisType.Auto,) * len(MESH_AXES), devices=chosen)


def partition(axes: Sequence[str | None]) -> PartitionSpec:
    """Return the PartitionSpec of an array with these logical axes (None: replicated)."""
    return PartitionSpec(*(None if axis is None else RULES[axis] for axis in axes))


def sharding(mesh: Mesh, axes: Sequence[str | None]) -> NamedSharding:
    """Return the sharding on `mesh` of an array with these logical axes."""
    return NamedSharding(mesh, partition(axes))


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """Return the sharding of any array whose first axis is groups."""
    return sharding(mesh, ("batch",))


def batch_parts(mesh: Mesh) -> int:
    """Number of parts into which `batch_sharding` splits groups."""
    return mesh.shape["data"] * mesh.shape["fsdp"]


def param_shardings(config: ModelConfig, params: Any, mesh: Mesh) -> Any:
    """Return the sharding of every parameter, as a tree like `params` (the state of `nnx.split(decoder)`).

    Raises ModelError if the model does not divide over the mesh.
    """
    check_divides(config, mesh)
    wanted = {tensor.path: sharding(mesh, tensor.axes) for tensor in parameters(config)}
    flat = [(path, param.replace(wanted[tuple(map(str, path))])) for path, param in nnx.to_flat_state(params)]
    return nnx.from_flat_state(flat)


def axis_parts(mesh: AnyMesh, axis: str) -> int:
    """Number of parts into which the mesh splits a logical axis."""
    rule = RULES[axis]
    names = () if rule is None else (rule,) if isinstance(rule, str) else rule
    return math.prod(mesh.shape[name] for name in names)


def padded(config: ModelConfig, mesh: AnyMesh) -> ModelConfig:
    """Pad the vocabulary so that the mesh divides it; no padding if it already does."""
    parts = axis_parts(mesh, "vocab")
    rows = -config.vocab_size % math.lcm(parts, _ROWS) if config.vocab_size % parts else 0
    return replace(config, vocab_padding=rows)


# A padded vocabulary is a multiple of this: wide products are faster in round sizes.
_ROWS = 128
# Config fields of the logical axes that can be sharded.
_FIELDS = {
    "vocab": "vocab_size",
    "embed": "hidden_size",
    "heads": "num_heads",
    "kv_heads": "num_kv_heads",
    "mlp": "mlp_size",
    "experts": "num_experts",
    "value_heads": "linear_value_heads",
}


def check_divides(config: ModelConfig, mesh: AnyMesh) -> None:
    """Raise ModelError listing every dimension of the model that the mesh does not divide."""
    size = sizes(config)
    used = {axis for tensor in parameters(config) for axis in tensor.axes}
    dimensions = {axis: (name, size[axis]) for axis, name in _FIELDS.items() if axis in used}
    problems = [
        f"{name} {size} is not a multiple of {RULES[axis]}={axis_parts(mesh, axis)}"
        for axis, (name, size) in dimensions.items()
        if size % axis_parts(mesh, axis)
    ]
    if problems:
        raise ModelError(
            f"the model does not divide over the mesh: {'; '.join(problems)}. Choose a smaller fsdp or tensor"
        )


def constrain(x: jax.Array, mesh: Mesh | None, axes: Sequence[str | None]) -> jax.Array:
    """Constrain an activation's sharding inside a compiled function; without a mesh, return it unchanged.

    Raises ModelError if the groups do not divide over data x fsdp.
    """
    if mesh is None:
        return x
    parts = axis_parts(mesh, "batch")
    if axes[0] in ("batch", "looked_up") and x.shape[0] % parts:
        raise ModelError(
            f"{x.shape[0]} groups do not divide over data x fsdp = {parts} devices: "
            f"use a multiple of {parts} groups, or a smaller mesh"
        )
    return jax.lax.with_sharding_constraint(x, sharding(mesh, axes))


def gathered(w: jax.Array, mesh: Mesh | None, axes: Sequence[str | None]) -> jax.Array:
    """Gather a layer's weight over fsdp, as its products need it; shards over tensor stay. No-op without a mesh."""
    return constrain(w, mesh, [None if axis and RULES[axis] == "fsdp" else axis for axis in axes])
