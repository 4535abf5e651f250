"""The forward pass: prefill and extend compute the same function in any chunking, form and batch."""

from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from models import Compute, Decoder, Prefix
from models.decoder import check_offload

B, G, P, T = 2, 3, 9, 11
LENGTH_B = np.array([9, 5], np.int32)
NONE_BG = np.zeros((B, G), np.int32)
CLOSE = {"rtol": 1e-5, "atol": 2e-5}


@pytest.fixture
def decoder(make_decoder):
    return make_decoder()


@pytest.fixture
def prompt_BP(make_tokens):
    return make_tokens(B, P)


@pytest.fixture
def member_BGT(make_tokens):
    return make_tokens(B, G, T, seed=1)


@partial(jax.jit, static_argnums=0)
def _prefill(graphdef, params, tokens_BP, length_B):
    return nnx.merge(graphdef, params).prefill(tokens_BP, length_B)


@partial(jax.jit, static_argnums=(0, 1))
def _extend(graphdef, unrolled, params, *arguments):
    decoder = nnx.merge(graphdef, params)
    return (decoder.unrolled() if unrolled else decoder).extend(*arguments)


def prefill(decoder, tokens_BP, length_B):
    """Run it compiled, once per shape for all tests."""
    return _prefill(*nnx.split(decoder), tokens_BP, length_B)


def extend(decoder, *arguments, unrolled=False):
    """Run it compiled, once per shape for all tests."""
    graphdef, params = nnx.split(decoder)
    return _extend(graphdef, unrolled, params, *arguments)


def grouped(decoder, prompt_BP, member_BGT):
    """Return hidden states [B, G, T, D] by the form for training."""
    _, prefix = prefill(decoder, prompt_BP, LENGTH_B)
    return extend(decoder, member_BGT, Prefix(prefix, LENGTH_B), None, NONE_BG)[0]


def naive(decoder, prompt_BP, member_BGT):
    """Compute the same by `prefill` alone, with every member as a separate full sequence."""
    rows_NX = np.zeros((B * G, P + T), np.int32)
    lengths_N = np.repeat(LENGTH_B, G)
    for row_X, member_T, prompt_P, length in zip(
        rows_NX, member_BGT.reshape(-1, T), np.repeat(prompt_BP, G, axis=0), lengths_N, strict=True
    ):
        row_X[: length + T] = np.concatenate([prompt_P[:length], member_T])
    hidden_NXD, _ = prefill(decoder, rows_NX, lengths_N + T)
    position_NT1 = (lengths_N[:, None] + np.arange(T))[..., None]
    return jnp.take_along_axis(hidden_NXD, position_NT1, axis=1).reshape(B, G, T, -1)


def loss(form, graphdef, params, prompt_BP, member_BGT):
    decoder = nnx.merge(graphdef, params)
    hidden_BGTD = form(decoder, prompt_BP, member_BGT)
    logprob_N, _ = models.token_logprobs(
        hidden_BGTD[:, :, :-1].reshape(B * G * (T - 1), -1), decoder.unembed_VD, member_BGT[:, :, 1:].reshape(-1)
    )
    return jnp.mean(logprob_N * jnp.sin(jnp.arange(len(logprob_N))))


@pytest.mark.parametrize("remat", ["none", "dots", "full", "offload"])
def test_extend__grouped_equals_naive_in_values_and_gradients(make_decoder, prompt_BP, member_BGT, remat):
    graphdef, params = nnx.split(make_decoder(compute=Compute(remat=remat)))
    results = [
        jax.jit(jax.value_and_grad(lambda p, form=form: loss(form, graphdef, p, prompt_BP, member_BGT)))(params)
        for form in (grouped, naive)
    ]
    np.testing.assert_allclose(results[0][0], results[1][0], rtol=1e-5)
    for ours, reference in zip(*(jax.tree.leaves(grads) for _, grads in results), strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-6 + 1e-5 * float(jnp.abs(reference).max()))


@pytest.mark.parametrize("unrolled_cache", [False, True])
@pytest.mark.parametrize("unrolled_weights", [False, True])
@pytest.mark.parametrize("chunks", [(T,), (4, 1, 1, 5)])
def test_extend__any_chunking_and_form_equals_one_pass(
    decoder, prompt_BP, member_BGT, chunks, unrolled_weights, unrolled_cache
):
    _, prefix = prefill(decoder, prompt_BP, LENGTH_B)
    prefix = models.unroll_cache(prefix) if unrolled_cache else prefix
    suffix = models.empty_suffix_cache(decoder.config, B, G, T + 2, unrolled=unrolled_cache)
    parts, begin = [], 0
    for chunk in chunks:
        tokens_BGC = member_BGT[:, :, begin : begin + chunk]
        part, suffix = extend(
            decoder, tokens_BGC, Prefix(prefix, LENGTH_B), suffix, NONE_BG + begin, unrolled=unrolled_weights
        )
        parts.append(part)
        begin += chunk
        assert suffix.is_unrolled == unrolled_cache
    expected = grouped(decoder, prompt_BP, member_BGT)
    np.testing.assert_allclose(jnp.concatenate(parts, axis=2), expected, **CLOSE)


