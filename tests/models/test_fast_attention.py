"""Attention kernels, run by Pallas' interpreter on a CPU, equal the einsum form in values and gradients.

cuDNN cannot be interpreted: only the meaning of its call is tested, by XLA's implementation of the same function.
"""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from models import Compute, Decoder, ModelError, Prefix, fast_attention
from models.attention import attend
from models.fast_attention import Kernel, KeySet, choose

E, K, R = 128, 2, 2
SPLASH, CUDNN = Kernel("splash", interpret=True), Kernel("cudnn", interpret=True)


def arrays(b, g, t, p):
    """Make queries, suffix keys and values, and with p > 0 prefix keys and values."""
    keys = jax.random.split(jax.random.key(0), 5)
    shapes = [(b, g, t, K, R, E), (b, K, E, p), (b, K, p, E), (b, g, K, E, t), (b, g, K, t, E)]
    q, prefix_k, prefix_v, k, v = (jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True))
    return (q, k, v, prefix_k, prefix_v) if p else (q, k, v)


def attended(kernel, arguments, length_B):
    """Attend within whole suffixes, behind a prefix if there is one."""
    q, k, v, *prefix = arguments
    slot_BGT = jnp.broadcast_to(jnp.arange(q.shape[2]), q.shape[:3])
    shared = KeySet(prefix[0], prefix[1], length_B) if prefix else None
    return attend(q, KeySet(k, v, slot_BGT), shared, kernel)


def values_and_gradients(kernel, arguments, length_B):
    """Return the result of attention and the gradients of all its inputs."""

    def loss(*arguments):
        out = attended(kernel, arguments, length_B)
        return jnp.sum(jnp.sin(3 * out)), out

    (_, out), gradients = jax.jit(jax.value_and_grad(loss, argnums=range(len(arguments)), has_aux=True))(*arguments)
    return out, *gradients


def assert_equal(ours, reference):
    for result, expected in zip(ours, reference, strict=True):
        np.testing.assert_allclose(result, expected, rtol=0, atol=3e-5 * max(1, float(jnp.abs(expected).max())))


@pytest.mark.parametrize(("sizes", "lengths"), [((2, 1, 150, 0), None), ((2, 2, 40, 70), [70, 9])])
def test_splash__equals_the_einsum_form_in_values_and_gradients(sizes, lengths):
    arguments, length_B = arrays(*sizes), None if lengths is None else jnp.array(lengths)
    assert_equal(*(values_and_gradients(kernel, arguments, length_B) for kernel in (SPLASH, None)))


def test_splash__never_computes_a_siblings_block():
    from jax.experimental.pallas.ops.tpu import splash_attention as splash

    mask = fast_attention._mask(splash, members=4, width=128, prefix=256)
    whole = mask[:, :]
    assert mask.shape == whole.shape == (512, 768) and whole[:, :256].all()
    blocks = whole[:, 256:].reshape(4, 128, 4, 128).any((1, 3))
    np.testing.assert_array_equal(blocks, np.eye(4, dtype=bool))
    np.testing.assert_array_equal(whole[128:256, 384:512], np.tril(np.ones((128, 128), bool)))
    for row, column in np.ndindex(8, 12):
        block = slice(64 * row, 64 * row + 64), slice(64 * column, 64 * column + 64)
        np.testing.assert_array_equal(mask[block], whole[block])


def test_cudnn__call_equals_the_einsum_form_for_prompts():
    arguments = arrays(2, 1, 20, 0)
    assert CUDNN.supports(None)
    assert_equal(*(values_and_gradients(kernel, arguments, None) for kernel in (CUDNN, None)))


