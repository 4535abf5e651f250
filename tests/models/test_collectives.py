"""Laws of the compiled program: on a mesh a layer gathers its own weights, once, and no activations."""

import math
import re
from dataclasses import replace

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

import models
from models import Decoder
from models.tensors import tensors

# The published shape; layers are scanned, so that the loop's body is one layer however many there are.
CONFIG = replace(models.PRESETS["Qwen/Qwen3-1.7B"], num_layers=2)
GROUPS, MEMBERS, PREFIX, SUFFIX = 8, 2, 64, 32
_COMPUTATION = re.compile(r"^(?:ENTRY )?%?([\w.-]+) \(.*\{$", re.M)
_GATHER = re.compile(r"= \(?(\w+)\[([\d,]*)\].* all-gather(?:-start)?\(")


def compiled(mesh):
    """The optimised program of a prefill and an extend, from shapes alone."""
    graphdef, params = nnx.split(nnx.eval_shape(lambda: Decoder(CONFIG, rngs=nnx.Rngs(0), mesh=mesh)))
    places = models.param_shardings(CONFIG, params, mesh)
    params = jax.tree.map(lambda x, place: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=place), params, places)
    spread = models.batch_sharding(mesh)

    def forward(params, tokens_BP, length_B, tokens_BGT):
        model = nnx.merge(graphdef, params)
        _, prefix = model.prefill(tokens_BP, length_B)
        return model.extend(tokens_BGT, prefix, length_B, None, jnp.zeros(tokens_BGT.shape[:2], jnp.int32))[0]

    shapes = (GROUPS, PREFIX), (GROUPS,), (GROUPS, MEMBERS, SUFFIX)
    arrays = [jax.ShapeDtypeStruct(shape, jnp.int32, sharding=spread) for shape in shapes]
    return jax.jit(forward).lower(params, *arrays).compile().as_text()


def gathers(hlo):
    """Bytes of every all-gather's result, by the loop body it stands in ("" for outside of loops)."""
    bodies = {name: [] for name in re.findall(r"body=%?([\w.-]+)", hlo)}
    found = {"": [], **bodies}
    parts = _COMPUTATION.split(hlo)
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        for kind, shape in _GATHER.findall(text):
            size = math.prod(map(int, filter(None, shape.split(",")))) * {"f32": 4, "bf16": 2, "s32": 4}[kind]
            found[name if name in bodies else ""].append(size)
    return found


def layer_bytes():
    return sum(4 * math.prod(row.shape(CONFIG)[1:]) for row in tensors(CONFIG) if row.is_stacked)


def loops(hlo):
    """The gathers of the two loops over layers: the prefill's and the extend's."""
    found = gathers(hlo)
    return [sizes for body, sizes in found.items() if body], found[""]


def test_fsdp__gathers_each_weight_of_a_layer_once_and_no_activation():
    layers, outside = loops(compiled(models.make_mesh(1, 8, 1)))
    rows = [row for row in tensors(CONFIG) if row.is_stacked and "embed" in row.axes]
    assert len([sizes for sizes in layers if sizes]) == 2, "one loop for the prefix, one for suffixes"
    for sizes in filter(None, layers):
        assert len(sizes) <= len(rows)
        assert sum(sizes) <= layer_bytes()
    embedding = 4 * CONFIG.vocab_size * CONFIG.hidden_size
    assert sum(outside) <= 2 * embedding + 2**20


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(1, 1, 8), (2, 1, 4)])
def test_tensor__gathers_nothing_in_a_layer(sizes):
    layers, outside = loops(compiled(models.make_mesh(*sizes)))
    assert sum(map(sum, layers)) == 0
    assert sum(outside) <= 2 * 4 * GROUPS * (PREFIX + MEMBERS * SUFFIX) * CONFIG.hidden_size


@pytest.mark.slow
def test_fsdp_with_tensor__gathers_a_device_s_share_of_the_weights():
    layers, _ = loops(compiled(models.make_mesh(1, 2, 4)))
    rows = [row for row in tensors(CONFIG) if row.is_stacked and "embed" in row.axes]
    for found in filter(None, layers):
        assert len(found) <= len(rows) and sum(found) <= 1.05 * layer_bytes() / 4
