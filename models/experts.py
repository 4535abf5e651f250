"""Mixture of experts: a router sends each token through a few of many gated mlps.

    p = softmax(x router),   y = sum over the k largest of p_e / (their sum) * down_e(silu(gate_e(x)) * up_e(x))

Tokens are sorted by expert and all experts' rows are multiplied in one ragged product (`jax.lax.ragged_dot`): no token
is dropped or padded. On a mesh whole experts are sharded over the tensor axis; each device runs the rows of its own
experts, and the results are summed.
"""

from functools import partial
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from models.config import ModelConfig
from models.einsum import contract
from models.sharding import axis_parts, constrain, partition


class Routing(NamedTuple):
    """Distribution of the counted tokens among experts, in one layer or in all (leading axis L)."""

    chosen_X: jax.Array
    """Number of times each expert was chosen."""
    probability_X: jax.Array
    """The router's probabilities, summed over tokens."""
    tokens: jax.Array
    """Number of counted tokens."""


class _Experts(NamedTuple):
    """The weights of some experts."""

    gate_XDF: jax.Array
    up_XDF: jax.Array
    down_XFD: jax.Array


def mixture(
    config: ModelConfig, w: dict[str, jax.Array], x_BGTD: jax.Array, counted_BGT: jax.Array | None, mesh: Mesh | None
) -> tuple[jax.Array, Routing | None]:
    """Run a mixture of experts [B, G, T, D]; with a mask `counted_BGT`, also return the routing of the tokens under it.

    Raises AssertionError for wrong ranks, shapes or dtypes.
    """
    chex.assert_shape(x_BGTD, (None, None, None, config.hidden_size))
    chex.assert_type(x_BGTD, float)
    chex.assert_shape(w["router"], (config.hidden_size, config.num_experts))
    if counted_BGT is not None:
        chex.assert_shape(counted_BGT, x_BGTD.shape[:3])
        chex.assert_type(counted_BGT, bool)
    logits_BGTX = contract("bgtd,dx->bgtx", x_BGTD, w["router"])
    probability_BGTX = jax.nn.softmax(constrain(logits_BGTX, mesh, ("batch", None, None, None)), axis=-1)
    choose, groups = partial(_choose, config), partition(("batch",))
    if mesh is not None:
        # Each device routes its own tokens: the compiler would gather all devices' probabilities to sort them.
        choose = jax.shard_map(choose, mesh=mesh, in_specs=groups, out_specs=groups)
    weight_BGTk, chosen_BGTk = choose(probability_BGTX)
    routing = None
    if counted_BGT is not None:
        counted = counted_BGT[..., None].astype(jnp.float32)
        is_chosen_BGTX = jax.nn.one_hot(chosen_BGTk, config.num_experts).sum(-2)
        chosen_X, probability_X = ((x_BGTX * counted).sum((0, 1, 2)) for x_BGTX in (is_chosen_BGTX, probability_BGTX))
        routing = Routing(chosen_X, probability_X, counted.sum())
    experts = _Experts(w["expert_gate"], w["expert_up"], w["expert_down"])
    weight_BGTk = weight_BGTk.astype(x_BGTD.dtype)
    if mesh is None:
        return _run_experts(0, x_BGTD, weight_BGTk, chosen_BGTk, experts), routing

    def run_local(x_BGTD: jax.Array, weight_BGTk: jax.Array, chosen_BGTk: jax.Array, local: _Experts) -> jax.Array:
        first = jax.lax.axis_index("tensor") * (config.num_experts // axis_parts(mesh, "experts"))
        # Cast explicitly, not inferred: gradients of shared arrays are summed over devices.
        x_BGTD, weight_BGTk = (jax.lax.pcast(x, "tensor", to="varying") for x in (x_BGTD, weight_BGTk))
        return jax.lax.psum(_run_experts(first, x_BGTD, weight_BGTk, chosen_BGTk, local), "tensor")

    in_specs = (groups, groups, groups, partition(("experts",)))
    run = jax.shard_map(run_local, mesh=mesh, in_specs=in_specs, out_specs=groups)
    return run(x_BGTD, weight_BGTk, chosen_BGTk, experts), routing


def balance_loss(routing: Routing) -> jax.Array:
    """Compute X * sum_e (choices of e per token) * (mean probability of e), over tokens of all layers; k if balanced.

    Switch Transformer's load-balancing loss (arXiv 2101.03961, equations 4-6), summed over layers before the product as
    transformers does. `routing` has a leading layer axis; raises AssertionError otherwise.
    """
    chex.assert_rank([routing.chosen_X, routing.probability_X, routing.tokens], [2, 2, 1])
    chex.assert_equal_shape([routing.chosen_X, routing.probability_X])
    chex.assert_equal_shape_prefix([routing.chosen_X, routing.tokens], 1)
    chex.assert_type([routing.chosen_X, routing.probability_X, routing.tokens], float)
    chosen_X, probability_X, tokens = (x.sum(0) for x in routing)
    tokens = jnp.maximum(tokens, 1)
    return chosen_X.shape[-1] * jnp.sum(chosen_X / tokens * probability_X / tokens)


def _choose(config: ModelConfig, probability_BGTX: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return weights and numbers of each token's experts, both [B, G, T, k]."""
    weight_BGTk, chosen_BGTk = jax.lax.top_k(probability_BGTX, config.experts_per_token)
    if config.normalize_topk:
        weight_BGTk = weight_BGTk / weight_BGTk.sum(-1, keepdims=True)
    return weight_BGTk, chosen_BGTk


def _run_experts(
    first: jax.Array | int,
    x_BGTD: jax.Array,
    weight_BGTk: jax.Array,
    chosen_BGTk: jax.Array,
    local: _Experts,
) -> jax.Array:
    """Sum the weighted outputs of those chosen experts that are in [first, first + X)."""
    x_ND = x_BGTD.reshape(-1, x_BGTD.shape[-1])
    experts, per_token = len(local.gate_XDF), weight_BGTk.shape[-1]
    expert_n = chosen_BGTk.reshape(-1) - first
    is_here_n = (expert_n >= 0) & (expert_n < experts)
    # Rows of other devices' experts are sorted to the end, beyond the last ragged group.
    expert_n = jnp.where(is_here_n, expert_n, experts)
    order_n = jnp.argsort(expert_n, stable=True)
    rows_X = jnp.bincount(expert_n, length=experts + 1)[:experts]
    token_n = order_n // per_token
    rows_nD = x_ND[token_n]
    hidden_nF = jax.nn.silu(jax.lax.ragged_dot(rows_nD, local.gate_XDF, rows_X))
    hidden_nF = hidden_nF * jax.lax.ragged_dot(rows_nD, local.up_XDF, rows_X)
    out_nD = jax.lax.ragged_dot(hidden_nF, local.down_XFD, rows_X) * weight_BGTk.reshape(-1)[order_n][:, None]
    out_nD = jnp.where(is_here_n[order_n][:, None], out_nD, 0)
    return jnp.zeros_like(x_ND).at[token_n].add(out_nD).reshape(x_BGTD.shape)
