"""Mixtures and hybrids: grouped equals naive, and states and keys continue from where they stopped."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file, save_file

import models
from models import Compute, Prefix
from models.gated_delta_rule import DeltaInputs, gated_delta_rule

B, G, P, T = 2, 3, 9, 7
LENGTH_B = np.array([9, 5], np.int32)
NONE_BG = np.zeros((B, G), np.int32)
CLOSE = {"rtol": 1e-4, "atol": 5e-5}
EXPERTS = {"num_experts": 4, "experts_per_token": 2, "expert_size": 24}
LINEAR = {"linear_key_heads": 2, "linear_value_heads": 4, "linear_key_dim": 8, "linear_value_dim": 12, "conv_width": 4}
LINEAR |= {"full_attention_every": 2, "num_layers": 4, "rotary_fraction": 0.5}
FAMILIES = {"experts": EXPERTS, "hybrid": LINEAR}


@pytest.fixture(scope="module", params=FAMILIES)
def decoder(request, make_config, make_decoder):
    return make_decoder(make_config(**FAMILIES[request.param]))


@pytest.fixture(scope="module")
def hybrid(make_config, make_decoder):
    return make_decoder(make_config(**LINEAR))


@pytest.fixture(scope="module")
def prompt_BP(make_tokens):
    return make_tokens(B, P)


@pytest.fixture(scope="module")
def member_BGT(make_tokens):
    return make_tokens(B, G, T, seed=1)


def grouped(model, prompt_BP, member_BGT):
    _, prefix = model.prefill(prompt_BP, LENGTH_B)
    return model.extend(member_BGT, Prefix(prefix, LENGTH_B), None, NONE_BG)[0]


def naive(model, prompt_BP, member_BGT):
    rows_NX = np.zeros((B * G, P + T), np.int32)
    lengths_N = np.repeat(LENGTH_B, G)
    for n, length in enumerate(lengths_N):
        rows_NX[n, : length + T] = np.concatenate([prompt_BP[n // G, :length], member_BGT.reshape(-1, T)[n]])
    hidden_NXD, _ = model.prefill(rows_NX, lengths_N + T)
    position_NT1 = (lengths_N[:, None] + np.arange(T))[..., None]
    return jnp.take_along_axis(hidden_NXD, position_NT1, axis=1).reshape(B, G, T, -1)


def gradients(decoder, form, *tokens):
    """Return the gradients of a loss over a form's hidden states, and the hidden states."""
    graphdef, params = nnx.split(decoder)

    def loss(params):
        hidden_BGTD = form(nnx.merge(graphdef, params), *tokens)
        return jnp.sum(jnp.sin(3 * hidden_BGTD)), hidden_BGTD

    grads, hidden_BGTD = jax.jit(jax.grad(loss, has_aux=True))(params)
    return jax.tree.map(np.asarray, jax.tree.leaves(grads)), np.asarray(hidden_BGTD)


@pytest.fixture(scope="module")
def rounded(decoder, prompt_BP, member_BGT):
    """Results of both forms in float32."""
    return [gradients(decoder, form, prompt_BP, member_BGT) for form in (grouped, naive)]


@pytest.fixture
def in_float64(monkeypatch):
    """Replace float32 by float64 in all code."""
    with jax.enable_x64(True):
        monkeypatch.setattr(jnp, "float32", jnp.float64)
        yield


@pytest.fixture
def exact(decoder, prompt_BP, member_BGT, in_float64):
    """Results of both forms in float64, from the same parameters."""
    graphdef, params = nnx.split(decoder)
    double = nnx.merge(graphdef, jax.tree.map(lambda x: jnp.asarray(np.asarray(x), "float64"), params))
    double.compute_dtype = jnp.dtype("float64")
    return [gradients(double, form, prompt_BP, member_BGT) for form in (grouped, naive)]


def test_extend__grouped_equals_naive_in_values_and_gradients(exact):
    (grads, hidden_BGTD), (naive_grads, naive_BGTD) = exact
    assert hidden_BGTD.dtype == np.float64
    np.testing.assert_allclose(hidden_BGTD, naive_BGTD, rtol=1e-10, atol=1e-11)
    for ours, reference in zip(grads, naive_grads, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-11 * np.abs(reference).max())


def test_extend__in_float32_is_as_close_as_rounding_allows(rounded, exact):
    np.testing.assert_allclose(rounded[0][1], rounded[1][1], **CLOSE)
    for (grads, hidden_BGTD), (exact_grads, exact_BGTD) in zip(rounded, exact, strict=True):
        np.testing.assert_allclose(hidden_BGTD, exact_BGTD, **CLOSE)
        for ours, reference in zip(grads, exact_grads, strict=True):
            # In norm: single gradients of a recurrence, in the thousands, round differently on every processor.
            assert np.linalg.norm(ours - reference) <= 1e-4 * np.linalg.norm(reference)


