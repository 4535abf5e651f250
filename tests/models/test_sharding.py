"""Meshes: any product of data, fsdp and tensor computes the same as one device."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from models import Compute, ModelError, Prefix
from models.sharding import axis_parts
from models.weight_table import tensors

B, G, P, T = 8, 2, 7, 5
MESHES = [((4, 1, 2), "none"), ((1, 8, 1), "dots"), ((2, 2, 2), "full")]


def step(graphdef, params, prompt_BP, length_B, member_BGT):
    """Compute a loss, its gradients, and logits of decoding in two chunks."""

    def loss(params):
        model = nnx.merge(graphdef, params)
        _, prefix = model.prefill(prompt_BP, length_B)
        none_BG = jnp.zeros((B, G), jnp.int32)
        hidden_BGTD, _ = model.extend(member_BGT, Prefix(prefix, length_B), None, none_BG)
        logprob_N, entropy_N = models.token_logprobs(
            hidden_BGTD.reshape(B * G * T, -1), model.unembed_VD, member_BGT.reshape(-1), chunk=8, mesh=model.mesh
        )
        return jnp.mean(logprob_N * jnp.cos(jnp.arange(B * G * T))) + entropy_N.mean(), prefix

    (value, prefix), grads = jax.value_and_grad(loss, has_aux=True)(params)
    model, prefix = nnx.merge(graphdef, params).unrolled(), models.unroll_cache(prefix)
    suffix = models.empty_suffix_cache(model.config, B, G, T, unrolled=True)
    _, suffix = model.extend(member_BGT[:, :, :4], Prefix(prefix, length_B), suffix, jnp.zeros((B, G), jnp.int32))
    hidden_BG1D, _ = model.extend(member_BGT[:, :, 4:], Prefix(prefix, length_B), suffix, jnp.full((B, G), 4))
    return value, grads, model.logits(hidden_BG1D)


@pytest.fixture(scope="module")
def batch(make_tokens):
    return make_tokens(B, P), np.arange(B, dtype=np.int32) % 3 + 5, make_tokens(B, G, T, seed=1)


@pytest.fixture(scope="module")
def checkpoint(make_decoder, tmp_path_factory):
    return models.save(make_decoder(), tmp_path_factory.mktemp("whole"))


def run(checkpoint, batch, mesh, remat="none"):
    graphdef, params = nnx.split(models.load(checkpoint, mesh=mesh, compute=Compute(remat=remat)))
    placed = batch if mesh is None else jax.device_put(batch, models.batch_sharding(mesh))
    return jax.device_get(jax.jit(step, static_argnums=0)(graphdef, params, *placed))


@pytest.fixture(scope="module")
def on_one_device(checkpoint, batch):
    return run(checkpoint, batch, None)


@pytest.mark.parametrize(("sizes", "remat"), MESHES)
def test_mesh__computes_what_one_device_computes(checkpoint, batch, on_one_device, sizes, remat):
    results = on_one_device, run(checkpoint, batch, models.make_mesh(*sizes), remat)
    for expected, ours in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize("family", ["experts", "hybrid"])
def test_mesh__computes_what_one_device_computes_in_every_family(make_config, make_decoder, tmp_path, batch, family):
    linear = {"linear_key_heads": 2, "linear_value_heads": 4, "linear_key_dim": 8, "linear_value_dim": 12}
    more = {
        "experts": {"num_experts": 4, "experts_per_token": 2, "expert_size": 24},
        "hybrid": {**linear, "conv_width": 4, "full_attention_every": 2},
    }[family]
    checkpoint = models.save(make_decoder(make_config(**more)), tmp_path)
    results = [run(checkpoint, batch, mesh, "full") for mesh in (None, models.make_mesh(2, 2, 2))]
    for expected, ours in zip(*map(jax.tree.leaves, results), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max()))


def test_load__puts_only_its_shards_on_every_device(checkpoint):
    mesh = models.make_mesh(1, 4, 2)
    decoder, whole = models.load(checkpoint, mesh=mesh), models.load(checkpoint)
    for tensor in tensors(decoder.config):
        param = decoder.param(tensor.path)[...]
        np.testing.assert_array_equal(param, whole.param(tensor.path)[...])
        parts = np.prod([axis_parts(mesh, axis) for axis in tensor.axes])
        assert all(shard.data.size * parts == param.size for shard in param.addressable_shards), tensor.path
    spread = [tensor for tensor in tensors(decoder.config) if {"heads", "mlp", "vocab"} & set(tensor.axes)]
    assert len(spread) >= 6


def test_save__of_a_spread_model_equals_that_of_a_whole_one(checkpoint, tmp_path):
    models.save(models.load(checkpoint, mesh=models.make_mesh(2, 2, 2)), tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (checkpoint / "model.safetensors").read_bytes()


def test_param_shardings__are_those_of_a_loaded_model(checkpoint):
    mesh = models.make_mesh(1, 4, 2)
    decoder = models.load(checkpoint, mesh=mesh)
    params = nnx.split(decoder)[1]
    wanted = models.param_shardings(decoder.config, params, mesh)
    assert jax.tree.structure(wanted) == jax.tree.structure(params)
    for param, sharding in zip(jax.tree.leaves(params), jax.tree.leaves(wanted), strict=True):
        assert param.sharding.is_equivalent_to(sharding, param.ndim)
    whole = nnx.split(models.load(checkpoint))[1]
    jax.tree.map(np.testing.assert_array_equal, jax.device_put(whole, wanted), params)


def test_make_mesh__rejects_a_product_that_is_not_the_number_of_devices():
    with pytest.raises(ModelError, match=r"data=3 x fsdp=1 x tensor=2 has 6 devices, but 8 are given"):
        models.make_mesh(3, 1, 2)
    with pytest.raises(ModelError, match="data=0"):
        models.make_mesh(0, 1, 8)
    assert models.make_mesh(2, devices=jax.devices()[:2]).shape == {"data": 2, "fsdp": 1, "tensor": 1}


def test_mesh__names_dimensions_that_do_not_divide(checkpoint, batch, make_config, make_decoder):
    mesh = models.make_mesh(1, 1, 8)
    for build in (lambda: models.load(checkpoint, mesh=mesh), lambda: make_decoder(make_config(), mesh=mesh)):
        with pytest.raises(
            ModelError, match=r"num_heads 6 is not a multiple of tensor=8; num_kv_heads 2 is not a multiple"
        ):
            build()
    decoder = models.load(checkpoint, mesh=models.make_mesh(4, 2, 1))
    with pytest.raises(ModelError, match="3 groups do not divide over data x fsdp = 8 devices"):
        decoder.prefill(batch[0][:3], batch[1][:3])


@pytest.mark.parametrize("tie", [True, False])
def test_vocabulary__that_does_not_divide_is_padded_invisibly(make_config, make_decoder, make_tokens, tmp_path, tie):
    checkpoint = models.save(make_decoder(make_config(vocab_size=61, tie_embeddings=tie)), tmp_path / "in")
    batch = make_tokens(B, P) % 61, np.arange(B, dtype=np.int32) % 3 + 5, make_tokens(B, G, T, seed=1) % 61
    mesh = models.make_mesh(2, 2, 2)
    spread, whole = models.load(checkpoint, mesh=mesh), models.load(checkpoint)
    assert spread.embedding_VD[...].shape == (128, 32) and spread.unembed_VD.shape == (61, 32)
    assert not spread.embedding_VD[...][61:].any() and not whole.config.vocab_padding
    (value, grads, logits), (expected_value, expected, expected_logits) = (
        run(checkpoint, batch, mesh) for mesh in (mesh, None)
    )
    np.testing.assert_allclose(value, expected_value, rtol=0, atol=1e-5)
    np.testing.assert_allclose(logits, expected_logits, rtol=0, atol=1e-5 * np.abs(expected_logits).max())
    for ours, theirs in zip(*map(jax.tree.leaves, (grads, expected)), strict=True):
        rows = slice(len(theirs))
        np.testing.assert_allclose(ours[rows], theirs, rtol=0, atol=1e-5 * max(1, np.abs(theirs).max()))
        assert not ours[len(theirs) :].any()
    models.save(spread, tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == (checkpoint / "model.safetensors").read_bytes()
    assert (tmp_path / "out" / "config.json").read_bytes() == (checkpoint / "config.json").read_bytes()
    assert models.parameter_count(spread.config) == models.parameter_count(whole.config)
