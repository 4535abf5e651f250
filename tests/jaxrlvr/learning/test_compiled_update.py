"""Laws of the compiled update: devices exchange no more than they must, and depth adds nothing to the program.

The update's own gradient pass is compiled for the shape of Qwen3-1.7B on eight simulated devices, from shapes alone,
which also give the bytes that must move. Per layer, in each of its passes over prefixes and suffixes:

    fsdp     its weights, gathered once forward and once backward (recomputing and differentiating share them)
    sums     its gradients, over the devices that saw other groups, once
    tensor   the residual stream, summed after attention and after the mlp; backward once more for what is computed
             again, and one slope of it for each product that begins with it

and around the layers: the unembedding gathered once and its gradient summed once, each token's embedding exchanged once
in each direction, and where data copies parameters, the embeddings' gradients of the two lookups.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
import pytest
from flax import nnx

import models
from jaxrlvr.learning import grpo
from jaxrlvr.learning.batch import empty
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import Learner
from models.sharding import axis_parts
from models.weight_table import tensors
from tests.hlo import Loop, Program

# No other loop runs as often as there are layers.
LAYERS, GROUPS, MEMBERS, PREFIX, SUFFIX = 5, 8, 8, 256, 128
FLOAT = 4
SLACK = 1.001
"""For norms over a head's width, and sums of single numbers."""


def lowered(config, mesh=None, remat="full", groups=GROUPS):
    """The gradient pass of an update, from shapes alone."""
    compute = models.Compute(remat=remat)
    decoder = nnx.eval_shape(lambda: models.Decoder(config, rngs=nnx.Rngs(0), mesh=mesh, compute=compute))
    graphdef, params = nnx.split(decoder)
    batch, spread = empty(groups, MEMBERS, PREFIX, SUFFIX, 0), None
    if mesh is not None:
        shardings, spread = models.param_shardings(config, params, mesh), models.batch_sharding(mesh)
        params = jax.tree.map(
            lambda x, sharding: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=sharding), params, shardings
        )
    batch = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=spread), batch)
    scalar = jax.ShapeDtypeStruct((), jnp.float32)
    learner = Learner(graphdef, optax.sgd(1.0), grpo.objective(GRPOConfig()), mesh=mesh)
    return learner.accumulate.lower(params, params, batch, None, scalar, scalar)


def qwen(layers):
    return replace(models.PRESETS["Qwen/Qwen3-1.7B"], num_layers=layers)


class Parts(NamedTuple):
    """The compiled program: the layers' loops (prefixes, suffixes), and everything around them."""

    forward: list[Loop]
    backward: list[Loop]
    around: Loop


def parts(program):
    """Split a program. Raises AssertionError unless it has exactly two loops over layers in each direction."""
    loops = [loop for loop in program.loops() if loop.times == LAYERS]
    backward = [loop for loop in loops if "transpose(" in loop.name]
    forward = [loop for loop in loops if loop not in backward]
    assert len(forward) == len(backward) == 2, [loop[:2] for loop in program.loops()]
    whole = program.moved()
    for loop in loops:
        whole.arrays.subtract((loop.moved * LAYERS).arrays)
        whole.bytes.subtract((loop.moved * LAYERS).bytes)
    assert min(whole.bytes.values()) >= 0
    return Parts(forward, backward, Loop(1, "", whole))


class Must(NamedTuple):
    """Sizes on one device, in bytes unless stated otherwise."""

    gathered: int
    """Of a layer's weights, those that fsdp cuts."""
    gathered_arrays: int
    layer: int
    """All of a layer's weights."""
    streams: tuple[int, int]
    """The residual stream of a device's own prefixes, and suffixes."""
    losses: int
    """One number for each token of these suffixes."""
    starts: int
    """Slopes of the residual stream: of products that begin with it and whose results are spread, and of experts."""
    router: int
    """A router, which chooses among all experts, so that the devices of the tensor axis need all of it."""
    embedding: int


