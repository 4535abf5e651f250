"""The gated delta rule: a state that maps keys to values, corrected token by token (arXiv 2412.06464).

    S_t = e^(g_t) S_(t-1) + k_t b_t (v_t - (e^(g_t) S_(t-1))^T k_t)^T,   out_t = S_t^T q_t / sqrt(E)

Two forms of the same function: `_recurrent`, one token; `_chunked`, a chunk's corrections at once by solving one
triangular system per chunk and head (arXiv 2406.06484), with a scan over chunks. Float32 throughout: errors of the
state stay for the rest of the sequence. Axes: B groups, G members, T tokens, U value heads, E key width, W value width,
C tokens of a chunk, Z chunks.
"""

import jax
import jax.numpy as jnp

CHUNK = 64


def delta_rule(
    q_BGTUE: jax.Array,
    k_BGTUE: jax.Array,
    v_BGTUW: jax.Array,
    decay_BGTU: jax.Array,
    write_BGTU: jax.Array,
    state_BGUEW: jax.Array,
    chunk: int = CHUNK,
) -> tuple[jax.Array, jax.Array]:
    """Outputs [B, G, T, U, W] and the state after the last token, both float32.

    Queries and keys are normalised to length 1 here. `decay` is g (at most 0), `write` is b in [0, 1]; a token with
    g = 0 and b = 0 leaves the state as it is.
    """
    q_BGTUE, k_BGTUE, v_BGTUW = (x.astype(jnp.float32) for x in (q_BGTUE, k_BGTUE, v_BGTUW))
    q_BGTUE = _unit(q_BGTUE) * q_BGTUE.shape[-1] ** -0.5
    k_BGTUE = _unit(k_BGTUE)
    if q_BGTUE.shape[2] == 1:
        out_BGUW, state_BGUEW = _recurrent(
            q_BGTUE[:, :, 0], k_BGTUE[:, :, 0], v_BGTUW[:, :, 0], decay_BGTU[:, :, 0], write_BGTU[:, :, 0], state_BGUEW
        )
        return out_BGUW[:, :, None], state_BGUEW
    return _chunked(q_BGTUE, k_BGTUE, v_BGTUW, decay_BGTU, write_BGTU, state_BGUEW, chunk)


def _unit(x_E: jax.Array) -> jax.Array:
    return x_E * jax.lax.rsqrt(jnp.sum(jnp.square(x_E), axis=-1, keepdims=True) + 1e-6)


def _dot(layout: str, a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.einsum(layout, a, b, precision=jax.lax.Precision.HIGHEST)


def _recurrent(
    q_BGUE: jax.Array,
    k_BGUE: jax.Array,
    v_BGUW: jax.Array,
    decay_BGU: jax.Array,
    write_BGU: jax.Array,
    state_BGUEW: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    state_BGUEW = state_BGUEW * jnp.exp(decay_BGU)[..., None, None]
    error_BGUW = (v_BGUW - _dot("bguew,bgue->bguw", state_BGUEW, k_BGUE)) * write_BGU[..., None]
    state_BGUEW = state_BGUEW + k_BGUE[..., None] * error_BGUW[..., None, :]
    return _dot("bguew,bgue->bguw", state_BGUEW, q_BGUE), state_BGUEW


def _chunked(
    q_BGTUE: jax.Array,
    k_BGTUE: jax.Array,
    v_BGTUW: jax.Array,
    decay_BGTU: jax.Array,
    write_BGTU: jax.Array,
    state_BGUEW: jax.Array,
    chunk: int,
) -> tuple[jax.Array, jax.Array]:
    tokens = q_BGTUE.shape[2]
    length = min(chunk, tokens)
    chunks = -(-tokens // length)

    def cut(x_BGTU: jax.Array) -> jax.Array:
        """[B, G, T, U, ...] -> [Z, B, G, U, C, ...]; what is added writes nothing and decays nothing."""
        spare = [(0, 0)] * x_BGTU.ndim
        spare[2] = (0, chunks * length - tokens)
        x = jnp.pad(x_BGTU, spare)
        x = x.reshape(*x.shape[:2], chunks, length, *x.shape[3:])
        return jnp.moveaxis(jnp.moveaxis(x, 2, 0), 3, 4)

    q, k, v, write = cut(q_BGTUE), cut(k_BGTUE), cut(v_BGTUW), cut(write_BGTU)[..., None]
    # Log of the decay from the chunk's start up to and with each token, and between every two tokens.
    sum_ZBGUC = jnp.cumsum(cut(decay_BGTU), axis=-1)
    is_past_CC = jnp.tril(jnp.ones((length, length), bool))
    between = jnp.exp(jnp.where(is_past_CC, sum_ZBGUC[..., :, None] - sum_ZBGUC[..., None, :], -jnp.inf))
    # What each token writes, were the state zero at the chunk's start; and what it reads from that state.
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