def test_extend__members_may_be_at_different_slots(decoder, prompt_BP, member_BGT):
    begin_BG = np.array([[0, 4, 2], [3, 1, 5]], np.int32)
    chunk = 5
    _, prefix = prefill(decoder, prompt_BP, LENGTH_B)
    empty = models.empty_suffix_cache(decoder.config, B, G, T, unrolled=True)
    # The first pass writes garbage from each member's begin on; the second overwrites it.
    _, suffix = extend(decoder, member_BGT, Prefix(prefix, LENGTH_B), empty, NONE_BG)
    garbage = np.where(np.arange(T) < begin_BG[..., None], member_BGT, 7)
    _, suffix = extend(decoder, garbage, Prefix(prefix, LENGTH_B), empty, NONE_BG)
    slot_BGC = begin_BG[..., None] + np.arange(chunk)
    tokens_BGC = np.take_along_axis(member_BGT, slot_BGC, axis=2)
    hidden_BGCD, _ = extend(decoder, tokens_BGC, Prefix(prefix, LENGTH_B), suffix, begin_BG)
    expected = jnp.take_along_axis(grouped(decoder, prompt_BP, member_BGT), slot_BGC[..., None], axis=2)
    np.testing.assert_allclose(hidden_BGCD, expected, **CLOSE)


def test_extend__slots_beyond_the_cache_are_dropped(decoder, prompt_BP, member_BGT):
    _, prefix = prefill(decoder, prompt_BP, LENGTH_B)
    suffix = models.empty_suffix_cache(decoder.config, B, G, T, unrolled=True)
    _, suffix = extend(decoder, member_BGT, Prefix(prefix, LENGTH_B), suffix, NONE_BG)
    hidden_BG1D, after = extend(decoder, member_BGT[:, :, :1], Prefix(prefix, LENGTH_B), suffix, NONE_BG + T)
    jax.tree.map(np.testing.assert_array_equal, after, suffix)
    assert np.isfinite(hidden_BG1D).all()


def test_prefill__padding_and_bucket_change_nothing(decoder, prompt_BP, member_BGT):
    wide_BP = np.pad(prompt_BP, ((0, 0), (0, 7)), constant_values=3)
    other_BP = np.where(np.arange(P) < LENGTH_B[:, None], prompt_BP, 63)
    expected = grouped(decoder, prompt_BP, member_BGT)
    np.testing.assert_allclose(grouped(decoder, wide_BP, member_BGT), expected, **CLOSE)
    np.testing.assert_array_equal(grouped(decoder, other_BP, member_BGT), expected)
    for b, length in enumerate(LENGTH_B):
        hidden, _ = prefill(decoder, prompt_BP[b : b + 1, :length], LENGTH_B[b : b + 1])
        np.testing.assert_allclose(prefill(decoder, wide_BP, LENGTH_B)[0][b, :length], hidden[0], **CLOSE)


def test_extend__a_grown_cache_changes_nothing(decoder, prompt_BP, member_BGT):
    _, prefix = prefill(decoder, prompt_BP, LENGTH_B)
    for unrolled in (False, True):
        suffix = models.empty_suffix_cache(decoder.config, B, G, 6, unrolled=unrolled)
        _, suffix = extend(decoder, member_BGT[:, :, :6], Prefix(prefix, LENGTH_B), suffix, NONE_BG)
        suffix = models.grow_cache(suffix, 32)
        hidden_BGTD, _ = extend(decoder, member_BGT[:, :, 6:], Prefix(prefix, LENGTH_B), suffix, NONE_BG + 6)
        np.testing.assert_allclose(hidden_BGTD, grouped(decoder, prompt_BP, member_BGT)[:, :, 6:], **CLOSE)


def test_extend__a_token_affects_no_earlier_one_and_no_other_member(decoder, prompt_BP, member_BGT):
    changed = member_BGT.copy()
    changed[0, 1, 6] = (changed[0, 1, 6] + 1) % 64
    before, after = (np.asarray(grouped(decoder, prompt_BP, x)) for x in (member_BGT, changed))
    differs_BGT = (before != after).any(-1)
    expected_BGT = np.zeros((B, G, T), bool)
    expected_BGT[0, 1, 6:] = True
    np.testing.assert_array_equal(differs_BGT, expected_BGT)