@pytest.mark.parametrize("unrolled", [False, True])
def test_extend__members_continue_from_where_each_stopped(decoder, prompt_BP, member_BGT, unrolled):
    """Chunks with different amounts of padding equal one pass over whole suffixes."""
    expected = grouped(decoder, prompt_BP, member_BGT)
    _, prefix = jax.jit(decoder.prefill)(prompt_BP, LENGTH_B)
    prefix = models.unroll_cache(prefix) if unrolled else prefix
    suffix = models.empty_suffix_cache(decoder.config, B, G, T, unrolled=unrolled)
    model = decoder.unrolled() if unrolled else decoder
    extend = jax.jit(model.extend)
    length_BG, hidden_BGTD = NONE_BG, np.zeros(expected.shape, np.float32)
    # First nothing for some members, then a chunk for all, then the rest.
    for count_BG in (
        np.array([[0, 3, 1], [2, 0, 3]]),
        np.array([[3, 3, 3], [3, 3, 3]]),
        np.array([[3, 1, 3], [2, 3, 1]]),
    ):
        slot_BGC = length_BG[..., None] + np.arange(3)
        chunk_BGC = np.take_along_axis(member_BGT, np.minimum(slot_BGC, T - 1), axis=2)
        chunk_BGC = np.where(np.arange(3) < count_BG[..., None], chunk_BGC, 63).astype(np.int32)
        # As in the sampler: members without new tokens are at a slot beyond the last.
        at_BG = np.where(count_BG > 0, length_BG, T)
        part, suffix = extend(chunk_BGC, Prefix(prefix, LENGTH_B), suffix, at_BG, count_BG)
        for b, g in np.ndindex(B, G):
            hidden_BGTD[b, g, length_BG[b, g] : length_BG[b, g] + count_BG[b, g]] = part[b, g, : count_BG[b, g]]
        length_BG = length_BG + count_BG
    for b, g in np.ndindex(B, G):
        np.testing.assert_allclose(hidden_BGTD[b, g, : length_BG[b, g]], expected[b, g, : length_BG[b, g]], **CLOSE)
    assert length_BG.min() >= 6


def test_extend__decodes_inside_a_while_loop_in_bfloat16(make_config, make_decoder, prompt_BP, member_BGT):
    """The types of the loop's carry are stable, and the results close to those of one pass."""
    model = make_decoder(make_config(**LINEAR), compute=Compute(jnp.bfloat16))

    @jax.jit
    def decode(tokens_BGT):
        _, prefix = model.prefill(prompt_BP, LENGTH_B)
        prefix, unrolled = models.unroll_cache(prefix), model.unrolled()
        suffix = models.empty_suffix_cache(model.config, B, G, T, prefix.k[0].dtype, unrolled=True)

        def step(carry):
            t, suffix, out = carry
            token = jax.lax.dynamic_slice_in_dim(tokens_BGT, t, 1, axis=2)
            hidden, suffix = unrolled.extend(token, Prefix(prefix, LENGTH_B), suffix, jnp.full((B, G), t))
            return t + 1, suffix, jax.lax.dynamic_update_slice_in_dim(out, hidden, t, axis=2)

        out = jnp.zeros((B, G, T, model.config.hidden_size), jnp.bfloat16)
        return jax.lax.while_loop(lambda carry: carry[0] < T, step, (jnp.int32(0), suffix, out))[2]

    ours, reference = (
        jax.nn.log_softmax(model.logits(hidden))
        for hidden in (decode(jnp.asarray(member_BGT)), jax.jit(lambda x: grouped(model, prompt_BP, x))(member_BGT))
    )
    assert jnp.sum(jnp.exp(reference) * (reference - ours), axis=-1).mean() < 1e-3


def test_extend__a_member_without_a_slot_keeps_its_state(hybrid, prompt_BP, member_BGT):
    _, prefix = jax.jit(hybrid.prefill)(prompt_BP, LENGTH_B)
    suffix, extend = models.empty_suffix_cache(hybrid.config, B, G, T, unrolled=True), jax.jit(hybrid.extend)
    _, suffix = extend(member_BGT, Prefix(prefix, LENGTH_B), suffix, NONE_BG)
    _, after = extend(member_BGT[:, :, :1], Prefix(prefix, LENGTH_B), suffix, NONE_BG + T)
    jax.tree.map(np.testing.assert_array_equal, after, suffix)
    assert suffix.memory is not None and all(float(jnp.abs(memory).max()) > 0 for memory in suffix.memory)


