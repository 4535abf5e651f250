"""Attention of queries over a shared prefix and each member's own suffix: one softmax over two key sets.

    out = (sum_p e^(q k_p) v_p + sum_s e^(q k_s) v_s) / (sum_p e^(q k_p) + sum_s e^(q k_s))

p runs over the group's prefix, s over the member's suffix.

The prefix product treats a group's G members as rows of one matrix product, so prefix keys are read once per group and
never copied (Prefix Grouper, arXiv 2506.05433, for training; cascade attention, arXiv 2402.05099, for decoding). The
backward pass stores no scores: it recomputes them, and the weights from the stored log-sum-exp (FlashAttention, arXiv
2205.14135, section 3.1). This einsum form runs everywhere and is the reference for the kernels in `fast_attention.py`.
"""

from functools import reduce
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

from models.einsum import contract
from models.fast_attention import Kernel, KeySet

# Large and finite: a fully masked prefix still yields numbers, which the suffix's maximum scales to zero.
_MASKED = -1e30


def attend(
    q_BGTKRE: jax.Array, suffix: KeySet, prefix: KeySet | None = None, kernel: Kernel | None = None
) -> jax.Array:
    """Attend to suffix keys and, if given, prefix keys; scores and softmax are float32.

    Args:
        q_BGTKRE: queries; scaled by E^-1/2 here.
        suffix: keys [B, G, K, E, S], values [B, G, K, S, E] and, as extent, each query's own slot [B, G, T]. A query
            sees the slots from `begin` (None: 0) up to and including its own.
        prefix: keys [B, K, E, P], values [B, K, P, E] and, as extent, the number of visible keys [B].
        kernel: a platform kernel; only valid if the suffix consists of the queries' own slots, 0 to T - 1. It is used
            if it supports such a prefix and every row holds a single member (`suffix.begin` is None).

    Returns:
        Attended values [B, G, T, K, R, E] in the queries' dtype.

    Raises:
        AssertionError: if ranks, shapes or dtypes do not fit together.
    """
    _check_shapes(q_BGTKRE, suffix, prefix)
    scaled_BGTKRE = q_BGTKRE * jnp.asarray(q_BGTKRE.shape[-1] ** -0.5, q_BGTKRE.dtype)
    if kernel is not None and suffix.begin is None and kernel.supports(prefix):
        return kernel(scaled_BGTKRE, suffix, prefix)
    return _attend(scaled_BGTKRE, suffix, prefix)


def _check_shapes(q_BGTKRE: jax.Array, suffix: KeySet, prefix: KeySet | None) -> None:
    chex.assert_rank(q_BGTKRE, 6)
    groups, members, tokens, heads, _, width = q_BGTKRE.shape
    chex.assert_shape(suffix.k, (groups, members, heads, width, None))
    chex.assert_shape(suffix.v, (groups, members, heads, suffix.k.shape[-1], width))
    chex.assert_shape(suffix.extent, (groups, members, tokens))
    chex.assert_type([q_BGTKRE, suffix.k, suffix.v, suffix.extent], [float, float, float, int])
    if suffix.begin is not None:
        chex.assert_shape(suffix.begin, (groups, members, tokens))
        chex.assert_type(suffix.begin, int)
    if prefix is not None:
        chex.assert_shape(prefix.k, (groups, heads, width, None))
        chex.assert_shape(prefix.v, (groups, heads, prefix.k.shape[-1], width))
        chex.assert_shape(prefix.extent, (groups,))
        chex.assert_type([prefix.k, prefix.v, prefix.extent], [float, float, int])


@jax.custom_vjp
def _attend(q_BGTKRE: jax.Array, suffix: KeySet, prefix: KeySet | None) -> jax.Array:
    return _forward(q_BGTKRE, suffix, prefix)[0]


def _forward(q_BGTKRE: jax.Array, suffix: KeySet, prefix: KeySet | None) -> tuple[jax.Array, tuple]:
    sides = _sides(suffix, prefix)
    scores = [side.scores(q_BGTKRE) for side in sides]
    top_BGKTR = reduce(jnp.maximum, [side.reordered(score.max(-1)) for side, score in zip(sides, scores, strict=True)])
    total_BGKTR, out_BGKTRE = jnp.float32(0), jnp.float32(0)
    for side, score in zip(sides, scores, strict=True):
        weight = jnp.exp(score - side.reordered(top_BGKTR)[..., None])
        total_BGKTR += side.reordered(weight.sum(-1))
        out_BGKTRE += side.reordered(side.product("weight", "value", "out", weight.astype(side.v.dtype), side.v))
    out_BGTKRE = jnp.moveaxis(out_BGKTRE / total_BGKTR[..., None], 2, 3).astype(q_BGTKRE.dtype)
    return out_BGTKRE, (q_BGTKRE, suffix, prefix, out_BGTKRE, top_BGKTR + jnp.log(total_BGKTR))