def test_cudnn__is_not_used_for_suffixes_behind_a_prefix():
    arguments, length_B = arrays(2, 2, 4, 7), jnp.array([7, 3])
    ours, reference = (values_and_gradients(kernel, arguments, length_B) for kernel in (CUDNN, None))
    for result, expected in zip(ours, reference, strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("prefix", [8, 0])
def test_splash__on_a_mesh_equals_one_device(prefix):
    mesh, arguments, length_B = models.make_mesh(2, 2, 2), arrays(4, 1, 8, prefix), jnp.array([8, 3, 1, 5])
    single = values_and_gradients(SPLASH, arguments, length_B)
    spread = values_and_gradients(Kernel("splash", mesh, interpret=True), arguments, length_B)
    assert_equal(spread, single)


def test_decoder__with_the_kernel_equals_the_reference(make_config, make_decoder, make_tokens, monkeypatch):
    config = make_config(head_dim=E, num_heads=2, num_kv_heads=1)
    prompt_BP, member_BGT, length_B = make_tokens(2, 9), make_tokens(2, 2, 6, seed=1), jnp.array([9, 4])

    def loss(params, graphdef):
        model = nnx.merge(graphdef, params)
        _, prefix = model.prefill(prompt_BP, length_B)
        hidden_BGTD, _ = model.extend(member_BGT, Prefix(prefix, length_B), None, jnp.zeros((2, 2), jnp.int32))
        return jnp.mean(jnp.sin(model.logits(hidden_BGTD)))

    results = []
    for kernel in (None, SPLASH):
        monkeypatch.setattr("models.decoder.choose", lambda *_, kernel=kernel: kernel)
        graphdef, params = nnx.split(make_decoder(config, compute=Compute(remat="full")))
        program = str(jax.make_jaxpr(loss, static_argnums=1)(params, graphdef))
        assert ("pallas_call" in program) == (kernel is not None)
        results.append(jax.jit(jax.value_and_grad(loss), static_argnums=1)(params, graphdef))
    assert_equal(*(jax.tree.leaves(result) for result in reversed(results)))


def test_decoding__never_uses_the_kernel(make_config, make_decoder, make_tokens, monkeypatch):
    monkeypatch.setattr("models.decoder.choose", lambda *_: SPLASH)
    model = make_decoder(make_config(head_dim=E, num_heads=2, num_kv_heads=1))
    _, prefix = model.prefill(make_tokens(1, 5), jnp.array([5]))
    suffix = models.empty_suffix_cache(model.config, 1, 2, 4, unrolled=False)

    def step(tokens_BGT):
        return model.extend(tokens_BGT, Prefix(prefix, jnp.array([5])), suffix, jnp.zeros((1, 2), jnp.int32))[0]

    assert "pallas_call" not in str(jax.make_jaxpr(step)(make_tokens(1, 2, 3)))


@pytest.mark.parametrize("sizes", [(2, 1, 300, 0, 128), (2, 4, 150, 200, 128), (1, 8, 512, 1536, 256)])
def test_splash__and_its_gradients_lower_for_tpus_without_one(sizes):
    b, g, t, p, width = sizes
    shapes = [(b, g, t, K, R, width), (b, g, K, width, t), (b, g, K, t, width), (b, K, width, p), (b, K, p, width)]
    arguments = [jax.ShapeDtypeStruct(shape, jnp.bfloat16) for shape in (shapes if p else shapes[:3])]

    def gradients(*arguments):
        return jax.grad(
            lambda *arguments: attended(Kernel("splash"), arguments, jnp.full(b, p)).astype(jnp.float32).sum()
        )(*arguments)

    program = jax.jit(gradients).trace(*arguments).lower(lowering_platforms=("tpu",)).as_text()
    assert program.count("@tpu_custom_call") == 3, "values, gradients of queries, gradients of keys and values"


@pytest.mark.accelerator
@pytest.mark.parametrize("sizes", [(2, 1, 384, 0), (2, 4, 160, 320)])
def test_kernel__of_this_accelerator_equals_the_einsum_form(sizes):
    kernel = choose("fast", E, "bfloat16", None)
    arguments = [each.astype(jnp.bfloat16) for each in arrays(*sizes)]
    results = [values_and_gradients(form, arguments, jnp.array([320, 9])) for form in (kernel, None)]
    for ours, reference in zip(*(map(np.float32, result) for result in results), strict=True):
        assert np.linalg.norm(ours - reference) < 0.02 * np.linalg.norm(reference)


def device(platform, capability="8.0"):
    return SimpleNamespace(
        platform=platform, compute_capability=capability, client=SimpleNamespace(platform_version="PJRT cuda 13")
    )


@pytest.mark.parametrize(
    ("at", "head_dim", "dtype", "name"),
    [
        (device("tpu"), 128, "bfloat16", "splash"),
        (device("tpu"), 256, "bfloat16", "splash"),
        (device("tpu"), 64, "bfloat16", None),
        (device("tpu"), 128, "float32", None),
        (device("gpu"), 128, "bfloat16", "cudnn"),
        (device("gpu"), 256, "bfloat16", None),
        (device("gpu", "9.0"), 256, "bfloat16", "cudnn"),
        (device("gpu"), 128, "float32", None),
        (SimpleNamespace(platform="gpu", client=SimpleNamespace(platform_version="PJRT rocm 7")), 64, "bfloat16", None),
        (device("cpu"), 128, "bfloat16", None),
    ],
)
def test_choose__depends_on_platform_width_and_dtype(at, head_dim, dtype, name):
    assert choose("reference", head_dim, dtype, None, at) is None
    assert choose("auto", head_dim, dtype, None, at) == (None if name is None else Kernel(name))
    if name is not None:
        assert choose("fast", head_dim, dtype, None, at) == Kernel(name)
        return
    with pytest.raises(ModelError, match="attention 'fast' has no kernel here: .*; use 'auto' or 'reference'"):
        choose("fast", head_dim, dtype, None, at)


def test_decoder__on_a_cpu_uses_the_reference_form_and_rejects_fast(make_config):
    assert Decoder(make_config(), rngs=nnx.Rngs(0), compute=Compute("bfloat16")).kernel is None
    with pytest.raises(ModelError, match="this is a cpu"):
        Decoder(make_config(), rngs=nnx.Rngs(0), compute=Compute("bfloat16", attention="fast"))
    with pytest.raises(ModelError, match="'flash' is unknown: expected one of auto, reference, fast"):
        Decoder(make_config(), rngs=nnx.Rngs(0), compute=Compute(attention="flash"))