def test_prefill__padding_changes_neither_keys_nor_states(hybrid, prompt_BP):
    wide_BP = np.pad(prompt_BP, ((0, 0), (0, 5)), constant_values=3)
    _, narrow = hybrid.prefill(prompt_BP[1:, :5], LENGTH_B[1:])
    _, wide = hybrid.prefill(wide_BP, LENGTH_B)
    np.testing.assert_allclose(wide.memory[:, 1:], narrow.memory, **CLOSE)
    np.testing.assert_allclose(wide.conv[:, 1:], narrow.conv, **CLOSE)
    np.testing.assert_allclose(wide.k[:, 1:, ..., :5], narrow.k, **CLOSE)


@pytest.mark.parametrize("chunk", [4, 16, 64])
def test_gated_delta_rule__in_chunks_equals_token_by_token(chunk):
    keys = jax.random.split(jax.random.key(0), 6)
    q, k = (jax.random.normal(key, (B, G, 21, 4, 8)) for key in keys[:2])
    v, state = jax.random.normal(keys[2], (B, G, 21, 4, 6)), jax.random.normal(keys[3], (B, G, 4, 8, 6))
    decay = -3 * jax.random.uniform(keys[4], (B, G, 21, 4))
    write = jax.random.uniform(keys[5], (B, G, 21, 4))
    inputs = DeltaInputs(q, k, v, decay, write)
    out, last = gated_delta_rule(inputs, state, chunk)
    for t in range(21):
        token, state = gated_delta_rule(jax.tree.map(lambda x, t=t: x[:, :, t : t + 1], inputs), state)
        np.testing.assert_allclose(out[:, :, t : t + 1], token, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last, state, rtol=1e-4, atol=1e-5)


def test_cache__of_a_hybrid_unrolls_stacks_and_grows(hybrid, prompt_BP):
    _, prefix = hybrid.prefill(prompt_BP, LENGTH_B)
    jax.tree.map(np.testing.assert_array_equal, models.stack_cache(models.unroll_cache(prefix)), prefix)
    grown = models.grow_cache(prefix, 12)
    assert grown.num_slots == 12 and grown.memory is prefix.memory and grown.conv is prefix.conv
    assert prefix.k.shape == (2, B, 2, 8, P) and prefix.memory.shape == (2, B, 4, 8, 12)


@pytest.mark.parametrize("flags", [EXPERTS, LINEAR | {"tie_embeddings": False}], ids=["experts", "hybrid"])
def test_export_then_import__is_identity(make_config, make_decoder, tmp_path, flags):
    decoder = make_decoder(make_config(**flags))
    models.save(decoder, tmp_path, max_shard_bytes=20_000)
    again = models.load(tmp_path)
    jax.tree.map(np.testing.assert_array_equal, nnx.split(decoder)[1], nnx.split(again)[1])


def test_save__copies_tensors_that_the_text_model_does_not_read(make_config, make_decoder, tmp_path):
    """Loading and saving a checkpoint with a vision tower preserves every byte of every tensor."""
    whole, out = tmp_path / "whole", tmp_path / "out"
    models.save(make_decoder(make_config(**LINEAR)), whole)
    values, text = load_file(whole / "model.safetensors"), json.loads((whole / "config.json").read_text())
    values = {name.replace("model.", "model.language_model.", 1): value for name, value in values.items()}
    # Some checkpoints store these tensors in float32 and the others in bfloat16.
    exact = ("A_log", "linear_attn.norm.weight")
    values = {name: v if name.endswith(exact) else v.astype(jnp.bfloat16) for name, v in values.items()}
    tower = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    values |= {"model.visual.patch_embed.weight": tower.astype(jnp.bfloat16), "mtp.norm.weight": tower[0, 0].copy()}
    save_file(values, whole / "model.safetensors")
    outer = {"model_type": "qwen3_5", "architectures": ["Qwen3_5ForConditionalGeneration"], "dtype": "bfloat16"}
    outer |= {"text_config": text | {"dtype": "bfloat16"}, "tie_word_embeddings": True, "vision_config": {"depth": 2}}
    (whole / "config.json").write_text(json.dumps(outer))
    models.save(models.load(whole, dtype=None), out, source_dir=whole, max_shard_bytes=20_000)
    written = {name: value for file in out.glob("*.safetensors") for name, value in load_file(file).items()}
    assert written.keys() == values.keys()
    for name, value in values.items():
        assert written[name].tobytes() == value.tobytes() and written[name].dtype == value.dtype, name
    assert json.loads((out / "config.json").read_text()) == outer
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == sum(value.nbytes for value in values.values())


def test_routed__rejects_a_dense_model(make_decoder, prompt_BP, member_BGT):
    dense = make_decoder()
    _, prefix = dense.prefill(prompt_BP, LENGTH_B)
    with pytest.raises(models.ModelError, match="this model has no experts"):
        dense.routed(member_BGT, Prefix(prefix, LENGTH_B), member_BGT > 0)
