"""Hidden states -> log-probabilities of given tokens, without the matrix [tokens, vocabulary].

    z = hidden unembed^T / temperature,   logprob_n = z_n[target_n] - logsumexp(z_n)
    entropy_n = logsumexp(z_n) - sum_v softmax(z_n)_v z_nv

At V = 151,936 the logits of 16k tokens would take 10 GB; here one chunk of them exists at a time, in both passes. On a
mesh each device goes through the chunks of its own tokens: the matrix is gathered and its gradient summed around that
loop. Left to itself the compiler does both for every chunk, and gathers the slopes of all devices' logits besides.
"""

import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from models.einsum import contract
from models.sharding import RULES, partition, places


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
    mesh: Mesh | None = None,
) -> tuple[jax.Array, jax.Array]:
    """Log-probability (nats) of each target and entropy (nats) of its distribution, both [N] float32.

    Values and gradients equal those of the whole computation. `temperature` divides the logits, as in sampling; `chunk`
    bounds the tokens whose logits exist at once, on each device of a `mesh`. There the tokens must be spread as groups
    are, that is be those of one group after the other.
    """
    if mesh is None or places(mesh, "batch") == 1:
        return _in_chunks(hidden_ND, unembed_VD, targets_N, temperature, chunk)
    groups, everywhere = partition(("batch",)), PartitionSpec()

    def own_tokens(
        hidden_ND: jax.Array, unembed_VD: jax.Array, targets_N: jax.Array, temperature: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        return _in_chunks(hidden_ND, _shared(unembed_VD), targets_N, temperature, chunk)

    # Of what is spread within a device's tokens, the vocabulary, the compiler takes care.
    run = jax.shard_map(
        own_tokens,
        mesh=mesh,
        in_specs=(groups, everywhere, groups, everywhere),
        out_specs=groups,
        axis_names=set(RULES["batch"] or ()),
    )
    return run(hidden_ND, unembed_VD, targets_N, jnp.float32(temperature))


@jax.custom_vjp
def _shared(unembed_VD: jax.Array) -> jax.Array:
    """What all devices have alike, as each one's own: its gradient is summed over them, in float32, and only here."""
    return jax.lax.pcast(unembed_VD, RULES["batch"], to="varying")


def _sum_of_slopes(_: None, slope_VD: jax.Array) -> tuple[jax.Array]:
    return (jax.lax.psum(slope_VD.astype(jnp.float32), RULES["batch"]).astype(slope_VD.dtype),)


_shared.defvjp(lambda unembed_VD: (_shared(unembed_VD), None), _sum_of_slopes)


def _in_chunks(
    hidden_ND: jax.Array, unembed_VD: jax.Array, targets_N: jax.Array, temperature: float | jax.Array, chunk: int
) -> tuple[jax.Array, jax.Array]:
    num_tokens, width = hidden_ND.shape
    num_chunks = max(1, -(-num_tokens // chunk))
    rows = -(-num_tokens // num_chunks)
    spare = rows * num_chunks - num_tokens
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
