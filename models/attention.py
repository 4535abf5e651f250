"""Queries, a shared prefix and own suffixes -> attended values: one softmax over two key sets.

    out = (sum_p e^(q k_p) v_p + sum_s e^(q k_s) v_s) / (sum_p e^(q k_p) + sum_s e^(q k_s))

p runs over the group's prefix, s over the member's own suffix.

The prefix contraction treats a group's G members as rows of one matrix product, so prefix keys are read once per group
and never copied (the trainer's half of this is Prefix Grouper, arXiv 2506.05433; the decoder's is cascade attention,
arXiv 2402.05099). Faster kernels belong behind `attend`; this form runs everywhere and is what they must equal.
"""

import jax
import jax.numpy as jnp

from models.products import contract

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
) -> jax.Array:
    """Attention output [B, G, T, K, R, E] in the queries' dtype; scores and softmax are float32.

    A query at suffix slot `slot_BGT` sees the first `prefix_length_B` prefix keys and the suffix slots up to and
    including its own. Without a prefix (None) only the suffix is seen. Queries are scaled by E^-1/2 here.
    """
    q_BGTKRE = q_BGTKRE * jnp.asarray(q_BGTKRE.shape[-1] ** -0.5, q_BGTKRE.dtype)
    own_BGKTRS = contract("bgtkre,bgkes->bgktrs", q_BGTKRE, suffix_k_BGKES)
    sees_BGTS = jnp.arange(suffix_k_BGKES.shape[-1]) <= slot_BGT[..., None]
    own_BGKTRS = jnp.where(sees_BGTS[:, :, None, :, None], own_BGKTRS, _MASKED)
    # The maximum only keeps exp in range: it cancels, so no gradient flows through it.
    top_BGKTR = jax.lax.stop_gradient(own_BGKTRS.max(-1))
    if prefix_k_BKEP is None or prefix_v_BKPE is None or prefix_length_B is None:
        own_BGKTRS = jnp.exp(own_BGKTRS - top_BGKTR[..., None])
        out_BGKTRE = _weighted("bgktrs,bgkse->bgktre", own_BGKTRS, suffix_v_BGKSE)
        return _finish(out_BGKTRE, own_BGKTRS.sum(-1), q_BGTKRE)
    # Rows of the prefix product are all members' queries: [(G T R), E] x [E, P] per group and kv head.
    shared_BKGTRP = contract("bgtkre,bkep->bkgtrp", q_BGTKRE, prefix_k_BKEP)
    sees_BP = jnp.arange(prefix_k_BKEP.shape[-1]) < prefix_length_B[:, None]
    shared_BKGTRP = jnp.where(sees_BP[:, None, None, None, None], shared_BKGTRP, _MASKED)
    top_BGKTR = jnp.maximum(top_BGKTR, jax.lax.stop_gradient(shared_BKGTRP.max(-1)).swapaxes(1, 2))
    own_BGKTRS = jnp.exp(own_BGKTRS - top_BGKTR[..., None])
    shared_BKGTRP = jnp.exp(shared_BKGTRP - top_BGKTR.swapaxes(1, 2)[..., None])
    total_BGKTR = own_BGKTRS.sum(-1) + shared_BKGTRP.sum(-1).swapaxes(1, 2)
    out_BGKTRE = _weighted("bgktrs,bgkse->bgktre", own_BGKTRS, suffix_v_BGKSE)
    # Swapped after the product: asked for in this order, XLA on CPUs would turn the whole prefix instead, at each step.
    out_BGKTRE += _weighted("bkgtrp,bkpe->bkgtre", shared_BKGTRP, prefix_v_BKPE).swapaxes(1, 2)
    return _finish(out_BGKTRE, total_BGKTR, q_BGTKRE)


def _weighted(layout: str, weight: jax.Array, v: jax.Array) -> jax.Array:
    return contract(layout, weight.astype(v.dtype), v)


def _finish(out_BGKTRE: jax.Array, total_BGKTR: jax.Array, q_BGTKRE: jax.Array) -> jax.Array:
    return jnp.moveaxis(out_BGKTRE / total_BGKTR[..., None], 2, 3).astype(q_BGTKRE.dtype)
