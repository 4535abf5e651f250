"""Memory of loading and saving: besides the weights themselves, about one tensor at a time.

Allocations of Python and NumPy are counted by tracemalloc; nothing is timed. Arrays that JAX has copied out of counted
memory are added. The benchmark `checkpoint_memory` measures a whole process with 2 GB.
"""

import json
import math
import tracemalloc
from functools import partial

import jax
import numpy as np
import pytest
from flax import nnx

import models
from models.checkpoint_files import INDEX_FILE
from models.safetensors_writer import Entry, write
from models.weight_table import tensors

FILES = 4
ALLOWANCE = 2**20
"""Allowance for names, headers, and JAX's own data."""


@pytest.fixture(scope="module")
def config(make_config):
    """A model of 80 MB in float32, a fifth of which is the embedding, its largest tensor."""
    widths = {"hidden_size": 512, "num_heads": 8, "num_kv_heads": 8, "head_dim": 64, "mlp_size": 1536}
    return make_config(vocab_size=8192, num_layers=4, **widths)


@pytest.fixture(scope="module")
def checkpoint(config, tmp_path_factory):
    """A checkpoint of random weights in several files."""
    directory, rng = tmp_path_factory.mktemp("large"), np.random.default_rng(0)
    entries = [
        Entry(name, "F32", row.hf_shape(config), partial(rng.random, row.hf_shape(config), np.float32))
        for row in tensors(config)
        for name in row.hf_names(config)
    ]
    files = {}
    for number in range(FILES):
        name = f"model-{number + 1:05}-of-{FILES:05}.safetensors"
        write(directory / name, entries[number::FILES], {"format": "pt"})
        files |= {entry.name: name for entry in entries[number::FILES]}
    (directory / INDEX_FILE).write_text(json.dumps({"metadata": {}, "weight_map": files}))
    (directory / "config.json").write_text(json.dumps({**config.to_hf(), "dtype": "float32"}))
    return directory


def counted(call):
    """Return a call's result, the peak of allocated bytes, and the bytes allocated afterwards."""
    tracemalloc.start()
    try:
        result = call()
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return result, peak, left


def held(decoder):
    """Return the bytes of all parameter shards on this process's devices, including replicas."""
    return sum(
        shard.data.nbytes for leaf in jax.tree.leaves(nnx.split(decoder)[1]) for shard in leaf.addressable_shards
    )


def largest(config):
    """Return the bytes of the checkpoint's largest tensor."""
    return max(4 * math.prod(row.hf_shape(config)) for row in tensors(config))


@pytest.mark.parametrize("sizes", [None, (1, 8, 1), (2, 2, 2)])
def test_load__holds_one_tensor_besides_the_parameters(config, checkpoint, sizes):
    mesh = models.make_mesh(*sizes) if sizes else None
    decoder, peak, left = counted(lambda: models.load(checkpoint, mesh=mesh))
    shards = held(decoder)
    limit = 1.3 * (largest(config) + shards) + ALLOWANCE
    assert limit < shards + sum(file.stat().st_size for file in checkpoint.glob("*.safetensors")), (
        "the limit would accept a loader that reads the whole checkpoint first"
    )
    assert peak + max(0, shards - left) <= limit


def test_save__holds_one_tensor_at_a_time(config, checkpoint, tmp_path):
    decoder = models.load(checkpoint)
    out, peak, _ = counted(lambda: models.save(decoder, tmp_path / "out", max_shard_bytes=20 * 2**20))
    assert len(list(out.glob("*.safetensors"))) > 1
    assert peak <= 1.3 * largest(config) + ALLOWANCE
