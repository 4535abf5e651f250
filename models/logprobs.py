"""Log-probabilities of given tokens from hidden states, without holding logits for all tokens [N, V].

    z = hidden unembed^T / temperature,   logprob_n = z_n[target_n] - logsumexp(z_n)
    entropy_n = logsumexp(z_n) - sum_v softmax(z_n)_v z_nv

At V = 151,936 the logits of 16k tokens would take 10 GB; here one chunk of them exists at a time, in the forward and
the backward pass. On a mesh each device loops over chunks of its own tokens; the matrix is gathered, and its gradient
summed, once outside that loop. The compiler alone would do both for every chunk, and also gather the gradients of all
devices' logits.
"""

import chex
import jax
import jax.numpy as jnp
from jax.sharding import Mesh, PartitionSpec

from models.einsum import contract
from models.sharding import RULES, axis_parts, partition


def logits(hidden_D: jax.Array, unembed_VD: jax.Array) -> jax.Array:
    """Return float32 logits [..., V] of hidden states [..., D]. Raises AssertionError for wrong shapes or dtypes."""
    chex.assert_rank(unembed_VD, 2)
    chex.assert_axis_dimension(hidden_D, -1, unembed_VD.shape[1])
    chex.assert_type([hidden_D, unembed_VD], float)
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
    """Return the log-probability of each target and the entropy of its distribution, both in nats, [N] float32.

    Args:
        hidden_ND: hidden states. On a mesh they are sharded as groups are, so the tokens of a group are consecutive.
        unembed_VD: the output matrix.
        targets_N: the tokens whose log-probabilities are computed.
        temperature: divides the logits, as in sampling.
        chunk: limit of tokens whose logits exist at once, on each device. Neither values nor gradients depend on it
            beyond rounding.
        mesh: the devices that share the tokens; None for one.

    Raises:
        AssertionError: for wrong ranks, shapes or dtypes.
    """
    chex.assert_rank([hidden_ND, unembed_VD, targets_N, temperature], [2, 2, 1, 0])
    chex.assert_equal_shape_prefix([hidden_ND, targets_N], 1)
    chex.assert_equal_shape_suffix([hidden_ND, unembed_VD], 1)
    chex.assert_type([hidden_ND, unembed_VD, targets_N], [float, float, int])
    if mesh is None or axis_parts(mesh, "batch") == 1:
        return _in_chunks(hidden_ND, unembed_VD, targets_N, temperature, chunk)
    groups, everywhere = partition(("batch",)), PartitionSpec()

    def device_logprobs(
        hidden_ND: jax.Array, unembed_VD: jax.Array, targets_N: jax.Array, temperature: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        return _in_chunks(hidden_ND, _per_device(unembed_VD), targets_N, temperature, chunk)

    # Only the batch axes are manual: the compiler shards the vocabulary over tensor.
    run = jax.shard_map(
        device_logprobs,
        mesh=mesh,
        in_specs=(groups, everywhere, groups, everywhere),
        out_specs=groups,
        axis_names=set(RULES["batch"] or ()),
    )
    return run(hidden_ND, unembed_VD, targets_N, jnp.float32(temperature))


@jax.custom_vjp
def _per_device(unembed_VD: jax.Array) -> jax.Array:
    """Mark a replicated matrix as per-device, so that its gradient is summed over devices only here, in float32."""
    return jax.lax.pcast(unembed_VD, RULES["batch"], to="varying")


def _sum_gradients(_: None, gradient_VD: jax.Array) -> tuple[jax.Array]:
    return (jax.lax.psum(gradient_VD.astype(jnp.float32), RULES["batch"]).astype(gradient_VD.dtype),)


_per_device.defvjp(lambda unembed_VD: (_per_device(unembed_VD), None), _sum_gradients)


def _in_chunks(
    hidden_ND: jax.Array, unembed_VD: jax.Array, targets_N: jax.Array, temperature: float | jax.Array, chunk: int
) -> tuple[jax.Array, jax.Array]:
    num_tokens, width = hidden_ND.shape
    num_chunks = max(1, -(-num_tokens // chunk))
    rows = -(-num_tokens // num_chunks)
    padding = rows * num_chunks - num_tokens
    hidden_CND = jnp.pad(hidden_ND, ((0, padding), (0, 0))).reshape(rows, num_chunks, width).swapaxes(0, 1)
    targets_CN = jnp.pad(targets_N, (0, padding)).reshape(rows, num_chunks).swapaxes(0, 1)

    @jax.checkpoint
    def chunk_logprobs(hidden_ND: jax.Array, targets_N: jax.Array) -> tuple[jax.Array, jax.Array]:
        z_NV = logits(hidden_ND, unembed_VD) / temperature
        total_N = jax.nn.logsumexp(z_NV, axis=-1)
        chosen_N = jnp.take_along_axis(z_NV, targets_N[:, None], axis=-1)[:, 0]
        return chosen_N - total_N, total_N - jnp.sum(jnp.exp(z_NV - total_N[:, None]) * z_NV, axis=-1)

    _, (logprob_CN, entropy_CN) = jax.lax.scan(
        lambda _, xs: (None, chunk_logprobs(xs[0], xs[1])), None, (hidden_CND, targets_CN)
    )
    return _in_order(logprob_CN, num_tokens), _in_order(entropy_CN, num_tokens)


def _in_order(x_CN: jax.Array, num_tokens: int) -> jax.Array:
    return x_CN.swapaxes(0, 1).reshape(-1)[:num_tokens]
