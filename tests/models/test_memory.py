"""Laws of the memory that loading and saving take: beside the weights themselves, about one tensor at a time.

What Python and NumPy allocate is counted as it happens (tracemalloc); nothing is timed. Arrays that JAX has copied out
of what was counted are added. The benchmark `checkpoint_memory` measures a whole process, with 2 GB.
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
LITTLE = 2**20
"""Names, headers, and what JAX keeps of a call."""


@pytest.fixture(scope="module")
def config(make_config):
    """80 MB in float32, of which the embedding, the largest tensor of the checkpoint, is a fifth."""
    widths = {"hidden_size": 512, "num_heads": 8, "num_kv_heads": 8, "head_dim": 64, "mlp_size": 1536}
    return make_config(vocab_size=8192, num_layers=4, **widths)


@pytest.fixture(scope="module")
def checkpoint(config, tmp_path_factory):
    """Random weights in several files."""
    directory, rng = tmp_path_factory.mktemp("large"), np.random.default_rng(0)
    entries = [
        Entry(name, "F32", row.hf_shape(config), partial(rng.random, row.hf_shape(config), np.float32))
        for row in tensors(config)
        for name in row.hf_names(config)
    ]
    places = {}
    for number in range(FILES):
        name = f"model-{number + 1:05}-of-{FILES:05}.safetensors"
        write(directory / name, entries[number::FILES], {"format": "pt"})
        places |= {entry.name: name for entry in entries[number::FILES]}
    (directory / INDEX_FILE).write_text(json.dumps({"metadata": {}, "weight_map": places}))
    (directory / "config.json").write_text(json.dumps({**config.to_hf(), "dtype": "float32"}))
    return directory


def counted(call):
    """What a call returns, the bytes that it holds at its peak, and those that it leaves."""
    tracemalloc.start()
    try:
        result = call()
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return result, peak, left


def held(decoder):
    """Bytes of all parts of the parameters that this process's devices hold, copies too."""
    return sum(
        shard.data.nbytes for leaf in jax.tree.leaves(nnx.split(decoder)[1]) for shard in leaf.addressable_shards
    )


def largest(config):
    """Bytes of the largest tensor of the checkpoint."""
    return max(4 * math.prod(row.hf_shape(config)) for row in tensors(config))


@pytest.mark.parametrize("sizes", [None, (1, 8, 1), (2, 2, 2)])
def test_load__holds_one_tensor_beside_what_it_places(config, checkpoint, sizes):
    mesh = models.make_mesh(*sizes) if sizes else None
    decoder, peak, left = counted(lambda: models.load(checkpoint, mesh=mesh))
    shards = held(decoder)
    limit = 1.3 * (largest(config) + shards) + LITTLE
    assert limit < shards + sum(file.stat().st_size for file in checkpoint.glob("*.safetensors")), (
        "the law would let a loader pass that reads the whole checkpoint first"
    )
    assert peak + max(0, shards - left) <= limit


def test_save__holds_one_tensor_at_a_time(config, checkpoint, tmp_path):
    decoder = models.load(checkpoint)
    out, peak, _ = counted(lambda: models.save(decoder, tmp_path / "out", max_shard_bytes=20 * 2**20))
    assert len(list(out.glob("*.safetensors"))) > 1
    assert peak <= 1.3 * largest(config) + LITTLE
