"""Queries, a shared prefix and own suffixes -> attended values: one softmax over two key sets.

    out = (sum_p e^(q k_p) v_p + sum_s e^(q k_s) v_s) / (sum_p e^(q k_p) + sum_s e^(q k_s))

p runs over the group's prefix, s over the member's own suffix.

The prefix contraction treats a group's G members as rows of one matrix product, so prefix keys are read once per group
and never copied (the trainer's half of this is Prefix Grouper, arXiv 2506.05433; the decoder's is cascade attention,
arXiv 2402.05099). No scores are kept for the gradient: it computes them again, and the weights from the logarithm of
their sum (FlashAttention, arXiv 2205.14135, section 3.1). This form runs everywhere and is what the platforms' kernels
(`fast_attention.py`) must equal.
"""

from functools import reduce
from typing import NamedTuple

import jax
import jax.numpy as jnp

from models.einsum import contract
from models.fast_attention import Kernel, Keys

# Large and finite: a prefix that is masked as a whole still gives numbers, which the suffix's maximum scales to zero.
_MASKED = -1e30


def attend(
    q_BGTKRE: jax.Array,
    prefix_k_BKEP: jax.Array | None,
    prefix_v_BKPE: jax.Array | None,
    prefix_length_B: jax.Array | None,
    suffix_k_BGKES: jax.Array,
    suffix_v_BGKSE: jax.Array,
    slot_BGT: jax.Array,
    kernel: Kernel | None = None,
    begin_BGT: jax.Array | None = None,
) -> jax.Array:
    """Attention output [B, G, T, K, R, E] in the queries' dtype; scores and softmax are float32.

    A query at suffix slot `slot_BGT` sees the first `prefix_length_B` prefix keys and the suffix slots from `begin_BGT`
    (None: 0) up to and including its own. Without a prefix (None) only the suffix is seen. Queries are scaled by E^-1/2
    here. A `kernel` may be given where the suffix is the queries' own, from slot 0 to T - 1; it is used if it
    takes such a prefix, and each row is one member's.
    """
    scaled_BGTKRE = q_BGTKRE * jnp.asarray(q_BGTKRE.shape[-1] ** -0.5, q_BGTKRE.dtype)
    own = Keys(suffix_k_BGKES, suffix_v_BGKSE, slot_BGT, begin_BGT)
    shared = None
    if prefix_k_BKEP is not None and prefix_v_BKPE is not None and prefix_length_B is not None:
        shared = Keys(prefix_k_BKEP, prefix_v_BKPE, prefix_length_B)
    if kernel is not None and begin_BGT is None and kernel.takes(shared):
        return kernel(scaled_BGTKRE, own, shared)
    return _attend(scaled_BGTKRE, own, shared)


@jax.custom_vjp
def _attend(q_BGTKRE: jax.Array, own: Keys, shared: Keys | None) -> jax.Array:
    return _forward(q_BGTKRE, own, shared)[0]


def _forward(q_BGTKRE: jax.Array, own: Keys, shared: Keys | None) -> tuple[jax.Array, tuple]:
    sides = _sides(own, shared)
    scores = [side.scores(q_BGTKRE) for side in sides]
    top_BGKTR = reduce(jnp.maximum, [side.turned(score.max(-1)) for side, score in zip(sides, scores, strict=True)])
    total_BGKTR, out_BGKTRE = jnp.float32(0), jnp.float32(0)
    for side, score in zip(sides, scores, strict=True):
        weight = jnp.exp(score - side.turned(top_BGKTR)[..., None])
        total_BGKTR += side.turned(weight.sum(-1))
        out_BGKTRE += side.turned(side.product("weight", "value", "out", weight.astype(side.v.dtype), side.v))
    out_BGTKRE = jnp.moveaxis(out_BGKTRE / total_BGKTR[..., None], 2, 3).astype(q_BGTKRE.dtype)
    return out_BGTKRE, (q_BGTKRE, own, shared, out_BGTKRE, top_BGKTR + jnp.log(total_BGKTR))


def _backward(kept: tuple, slope_BGTKRE: jax.Array) -> tuple:
    """Slopes of queries, keys and values, with weights W = exp(S - logsum): dS = W * (dO V^T - sum(dO * O))."""
    q_BGTKRE, own, shared, out_BGTKRE, logsum_BGKTR = kept
    mean_BGKTR = jnp.moveaxis((slope_BGTKRE.astype(jnp.float32) * out_BGTKRE).sum(-1), 3, 2)
    dq_BGTKRE, slopes = jnp.float32(0), []
    for side in _sides(own, shared):
        slope = side.turned(jnp.moveaxis(slope_BGTKRE, 3, 2))
        weight = jnp.exp(side.scores(q_BGTKRE) - side.turned(logsum_BGKTR)[..., None])
        # The smaller operand first, here and below: the left one is turned, and scores are large.
        dv = side.product("out", "weight", "key", slope, weight.astype(slope.dtype)).mT
        dweight = side.product("out", "value", "weight", slope, side.v)
        dscore = (weight * (dweight - side.turned(mean_BGKTR)[..., None])).astype(q_BGTKRE.dtype)
        dq_BGTKRE += jnp.moveaxis(side.turned(side.product("weight", "key", "out", dscore, side.k)), 2, 3)
        dk = side.product("query", "weight", "key", q_BGTKRE, dscore)
        slopes.append(Keys(dk.astype(side.k.dtype), dv.astype(side.v.dtype), None))
    return dq_BGTKRE.astype(q_BGTKRE.dtype), slopes[0], slopes[1] if shared is not None else None


_attend.defvjp(_forward, _backward)
_OWN = {"query": "bgtkre", "key": "bgkes", "value": "bgkse", "weight": "bgktrs", "out": "bgktre"}
# Rows of the prefix products are all members' queries: [(G T R), E] x [E, P] per group and kv head. Results are turned
# to the members' order afterwards: asked for in it, XLA on CPUs would turn the whole prefix, at each decode step.
_SHARED = {"query": "bgtkre", "key": "bkep", "value": "bkpe", "weight": "bkgtrp", "out": "bkgtre"}


class _Side(NamedTuple):
    """One key set with the axes of its products and its mask."""

    axes: dict[str, str]
    k: jax.Array
    v: jax.Array
    sees: jax.Array

    def product(self, a: str, b: str, result: str, a_array: jax.Array, b_array: jax.Array) -> jax.Array:
        """The product of two arrays, each called by what it is; summed over the axes that the result lacks."""
        return contract(f"{self.axes[a]},{self.axes[b]}->{self.axes[result]}", a_array, b_array)

    def scores(self, q_BGTKRE: jax.Array) -> jax.Array:
        """What scaled queries make of the keys they see, in this side's order."""
        return jnp.where(self.sees, self.product("query", "key", "weight", q_BGTKRE, self.k), _MASKED)

    def turned(self, x: jax.Array) -> jax.Array:
        """[B, G, K, ...] to this side's order or back."""
        return x.swapaxes(1, 2) if self.axes is _SHARED else x


def _sides(own: Keys, shared: Keys | None) -> list[_Side]:
    sees_BGTS = jnp.arange(own.v.shape[-2]) <= own.end[..., None]
    if own.begin is not None:
        sees_BGTS &= jnp.arange(own.v.shape[-2]) >= own.begin[..., None]
    sides = [_Side(_OWN, own.k, own.v, sees_BGTS[:, :, None, :, None])]
    if shared is not None:
        sees_BP = jnp.arange(shared.v.shape[-2]) < shared.end[:, None]
        sides.append(_Side(_SHARED, shared.k, shared.v, sees_BP[:, None, None, None, None]))
    return sides
