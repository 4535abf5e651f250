"""The gated delta rule: linear attention whose state maps keys to values and is corrected at each token.

    S_t = e^(g_t) S_(t-1) + k_t b_t (v_t - (e^(g_t) S_(t-1))^T k_t)^T,   out_t = S_t^T q_t / sqrt(E)

From arXiv 2412.06464. Two forms compute it: `_recurrent` takes one token; `_chunked` solves one triangular system per
chunk and head for all corrections of a chunk at once (arXiv 2406.06484) and scans over chunks. Everything is float32:
errors of the state persist for the rest of the sequence. Axes: B groups, G members, T tokens, U value heads, E key
width, W value width, C tokens of a chunk, Z chunks.
"""

from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp

CHUNK = 64
"""Tokens of a chunk."""


class DeltaInputs(NamedTuple):
    """Per-token inputs of the gated delta rule."""

    q_BGTUE: jax.Array
    k_BGTUE: jax.Array
    v_BGTUW: jax.Array
    decay_BGTU: jax.Array
    """g, the log of the state's decay; at most 0."""
    write_BGTU: jax.Array
    """b in [0, 1], the strength of the correction; a token with g = 0 and b = 0 leaves the state unchanged."""


def gated_delta_rule(inputs: DeltaInputs, state_BGUEW: jax.Array, chunk: int = CHUNK) -> tuple[jax.Array, jax.Array]:
    """Return outputs [B, G, T, U, W] and the state after the last token, both float32.

    Queries and keys are normalised to length 1 here. `chunk` does not change the result beyond rounding. Raises
    AssertionError for wrong ranks, shapes or dtypes.
    """
    _check_shapes(inputs, state_BGUEW)
    q_BGTUE, k_BGTUE, v_BGTUW = (x.astype(jnp.float32) for x in inputs[:3])
    q_BGTUE = _unit(q_BGTUE) * q_BGTUE.shape[-1] ** -0.5
    k_BGTUE = _unit(k_BGTUE)
    inputs = DeltaInputs(q_BGTUE, k_BGTUE, v_BGTUW, inputs.decay_BGTU, inputs.write_BGTU)
    if q_BGTUE.shape[2] == 1:
        return _recurrent(inputs, state_BGUEW)
    return _chunked(inputs, state_BGUEW, chunk)


def _check_shapes(inputs: DeltaInputs, state_BGUEW: jax.Array) -> None:
    chex.assert_rank([inputs.q_BGTUE, inputs.v_BGTUW], 5)
    *tokens, heads, key_width = inputs.q_BGTUE.shape
    value_width = inputs.v_BGTUW.shape[-1]
    chex.assert_shape(inputs.k_BGTUE, (*tokens, heads, key_width))
    chex.assert_shape(inputs.v_BGTUW, (*tokens, heads, value_width))
    chex.assert_shape([inputs.decay_BGTU, inputs.write_BGTU], (*tokens, heads))
    chex.assert_shape(state_BGUEW, (*tokens[:2], heads, key_width, value_width))
    chex.assert_type([*inputs, state_BGUEW], float)


def _unit(x_E: jax.Array) -> jax.Array:
    return x_E * jax.lax.rsqrt(jnp.sum(jnp.square(x_E), axis=-1, keepdims=True) + 1e-6)


def _dot(layout: str, a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.einsum(layout, a, b, precision=jax.lax.Precision.HIGHEST)


def _recurrent(inputs: DeltaInputs, state_BGUEW: jax.Array) -> tuple[jax.Array, jax.Array]:
    q_BGUE, k_BGUE, v_BGUW, decay_BGU, write_BGU = (x[:, :, 0] for x in inputs)
    state_BGUEW = state_BGUEW * jnp.exp(decay_BGU)[..., None, None]
    error_BGUW = (v_BGUW - _dot("bguew,bgue->bguw", state_BGUEW, k_BGUE)) * write_BGU[..., None]
    state_BGUEW = state_BGUEW + k_BGUE[..., None] * error_BGUW[..., None, :]
    return _dot("bguew,bgue->bguw", state_BGUEW, q_BGUE)[:, :, None], state_BGUEW


def _chunked(inputs: DeltaInputs, state_BGUEW: jax.Array, chunk: int) -> tuple[jax.Array, jax.Array]:
    tokens = inputs.q_BGTUE.shape[2]
    length = min(chunk, tokens)
    chunks = -(-tokens // length)

    def cut(x_BGTU: jax.Array) -> jax.Array:
        """Cut [B, G, T, U, ...] into [Z, B, G, U, C, ...]; the padding writes nothing and decays nothing."""
        padding = [(0, 0)] * x_BGTU.ndim
        padding[2] = (0, chunks * length - tokens)
        x = jnp.pad(x_BGTU, padding)
        x = x.reshape(*x.shape[:2], chunks, length, *x.shape[3:])
        return jnp.moveaxis(jnp.moveaxis(x, 2, 0), 3, 4)

    q, k, v, write = cut(inputs.q_BGTUE), cut(inputs.k_BGTUE), cut(inputs.v_BGTUW), cut(inputs.write_BGTU)[..., None]
    # Log of the decay from the chunk's start through each token; then the decay between every two tokens.
    sum_ZBGUC = jnp.cumsum(cut(inputs.decay_BGTU), axis=-1)
    is_past_CC = jnp.tril(jnp.ones((length, length), bool))
    between = jnp.exp(jnp.where(is_past_CC, sum_ZBGUC[..., :, None] - sum_ZBGUC[..., None, :], -jnp.inf))
    # Solved for each token's write if the state were zero at the chunk's start, and for what it reads from that state.
    system = _dot("zbguce,zbgude->zbgucd", k * write, k) * between
    since_start = jnp.exp(sum_ZBGUC)[..., None]
    sides = jnp.concatenate([v * write, k * write * since_start], axis=-1)
    solved = jax.lax.linalg.triangular_solve(system, sides, left_side=True, lower=True, unit_diagonal=True)
    written, read = jnp.split(solved, [v.shape[-1]], axis=-1)
    scores = _dot("zbguce,zbgude->zbgucd", q, k) * between
    to_end = jnp.exp(sum_ZBGUC[..., -1:] - sum_ZBGUC)[..., None]
    over_chunk = jnp.exp(sum_ZBGUC[..., -1])[..., None, None]

    def step(state: jax.Array, xs: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        written, read, q_decayed, scores, k_decayed, over_chunk = xs
        new = written - _dot("bguce,bguew->bgucw", read, state)
        out = _dot("bguce,bguew->bgucw", q_decayed, state) + _dot("bgucd,bgudw->bgucw", scores, new)
        return state * over_chunk + _dot("bguce,bgucw->bguew", k_decayed, new), out

    xs = (written, read, q * since_start, scores, k * to_end, over_chunk)
    state_BGUEW, out = jax.lax.scan(step, state_BGUEW, xs)
    out = jnp.moveaxis(jnp.moveaxis(out, 4, 3), 0, 2)
    return out.reshape(*out.shape[:2], chunks * length, *out.shape[4:])[:, :, :tokens], state_BGUEW
