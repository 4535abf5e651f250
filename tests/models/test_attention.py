"""Attention over a shared prefix and members' own suffixes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.attention import attend
from models.fast_attention import KeySet

B, G, T, K, R, E, P, S = 2, 3, 4, 2, 3, 8, 7, 5


@pytest.fixture
def arrays():
    keys = jax.random.split(jax.random.key(0), 5)
    shapes = [(B, G, T, K, R, E), (B, K, P, E), (B, K, P, E), (B, G, K, S, E), (B, G, K, S, E)]
    q, prefix_k, prefix_v, suffix_k, suffix_v = (
        jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)
    )
    return q, prefix_k.mT, prefix_v, suffix_k.mT, suffix_v


def whole(q, prefix_k, prefix_v, suffix_k, suffix_v, length_B, slot_BGT):
    """Compute the same by one softmax over keys that are copied for every member."""
    k, v = (
        jnp.concatenate([jnp.broadcast_to(shared[:, None], (B, G, K, P, E)), own], axis=3)
        for shared, own in ((prefix_k.mT, suffix_k.mT), (prefix_v, suffix_v))
    )
    seen_BGTX = jnp.concatenate(
        [
            jnp.broadcast_to(jnp.arange(P) < length_B[:, None, None, None], (B, G, T, P)),
            jnp.arange(S) <= slot_BGT[..., None],
        ],
        axis=-1,
    )
    scores = jnp.einsum("bgtkre,bgkxe->bgktrx", q, k) / E**0.5
    weights = jax.nn.softmax(jnp.where(seen_BGTX[:, :, None, :, None], scores, -jnp.inf))
    return jnp.einsum("bgktrx,bgkxe->bgtkre", weights, v)


def test_attend__equals_one_softmax_over_copied_keys_in_values_and_gradients(arrays):
    length_B = jnp.array([7, 3])
    slot_BGT = jnp.array([[0], [1], [0]]) + jnp.arange(T)[None, None, :] + jnp.zeros((B, 1, 1), int)
    q, prefix_k, prefix_v, suffix_k, suffix_v = arrays

    def ours(*a):
        return attend(a[0], KeySet(a[3], a[4], slot_BGT), KeySet(a[1], a[2], length_B))

    def reference(*a):
        return whole(*a, length_B, slot_BGT)

    np.testing.assert_allclose(ours(*arrays), reference(*arrays), rtol=1e-5, atol=1e-6)
    grads = [
        jax.grad(lambda *a, form=form: jnp.sum(jnp.sin(form(*a))), argnums=range(5))(*arrays)
        for form in (ours, reference)
    ]
    for gradient, expected in zip(*grads, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5)


def test_attend__without_a_prefix_equals_an_empty_one(arrays):
    q, prefix_k, prefix_v, suffix_k, suffix_v = arrays
    slot_BGT = jnp.broadcast_to(jnp.arange(T), (B, G, T))
    suffix = KeySet(suffix_k, suffix_v, slot_BGT)
    none, empty = attend(q, suffix), attend(q, suffix, KeySet(prefix_k, prefix_v, jnp.zeros(B, int)))
    np.testing.assert_allclose(none, empty, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e3, -1e3])
def test_attend__large_scores_stay_finite(arrays, scale):
    q, prefix_k, prefix_v, suffix_k, suffix_v = arrays
    slot_BGT = jnp.broadcast_to(jnp.arange(T), (B, G, T))
    length_B = jnp.array([7, 3])
    out = attend(q, KeySet(suffix_k, suffix_v, slot_BGT), KeySet(prefix_k * scale, prefix_v, length_B))
    expected = whole(q, prefix_k * scale, prefix_v, suffix_k, suffix_v, length_B, slot_BGT)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_attend__never_copies_prefix_keys_for_each_member(arrays):
    q, prefix_k, prefix_v, suffix_k, suffix_v = arrays
    slot_BGT = jnp.broadcast_to(jnp.arange(T), (B, G, T))
    suffix, prefix = KeySet(suffix_k, suffix_v, slot_BGT), KeySet(prefix_k, prefix_v, jnp.array([7, 3]))
    program = jax.jit(attend).lower(q, suffix, prefix).as_text()
    copied = {f"{B}x{G}x{K}x{P}x{E}", f"{B}x{K}x{G}x{P}x{E}"}
    assert f"{B}x{K}x{P}x{E}x" in program
    assert not any(shape in program for shape in copied)
