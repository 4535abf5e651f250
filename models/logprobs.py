"""Hidden states -> log-probabilities of given tokens, without the matrix [tokens, vocabulary].

    z = hidden unembed^T / temperature,   logprob_n = z_n[target_n] - logsumexp(z_n)
    entropy_n = logsumexp(z_n) - sum_v softmax(z_n)_v z_nv

At V = 151,936 the logits of 16k tokens would take 10 GB; here one chunk of them exists at a time, in both passes.
"""

import jax
import jax.numpy as jnp

from models.products import contract


def logits(hidden_D: jax.Array, unembed_VD: jax.Array) -> jax.Array:
    """Scores [..., V] in float32 of hidden states [..., D]."""
    return contract("...d,vd->...v", hidden_D, unembed_VD)


def token_logprobs(
    hidden_ND: jax.Array,
    unembed_VD: jax.Array,
    targets_N: jax.Array,
    *,
    temperature: float | jax.Array = 1.0,
    chunk: int = 1024,
) -> tuple[jax.Array, jax.Array]:
    """Log-probability (nats) of each target and entropy (nats) of its distribution, both [N] float32.

    Values and gradients equal those of the whole computation. `temperature` divides the logits, as in sampling; `chunk`
    bounds the tokens whose logits exist at once.
    """
    num_tokens, width = hidden_ND.shape
    num_chunks = max(1, -(-num_tokens // chunk))
    rows = -(-num_tokens // num_chunks)
    spare = rows * num_chunks - num_tokens
    # A chunk takes every num_chunks-th token: tokens that are spread over devices stay spread within each chunk.
    hidden_CND = jnp.pad(hidden_ND, ((0, spare), (0, 0))).reshape(rows, num_chunks, width).swapaxes(0, 1)
    targets_CN = jnp.pad(targets_N, (0, spare)).reshape(rows, num_chunks).swapaxes(0, 1)

    @jax.checkpoint
    def one_chunk(hidden_ND: jax.Array, targets_N: jax.Array) -> tuple[jax.Array, jax.Array]:
        z_NV = logits(hidden_ND, unembed_VD) / temperature
        total_N = jax.nn.logsumexp(z_NV, axis=-1)
        chosen_N = jnp.take_along_axis(z_NV, targets_N[:, None], axis=-1)[:, 0]
        return chosen_N - total_N, total_N - jnp.sum(jnp.exp(z_NV - total_N[:, None]) * z_NV, axis=-1)

    _, (logprob_CN, entropy_CN) = jax.lax.scan(lambda _, xs: (None, one_chunk(*xs)), None, (hidden_CND, targets_CN))
    return _in_order(logprob_CN, num_tokens), _in_order(entropy_CN, num_tokens)


def _in_order(x_CN: jax.Array, num_tokens: int) -> jax.Array:
    return x_CN.swapaxes(0, 1).reshape(-1)[:num_tokens]
