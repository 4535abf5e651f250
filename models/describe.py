"""Print a model's parameters, memory per device and FLOPs.

    python -m models.describe Qwen3-1.7B --mesh fsdp=8 --groups 8 --members 8 --prefix 1536 --suffix 512

Takes a preset or a model directory (config.json is enough), a mesh and the batch of a training step; allocates nothing.
`memory_and_flops.py` documents which figures are exact and which are estimates.
"""

import argparse
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, get_args

from jax.sharding import AbstractMesh

from models.config import ModelConfig
from models.decoder import Remat
from models.errors import ModelError
from models.load import read_config
from models.memory_and_flops import Batch, StepCost, step_cost
from models.presets import active_parameter_count, parameter_count, preset
from models.sharding import MESH_AXES, axis_parts, check_divides, padded


class Parser(argparse.ArgumentParser):
    """Argument parser that raises ModelError instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise ModelError with argparse's message on one line."""
        raise ModelError(f"{message}; see --help")


def run() -> int:
    """Run `main` on the process's arguments; return its exit code, or 1 if the reader, such as `head`, left."""
    try:
        try:
            return main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the interpreter's flush at exit
        return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the description and return 0; for invalid arguments print one line and return 2."""
    try:
        print(describe(_parser().parse_args(arguments)))
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def describe(options: argparse.Namespace) -> str:
    """Return the text. Raises ModelError for an unknown model, a mesh that does not divide it, or a size below 1."""
    is_directory = Path(options.model).is_dir()
    config = read_config(Path(options.model)) if is_directory else preset(options.model)
    mesh = parse_mesh(options.mesh)
    config = padded(config, mesh)
    check_divides(config, mesh)
    batch = Batch(options.groups, options.members, options.prefix, options.suffix)
    for name, size in vars(batch).items():
        if size < 1:
            raise ModelError(f"--{name} is {size}: expected 1 or more")
    if batch.groups % (parts := axis_parts(mesh, "batch")):
        raise ModelError(f"--groups {batch.groups} must be a multiple of {parts}, the mesh's data x fsdp")
    cost = step_cost(config, mesh, batch, options.dtype, options.remat)
    return "\n".join(_lines(config, mesh, batch, cost, options))


def parse_mesh(text: str) -> AbstractMesh:
    """Parse `fsdp=8` or `data=2,tensor=4` as a mesh without devices. Raises ModelError for anything else."""
    sizes: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        axis, _, size = part.partition("=")
        if axis in sizes or axis not in MESH_AXES or not size.isdecimal() or int(size) < 1:
            hint = ". Experts have no axis of their own: tensor spreads them" if axis.startswith("expert") else ""
            raise ModelError(
                f"--mesh {text!r}: expected sizes of {', '.join(MESH_AXES)}, each once, such as fsdp=8 or "
                f"data=2,tensor=4{hint}"
            )
        sizes[axis] = int(size)
    return AbstractMesh(tuple(sizes.get(axis, 1) for axis in MESH_AXES), MESH_AXES)


def _lines(
    config: ModelConfig, mesh: AbstractMesh, batch: Batch, cost: StepCost, options: argparse.Namespace
) -> list[str]:
    state = cost.weights + cost.gradients + cost.optimizer
    caches = cost.prefix_cache + cost.suffix_cache
    # Decoding uses a copy of the weights that is cast beforehand.
    cast = cost.weights // 2 if options.dtype == "bfloat16" else 0
    count, active = parameter_count(config), active_parameter_count(config)
    layers = f"{config.num_layers} layers"
    if config.is_hybrid:
        layers += f" ({config.num_full_layers} of them with full attention)"
    kind = f"{config.num_experts} experts, {config.experts_per_token} per token" if config.num_experts else "dense"
    tokens = batch.groups * (batch.prefix + batch.members * batch.suffix)
    of_caches = f"prefixes {_size(cost.prefix_cache)}, suffixes {_size(cost.suffix_cache)}"
    lengths = f"prefix {batch.prefix}, suffix {batch.suffix}"
    sampling = cost.weights + cost.optimizer + caches + cast
    rows = [
        ("model", f"{options.model}: {config.family}, {kind}, {layers}"),
        ("parameters", f"{count:,}" + (f", of which a token uses {active:,}" if active != count else "")),
        ("devices", " x ".join(f"{k}={v}" for k, v in mesh.shape.items()) + f" = {math.prod(mesh.shape.values())}"),
        ("a step", f"{batch.groups} groups x {batch.members} members, {lengths}: {tokens:,} tokens"),
        ("per device", ""),
        ("  weights", f"{_size(cost.weights)} (float32)"),
        ("  gradients", _size(cost.gradients)),
        ("  optimizer", f"{_size(cost.optimizer)} (two moments, float32)"),
        ("  caches", f"{_size(caches)} ({options.dtype}; {of_caches})"),
        ("  activations", f"about {_size(cost.activations)} (all groups at once, remat {options.remat})"),
        *([("  on its host", _offloaded(cost))] if cost.offloaded else []),
        ("  sampling", f"{_size(sampling)}: weights and a copy in {options.dtype}, optimizer, caches"),
        ("  updating", f"about {_size(state + cost.activations)}: weights, gradients, optimizer, activations"),
        ("FLOPs", f"{cost.sample_flops:.3g} to sample, {cost.update_flops:.3g} to update"),
    ]
    return [f"{name:<14} {text}".rstrip() for name, text in rows]


def _offloaded(cost: StepCost) -> str:
    inputs = f"{_size(cost.offloaded)} of layers' inputs, in pinned memory"
    return f"{inputs}; on a CPU device memory is host memory, so offload saves nothing there"


def _size(count: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return f"{count / size:,.2f} {unit}"
    return f"{count / 1e3:,.1f} kB"


def _parser() -> Parser:
    program = os.environ.get("JAXRLVR_PROGRAM") or "python -m models.describe"
    parser = Parser(prog=program, description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model", metavar="MODEL", help="a preset such as Qwen3-1.7B, or a directory with config.json")
    mesh = "sizes of data, fsdp, tensor (which also spreads experts); default: one device"
    parser.add_argument("--mesh", metavar="SIZES", default="", help=mesh)
    parser.add_argument("--groups", type=int, metavar="N", default=8, help="groups of a step, over all devices")
    parser.add_argument("--members", type=int, metavar="N", default=8, help="members of a group")
    parser.add_argument("--prefix", type=int, metavar="N", default=1024, help="tokens of a prefix")
    parser.add_argument("--suffix", type=int, metavar="N", default=512, help="tokens of a suffix")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="bfloat16", help="dtype of the computation")
    parser.add_argument("--remat", choices=get_args(Remat), default="full", help="recomputation in the backward pass")
    return parser


if __name__ == "__main__":
    sys.exit(run())