def must(config, mesh):
    """Compute the sizes of a pass over one layer whose weights are gathered, on each device.

    For a hybrid, a layer stands for one full-attention layer and the linear ones that come with it.
    """
    rows = [row for row in tensors(config) if row.is_stacked]

    def size(row):
        cut = math.prod(axis_parts(mesh, axis) for axis in row.axes if axis != "embed")
        return FLOAT * math.prod(row.shape(config)) // config.num_full_layers // cut

    cut = [row for row in rows if "embed" in row.axes]
    stream = GROUPS // axis_parts(mesh, "batch") * config.hidden_size * FLOAT
    starts = [row for row in rows if row.inputs == ("embed",) and {"heads", "kv_heads", "mlp"} & {*row.outputs}]
    return Must(
        gathered=sum(map(size, cut)),
        gathered_arrays=sum(row.shape(config)[0] // config.num_full_layers for row in cut),
        layer=sum(map(size, rows)),
        streams=(stream * PREFIX, stream * MEMBERS * SUFFIX),
        losses=stream * MEMBERS * SUFFIX // config.hidden_size,
        starts=len(starts) + bool(config.num_experts),
        router=FLOAT * config.hidden_size * config.num_experts * (axis_parts(mesh, "experts") > 1),
        embedding=FLOAT * config.vocab_size * config.hidden_size // axis_parts(mesh, "vocab"),
    )


def within(moved, bound):
    """Assert that the bytes moved are those that must move, up to SLACK."""
    assert bound / SLACK <= moved <= SLACK * bound, (moved, bound)


def sums(moved):
    """Bytes summed over devices, whether every device gets the whole sum or a part."""
    return moved.bytes["all-reduce"] + moved.bytes["reduce-scatter"]


def check_layers(passes, need, mesh, remat):
    """Check the bytes one layer moves, forward and backward, over prefixes and over suffixes."""
    data, fsdp, tensor = (mesh.shape[name] for name in ("data", "fsdp", "tensor"))
    for loop in passes.forward + passes.backward:
        within(loop.moved.bytes["all-gather"], need.gathered * (fsdp > 1) + need.router)
        assert loop.moved.arrays["all-gather"] == need.gathered_arrays * (fsdp > 1) + bool(need.router)
        assert set(+loop.moved.arrays) <= {"all-gather", "all-reduce", "reduce-scatter"}
    streams = sorted(sums(loop.moved) for loop in passes.forward)
    for stream, sum_ in zip(sorted(need.streams), streams, strict=True):
        within(sum_, 2 * stream if tensor > 1 else 0)
    again = remat == "full"
    gradients = need.layer if data * fsdp > 1 else 0
    # Kept or computed again, a weight that is not held whole may have its gradient summed over fsdp and then data.
    gradients += need.gathered // fsdp if not again and data > 1 and fsdp > 1 else 0
    # XLA for CPUs sums each slope of the stream over the devices before it adds them up to one.
    slopes = need.starts + again if tensor > 1 else 0
    streams = sorted(sums(loop.moved) for loop in passes.backward)
    for stream, sum_ in zip(sorted(need.streams), streams, strict=True):
        within(sum_, gradients + slopes * stream)


def check_around(passes, need, mesh):
    """Check the bytes moved before, after and between the loops over layers."""
    data, fsdp, tensor = (mesh.shape[name] for name in ("data", "fsdp", "tensor"))
    tokens, stream = FLOAT * GROUPS * (PREFIX + MEMBERS * SUFFIX), sum(need.streams)
    bytes_ = passes.around.moved.bytes
    # SLACK covers norms and per-token numbers.
    assert (need.embedding if fsdp > 1 else 0) <= bytes_["all-gather"] <= need.embedding * (fsdp > 1) * SLACK + tokens
    gradients = need.embedding * (data * fsdp > 1) + 2 * need.embedding // fsdp * (data > 1)
    # Lookups of words that another device holds, the loss's slopes of suffixes' last hidden states, and what it sums or
    # picks over all words: largest logit, normaliser, the token's own logit, entropy, and of the slope two.
    words = (stream + need.streams[1] + 6 * need.losses) * (tensor > 1)
    within(sums(passes.around.moved), gradients + words)
    within(bytes_["all-to-all"], 2 * stream if fsdp > 1 else 0)
    assert bytes_["collective-permute"] <= tokens


@pytest.mark.parametrize(
    ("sizes", "remat"),
    [
        ((1, 8, 1), "full"),
        ((1, 4, 2), "full"),
        pytest.param((2, 4, 1), "full", marks=pytest.mark.slow),
        pytest.param((1, 1, 8), "full", marks=pytest.mark.slow),
        pytest.param((2, 2, 2), "full", marks=pytest.mark.slow),
        pytest.param((8, 1, 1), "full", marks=pytest.mark.slow),
        pytest.param((1, 8, 1), "none", marks=pytest.mark.slow),
        pytest.param((1, 4, 2), "none", marks=pytest.mark.slow),
        pytest.param((2, 4, 1), "none", marks=pytest.mark.slow),
    ],
)
def test_update__moves_between_devices_what_it_must(sizes, remat):
    data, fsdp, tensor = sizes
    config, mesh = qwen(LAYERS), models.make_mesh(data, fsdp, tensor)
    passes = parts(Program(lowered(config, mesh, remat).compile().as_text()))
    need = must(config, mesh)
    check_layers(passes, need, mesh, remat)
    check_around(passes, need, mesh)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "layers", "sizes"), [("Qwen/Qwen3-30B-A3B", 1, (1, 4, 2)), ("Qwen/Qwen3.5-4B", 4, (1, 8, 1))]
)
def test_update__of_a_mixture_or_a_hybrid_moves_what_it_must(name, layers, sizes):
    data, fsdp, tensor = sizes
    config = replace(models.PRESETS[name], num_layers=layers * LAYERS)
    mesh = models.make_mesh(data, fsdp, tensor)
    passes = parts(Program(lowered(config, mesh).compile().as_text()))
    need = must(config, mesh)
    check_layers(passes, need, mesh, "full")
    check_around(passes, need, mesh)


def test_update__is_as_large_a_program_for_28_layers_as_for_4():
    few, many = (lowered(qwen(layers), groups=1) for layers in (4, 28))
    sizes = [len(program.as_text().splitlines()) for program in (few, many)]
    assert sizes[0] == sizes[1] > 100
    compiled = [Program(program.compile().as_text()) for program in (few, many)]
    assert abs(compiled[0].size - compiled[1].size) <= 5 and compiled[0].size > 1000
    assert [sorted(loop.times for loop in program.loops() if loop.times == layers) for program, layers in
            zip(compiled, (4, 28), strict=True)] == [[4] * 4, [28] * 4]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("name", "few", "many"), [("Qwen/Qwen3-30B-A3B", 4, 48), ("Qwen/Qwen3.5-4B", 8, 32)])
def test_update__is_as_large_a_program_at_any_depth_in_every_family(name, few, many):
    config = models.PRESETS[name]
    texts = [lowered(replace(config, num_layers=layers), groups=1).as_text() for layers in (few, many)]
    assert len(texts[0].splitlines()) == len(texts[1].splitlines()) > 100
