"""Chunked log-probabilities equal those of the whole vocabulary matrix."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import models
from models import token_logprobs

N, D, V = 37, 16, 101


@pytest.fixture
def arrays():
    keys = jax.random.split(jax.random.key(0), 3)
    return (
        jax.random.normal(keys[0], (N, D)),
        jax.random.normal(keys[1], (V, D)),
        jax.random.randint(keys[2], (N,), 0, V),
    )


def whole(hidden_ND, unembed_VD, targets_N, temperature):
    logp_NV = jax.nn.log_softmax(hidden_ND @ unembed_VD.T / temperature)
    return logp_NV[jnp.arange(N), targets_N], -jnp.sum(jnp.exp(logp_NV) * logp_NV, axis=-1)


@pytest.mark.parametrize("chunk", [1, 5, 36, 37, 1024])
@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_token_logprobs__any_chunk_equals_the_whole_in_values_and_gradients(arrays, chunk, temperature):
    hidden_ND, unembed_VD, targets_N = arrays

    def total(form, hidden_ND, unembed_VD):
        logprob_N, entropy_N = form(hidden_ND, unembed_VD)
        weight_N = jnp.cos(jnp.arange(N))
        return jnp.sum(weight_N * logprob_N) + 0.3 * jnp.sum(entropy_N * weight_N), (logprob_N, entropy_N)

    def ours(h, u):
        return token_logprobs(h, u, targets_N, temperature=temperature, chunk=chunk)

    def reference(h, u):
        return whole(h, u, targets_N, temperature)

    results = [
        jax.jit(jax.value_and_grad(lambda h, u, form=form: total(form, h, u), argnums=(0, 1), has_aux=True))(
            hidden_ND, unembed_VD
        )
        for form in (ours, reference)
    ]
    for result, expected in zip(*(jax.tree.leaves(result) for result in results), strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-4)


def test_token_logprobs__equal_logits_give_log_of_vocabulary(arrays):
    _, unembed_VD, targets_N = arrays
    logprob_N, entropy_N = token_logprobs(jnp.zeros((N, D)), unembed_VD, targets_N)
    np.testing.assert_allclose(-logprob_N, np.full(N, np.log(V)), rtol=1e-6)
    np.testing.assert_allclose(entropy_N, np.full(N, np.log(V)), rtol=1e-6)


def test_token_logprobs__neither_pass_holds_all_logits(arrays):
    hidden_ND, unembed_VD, targets_N = arrays

    def program(chunk):
        def loss(h):
            return token_logprobs(h, unembed_VD, targets_N, chunk=chunk)[0].sum()

        return jax.jit(jax.grad(loss)).lower(hidden_ND).as_text()

    assert f"{N}x{V}x" in program(N)
    few = program(8)
    # Five chunks of eight: neither all logits nor those of several chunks exist at once.
    assert f"{N}x{V}x" not in few and f"5x8x{V}x" not in few and f"8x{V}x" in few


@pytest.mark.parametrize(("sizes", "dtype", "close"), [((2, 2, 2), "bfloat16", 0.02), ((1, 1, 8), "float32", 1e-5)])
def test_token_logprobs__of_a_mesh_equal_those_of_one_device(arrays, sizes, dtype, close):
    hidden_ND, unembed_VD, targets_N = arrays
    hidden_ND, targets_N = jnp.resize(hidden_ND, (40, D)).astype(dtype), jnp.resize(targets_N, 40)

    def total(hidden_ND, unembed_VD, mesh):
        logprob_N, entropy_N = token_logprobs(hidden_ND, unembed_VD, targets_N, temperature=0.7, chunk=3, mesh=mesh)
        return jnp.sum(jnp.cos(jnp.arange(40)) * (logprob_N + 0.3 * entropy_N)), (logprob_N, entropy_N)

    results = [
        jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True), static_argnums=2)(
            hidden_ND, unembed_VD.astype(dtype), mesh
        )
        for mesh in (None, models.make_mesh(*sizes))
    ]
    for single, spread in zip(*map(jax.tree.leaves, results), strict=True):
        assert single.dtype == spread.dtype
        single, spread = (np.asarray(x, np.float32) for x in (single, spread))
        np.testing.assert_allclose(spread, single, rtol=0, atol=close * max(1, np.abs(single).max()))
