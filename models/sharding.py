"""Logical axes -> mesh axes: the one place that knows how a model is spread over devices.

The mesh has three axes. data: groups are spread, parameters copied. fsdp: groups and parameters are spread. tensor:
heads, mlp, experts and vocabulary are spread. Everything else names what an axis *is* ("heads") and looks here for
where it goes.
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
"""Devices in a grid, or only the grid's sizes."""
MESH_AXES = ("data", "fsdp", "tensor")

RULES: dict[str, str | tuple[str, ...] | None] = {
    "batch": ("data", "fsdp"),
    # Groups while their tokens are looked up: embeddings lie in parts of their width on the devices of fsdp.
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
    # Whole experts are spread, so that a product of tokens with one expert stays on one device.
    "experts": "tensor",
    "expert_mlp": None,
    "value_heads": "tensor",
    "value_head": None,
    # Queries, keys and values in one axis: a cut would not fall between heads.
    "mixed": None,
    "taps": None,
    "rank": None,
}
"""Where each logical axis goes; None: every device holds all of it."""


def make_mesh(data: int = 1, fsdp: int = 1, tensor: int = 1, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """A mesh of data x fsdp x tensor devices (all of this process's world by default).

    Raises ModelError if the product is not the number of devices.
    """
    chosen = jax.devices() if devices is None else list(devices)
    sizes = (data, fsdp, tensor)
    if min(sizes) < 1 or math.prod(sizes) != len(chosen):
        raise ModelError(
            f"a mesh of data={data} x fsdp={fsdp} x tensor={tensor} has {math.prod(sizes)} places, "
            f"but there are {len(chosen)} devices: the product must equal the number of devices"
        )
    # Auto: the compiler places what the rules leave open.
    return jax.make_mesh(sizes, MESH_AXES, axis_types=(AxisType.Auto,) * len(MESH_AXES), devices=chosen)


def partition(axes: Sequence[str | None]) -> PartitionSpec:
    """Logical axis names (None: copied) of an array -> its PartitionSpec."""
    return PartitionSpec(*(None if axis is None else RULES[axis] for axis in axes))


def sharding(mesh: Mesh, axes: Sequence[str | None]) -> NamedSharding:
    """Logical axis names of an array -> its sharding on `mesh`."""
    return NamedSharding(mesh, partition(axes))


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """Sharding of any array whose first axis is groups."""
    return sharding(mesh, ("batch",))


def batch_parts(mesh: Mesh) -> int:
    """How many parts `batch_sharding` cuts groups into."""
    return mesh.shape["data"] * mesh.shape["fsdp"]


def param_shardings(config: ModelConfig, params: Any, mesh: Mesh) -> Any:
    """The sharding of every parameter: a tree like `params` (the state that `nnx.split(decoder)` gives).

    Raises ModelError if the model does not divide over the mesh.
    """
    check_divides(config, mesh)
    wanted = {tensor.path: sharding(mesh, tensor.axes) for tensor in parameters(config)}
    placed = [(path, param.replace(wanted[tuple(map(str, path))])) for path, param in nnx.to_flat_state(params)]
    return nnx.from_flat_state(placed)


def places(mesh: AnyMesh, axis: str) -> int:
    """In how many parts the mesh cuts a logical axis."""
    rule = RULES[axis]
    names = () if rule is None else (rule,) if isinstance(rule, str) else rule
    return math.prod(mesh.shape[name] for name in names)


def padded(config: ModelConfig, mesh: AnyMesh) -> ModelConfig:
    """The config with as many rows added to the vocabulary as the mesh needs: none if it divides as it is."""
    parts = places(mesh, "vocab")
    rows = -config.vocab_size % math.lcm(parts, _ROWS) if config.vocab_size % parts else 0
    return replace(config, vocab_padding=rows)


# A vocabulary that is padded at all gets a multiple of this: wide products like round numbers.
_ROWS = 128
# The config's names of the axes that may be cut.
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
    """Raise ModelError, listing every dimension of the model that the mesh does not divide."""
    size = sizes(config)
    used = {axis for tensor in parameters(config) for axis in tensor.axes}
    dimensions = {axis: (name, size[axis]) for axis, name in _FIELDS.items() if axis in used}
    problems = [
        f"{name} {size} is no multiple of {RULES[axis]}={places(mesh, axis)}"
        for axis, (name, size) in dimensions.items()
        if size % places(mesh, axis)
    ]
    if problems:
        raise ModelError(
            f"the model does not divide over the mesh: {'; '.join(problems)}. Choose a smaller fsdp or tensor"
        )


def constrain(x: jax.Array, mesh: Mesh | None, axes: Sequence[str | None]) -> jax.Array:
    """Pin an activation to the mesh inside a compiled function; without a mesh, the array as it is.

    Raises ModelError if the batch does not divide over the devices that share it.
    """
    if mesh is None:
        return x
    parts = places(mesh, "batch")
    if axes[0] in ("batch", "looked_up") and x.shape[0] % parts:
        raise ModelError(
            f"{x.shape[0]} groups do not divide over data x fsdp = {parts} devices: "
            f"use a multiple of {parts} groups, or a smaller mesh"
        )
    return jax.lax.with_sharding_constraint(x, sharding(mesh, axes))


def gathered(w: jax.Array, mesh: Mesh | None, axes: Sequence[str | None]) -> jax.Array:
    """A layer's weight as its products take it: whole where only fsdp cuts it. Without a mesh, as it is."""
    return constrain(w, mesh, [None if axis and RULES[axis] == "fsdp" else axis for axis in axes])