def _backward(residuals: tuple, dout_BGTKRE: jax.Array) -> tuple:
    """Gradients of queries, keys and values, with weights W = exp(S - logsum): dS = W * (dO V^T - sum(dO * O))."""
    q_BGTKRE, suffix, prefix, out_BGTKRE, logsum_BGKTR = residuals
    mean_BGKTR = jnp.moveaxis((dout_BGTKRE.astype(jnp.float32) * out_BGTKRE).sum(-1), 3, 2)
    dq_BGTKRE, gradients = jnp.float32(0), []
    for side in _sides(suffix, prefix):
        dout = side.reordered(jnp.moveaxis(dout_BGTKRE, 3, 2))
        weight = jnp.exp(side.scores(q_BGTKRE) - side.reordered(logsum_BGKTR)[..., None])
        # The smaller operand comes first, here and below: XLA transposes the left one, and scores are large.
        dv = side.product("out", "weight", "key", dout, weight.astype(dout.dtype)).mT
        dweight = side.product("out", "value", "weight", dout, side.v)
        dscore = (weight * (dweight - side.reordered(mean_BGKTR)[..., None])).astype(q_BGTKRE.dtype)
        dq_BGTKRE += jnp.moveaxis(side.reordered(side.product("weight", "key", "out", dscore, side.k)), 2, 3)
        dk = side.product("query", "weight", "key", q_BGTKRE, dscore)
        gradients.append(KeySet(dk.astype(side.k.dtype), dv.astype(side.v.dtype), None))
    return dq_BGTKRE.astype(q_BGTKRE.dtype), gradients[0], gradients[1] if prefix is not None else None


_attend.defvjp(_forward, _backward)
_SUFFIX_AXES = {"query": "bgtkre", "key": "bgkes", "value": "bgkse", "weight": "bgktrs", "out": "bgktre"}
# Rows of the prefix products are all members' queries: [(G T R), E] x [E, P] per group and kv head. Results are
# reordered to [B, G, ...] afterwards: if einsum did it, XLA on CPUs would transpose the whole prefix at each decode
# step.
_PREFIX_AXES = {"query": "bgtkre", "key": "bkep", "value": "bkpe", "weight": "bkgtrp", "out": "bkgtre"}


class _Side(NamedTuple):
    """One key set with the axes of its products and its mask."""

    axes: dict[str, str]
    k: jax.Array
    v: jax.Array
    mask: jax.Array
    """True where a query sees a key; broadcasts to the scores."""

    def product(self, a: str, b: str, result: str, a_array: jax.Array, b_array: jax.Array) -> jax.Array:
        """Multiply two arrays whose roles `axes` names, summing over the axes that the result lacks."""
        return contract(f"{self.axes[a]},{self.axes[b]}->{self.axes[result]}", a_array, b_array)

    def scores(self, q_BGTKRE: jax.Array) -> jax.Array:
        """Masked scores of scaled queries, in this side's axis order."""
        return jnp.where(self.mask, self.product("query", "key", "weight", q_BGTKRE, self.k), _MASKED)

    def reordered(self, x: jax.Array) -> jax.Array:
        """Convert [B, G, K, ...] to this side's axis order, or back."""
        return x.swapaxes(1, 2) if self.axes is _PREFIX_AXES else x


def _sides(suffix: KeySet, prefix: KeySet | None) -> list[_Side]:
    mask_BGTS = jnp.arange(suffix.v.shape[-2]) <= suffix.extent[..., None]
    if suffix.begin is not None:
        mask_BGTS &= jnp.arange(suffix.v.shape[-2]) >= suffix.begin[..., None]
    sides = [_Side(_SUFFIX_AXES, suffix.k, suffix.v, mask_BGTS[:, :, None, :, None])]
    if prefix is not None:
        mask_BP = jnp.arange(prefix.v.shape[-2]) < prefix.extent[:, None]
        sides.append(_Side(_PREFIX_AXES, prefix.k, prefix.v, mask_BP[:, None, None, None, None]))
    return sides
