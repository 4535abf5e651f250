"""Laws of the compiled sampler on a mesh: devices that hold whole weights exchange nothing to decode and append.

The programs are those of a sampler on eight devices; what they move between devices is read in their text.
"""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from jaxrlvr.rollout.policy import PolicyConfig, load_policy
from jaxrlvr.runtime.devices import MeshConfig, SamplingMesh
from jaxrlvr.sampling import sampler as compiled
from jaxrlvr.sampling.sampler import keys
from models.sampling_weights import sampling_weights
from tests.hlo import Program

GROUPS, MEMBERS, FLOAT = 8, 4, 4


@pytest.fixture(scope="module")
def make_programs(model_directory, acting):
    """The programs of writing and of reading on a mesh."""

    def make(mesh, sampling_mesh=None):
        config = PolicyConfig(model=str(model_directory), mesh=mesh, sampling_mesh=sampling_mesh or SamplingMesh())
        policy = load_policy(config)
        sampler = policy.sampler(acting)
        model = sampler.prepare_weights(policy.params)
        prefix, state = sampler.prefill(model, [[5] * 20] * GROUPS, MEMBERS)
        limit_BG, key_BG = np.full((GROUPS, MEMBERS), 8, np.int32), keys(0, 0, range(GROUPS), MEMBERS)
        limit_BG, key_BG = sampler._shard((limit_BG, key_BG))
        numbers = jnp.float32(1), jnp.int32(0)
        write = compiled._decode.lower(2, model, prefix, state, limit_BG, key_BG, *numbers)
        texts = [{row: [3] for row in range(GROUPS * MEMBERS // sampler._shards)}] * sampler._shards
        chunk = sampler._shard(sampler._chunk(texts, GROUPS * MEMBERS // sampler._shards, GROUPS * MEMBERS))
        read = compiled._append.lower(model, prefix, state, *chunk)
        return policy.config, Program(write.compile().as_text()), Program(read.compile().as_text())

    return make


@pytest.mark.parametrize("mesh", [MeshConfig(fsdp=8), MeshConfig(data=2, fsdp=4)], ids=str)
def test_decoding__trades_nothing_but_whether_to_go_on(make_programs, mesh):
    _, write, read = make_programs(mesh)
    moving = [loop for loop in write.loops() if loop.moved.arrays]
    assert [(loop.moved.arrays, loop.moved.bytes) for loop in moving] == [({"all-reduce": 1}, {"all-reduce": FLOAT})]
    assert not write.moved(outside_of_loops=True).arrays
    assert not read.moved().arrays


def test_decoding__with_cut_weights_gathers_them_for_each_turn_but_not_for_each_token(make_programs):
    mesh = MeshConfig(fsdp=8)
    config, write, _ = make_programs(mesh, SamplingMesh(fsdp=8))
    outside, (loop,) = write.moved(outside_of_loops=True), [loop for loop in write.loops() if loop.moved.arrays]
    assert outside.bytes["all-gather"] > 0.9 * FLOAT * (models.parameter_count(config) - config.hidden_size)
    # The embedding stays cut: tokens are told to all devices, and what they look up comes back.
    looked_up = FLOAT * GROUPS * MEMBERS * (config.hidden_size + 4)
    assert sum(loop.moved.bytes.values()) <= 2 * looked_up


def test_decoding__over_tensor_sums_the_residual_stream_twice_a_layer(make_programs):
    config, write, _ = make_programs(MeshConfig(data=4, tensor=2))
    (loop,) = [loop for loop in write.loops() if loop.moved.arrays]
    members = GROUPS // 4 * MEMBERS
    streams = FLOAT * members * config.hidden_size * (2 * config.num_layers + 1)  # and the looked up token
    # To draw from a vocabulary in two parts takes the sums of its blocks, and some numbers for each member.
    drawing = FLOAT * members * (config.vocab_size // 64 + 2 * 64 + 16)
    assert not write.moved(outside_of_loops=True).arrays
    assert streams <= loop.moved.bytes["all-reduce"] and sum(loop.moved.bytes.values()) <= streams + drawing


def test_sampling_weights__are_cast_but_for_what_may_not_be(loaded):
    decoder = nnx.merge(loaded.graphdef, loaded.params)
    same = sampling_weights(decoder.config, loaded.params, "float32", None)
    for ours, theirs in zip(nnx.to_flat_state(same), nnx.to_flat_state(loaded.params), strict=True):
        assert ours[0] == theirs[0] and ours[1][...] is theirs[1][...], "copied for nothing"
    cast = dict(nnx.to_flat_state(sampling_weights(decoder.config, loaded.params, "bfloat16", None)))
    exact = {path[-1] for path, param in cast.items() if param[...].dtype == jnp.float32}
    assert exact == {"final_norm_D"}


def test_stacked__undoes_unrolled(loaded):
    model = nnx.merge(loaded.graphdef, loaded.params).forward()
    again = model.unrolled().stacked()
    assert again.layers.keys() == model.layers.keys()
    for name, weight in model.layers.items():
        np.testing.assert_array_equal(again.layers[name], weight)