def test_extend__decodes_inside_a_while_loop_as_step_by_step(decoder, prompt_BP, member_BGT):
    graphdef, params = nnx.split(decoder)

    @jax.jit
    def decode(params):
        model = nnx.merge(graphdef, params)
        _, prefix = model.prefill(prompt_BP, LENGTH_B)
        prefix, model = models.unroll_cache(prefix), model.unrolled()
        suffix = models.empty_suffix_cache(decoder.config, B, G, T, unrolled=True)

        def step(carry):
            t, suffix, out = carry
            token = jax.lax.dynamic_slice_in_dim(jnp.asarray(member_BGT), t, 1, axis=2)
            hidden, suffix = model.extend(token, Prefix(prefix, LENGTH_B), suffix, jnp.full((B, G), t))
            return t + 1, suffix, jax.lax.dynamic_update_slice_in_dim(out, hidden, t, axis=2)

        out = jnp.zeros((B, G, T, decoder.config.hidden_size))
        return jax.lax.while_loop(lambda carry: carry[0] < T, step, (jnp.int32(0), suffix, out))[2]

    np.testing.assert_allclose(decode(params), grouped(decoder, prompt_BP, member_BGT), **CLOSE)


def test_decoder__bfloat16_stays_close_and_in_its_dtype(make_decoder, prompt_BP, member_BGT):
    full, half = make_decoder(), make_decoder(compute=Compute(jnp.bfloat16))
    hidden_BGTD = grouped(half, prompt_BP, member_BGT)
    assert hidden_BGTD.dtype == half.unembed_VD.dtype == jnp.bfloat16
    assert half.logits(hidden_BGTD).dtype == jnp.float32
    ours, reference = (
        jax.nn.log_softmax(model.logits(grouped(model, prompt_BP, member_BGT))) for model in (half, full)
    )
    divergence = jnp.sum(jnp.exp(reference) * (reference - ours), axis=-1).mean()
    assert 0 < divergence < 1e-3


def test_decoder__a_graph_definition_is_hashable_and_equal_for_equal_models(make_decoder):
    first, second = (nnx.split(make_decoder())[0] for _ in range(2))
    assert hash(first) == hash(second) and first == second
    assert first != nnx.split(make_decoder(compute=Compute(remat="full")))[0]


def test_decoder__depth_does_not_lengthen_the_program(make_config, prompt_BP):
    def program(layers):
        graphdef, params = nnx.split(nnx.eval_shape(lambda: Decoder(make_config(num_layers=layers), rngs=nnx.Rngs(0))))
        forward = jax.jit(lambda p: nnx.merge(graphdef, p).prefill(prompt_BP, LENGTH_B))
        return len(forward.lower(params).as_text().splitlines())

    assert program(2) == program(12)


def test_decoder__rejects_an_unknown_remat(make_config):
    with pytest.raises(models.ModelError, match="remat 'all' is unknown: expected one of none, dots, full"):
        Decoder(make_config(), rngs=nnx.Rngs(0), compute=Compute(remat="all"))


def test_cache__cannot_shrink(make_config):
    cache = models.empty_suffix_cache(make_config(), B, G, 8, unrolled=True)
    assert models.grow_cache(cache, 8) is cache
    with pytest.raises(models.ModelError, match="8 slots cannot shrink to 7"):
        models.grow_cache(cache, 7)


def test_cache__stacking_undoes_unrolling(decoder, prompt_BP):
    _, prefix = prefill(decoder, prompt_BP, LENGTH_B)
    assert prefix.k.shape == (2, B, 2, 8, P) and prefix.v.shape == (2, B, 2, P, 8) and prefix.num_slots == P
    jax.tree.map(np.testing.assert_array_equal, models.stack_cache(models.unroll_cache(prefix)), prefix)


def test_offload__stores_layers_inputs_in_host_memory(make_decoder, prompt_BP, member_BGT):
    graphdef, params = nnx.split(make_decoder(compute=Compute(remat="offload")))
    gradient = jax.make_jaxpr(jax.grad(lambda p: loss(grouped, graphdef, p, prompt_BP, member_BGT)))(params)
    assert "f32<host>" in str(gradient)


def test_offload__is_rejected_without_pinned_host_memory():
    device = SimpleNamespace(platform="old", addressable_memories=lambda: [SimpleNamespace(kind="device")])
    with pytest.raises(models.ModelError, match="remat 'offload' needs .* old has device: use 'full'"):
        check_offload([device])
