"""Mixture of experts: each token runs through the few gated mlps that a router chooses for it.

    p = softmax(x router),   y = sum over the k largest of p_e / (their sum) * down_e(silu(gate_e(x)) * up_e(x))

Tokens are sorted by expert and every expert's rows are multiplied in one ragged product (`jax.lax.ragged_dot`): none is
dropped and none is padded. On a mesh whole experts are spread over the devices of the tensor axis; each device runs the
rows of its own experts, and the results are added.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from models.config import ModelConfig
from models.einsum import contract
from models.sharding import constrain, partition, places


class Routing(NamedTuple):
    """How one layer, or all (leading axis L), spread the tokens that count."""

    chosen_X: jax.Array
    """How many times an expert was chosen."""
    probability_X: jax.Array
    """Sum over tokens of the router's probabilities."""
    tokens: jax.Array
    """Tokens that count."""


def mixture(
    config: ModelConfig, w: dict[str, jax.Array], x_BGTD: jax.Array, counted_BGT: jax.Array | None, mesh: Mesh | None
) -> tuple[jax.Array, Routing | None]:
    """The mlp of a mixture [B, G, T, D]; with a mask, also how the tokens under it were spread."""
    logits_BGTX = contract("bgtd,dx->bgtx", x_BGTD, w["router"])
    probability_BGTX = jax.nn.softmax(constrain(logits_BGTX, mesh, ("batch", None, None, None)), axis=-1)
    choose, groups = partial(_choose, config), partition(("batch",))
    if mesh is not None:
        # Each device chooses for its own tokens: the compiler would gather all devices' probabilities to sort them.
        choose = jax.shard_map(choose, mesh=mesh, in_specs=groups, out_specs=groups)
    weight_BGTk, chosen_BGTk = choose(probability_BGTX)
    routing = None
    if counted_BGT is not None:
        counted = counted_BGT[..., None].astype(jnp.float32)
        is_chosen_BGTX = jax.nn.one_hot(chosen_BGTk, config.num_experts).sum(-2)
        spread = [(x_BGTX * counted).sum((0, 1, 2)) for x_BGTX in (is_chosen_BGTX, probability_BGTX)]
        routing = Routing(spread[0], spread[1], counted.sum())
    weights = (w["expert_gate"], w["expert_up"], w["expert_down"])
    weight_BGTk = weight_BGTk.astype(x_BGTD.dtype)
    if mesh is None:
        return _run_experts(0, x_BGTD, weight_BGTk, chosen_BGTk, *weights), routing
    spread_experts = partition(("experts",))

    def own_experts(x_BGTD: jax.Array, weight: jax.Array, chosen: jax.Array, *own: jax.Array) -> jax.Array:
        first = jax.lax.axis_index("tensor") * (config.num_experts // places(mesh, "experts"))
        # Said, not left to be found out: gradients of what all devices share are summed over them.
        x_BGTD, weight = (jax.lax.pcast(x, "tensor", to="varying") for x in (x_BGTD, weight))
        return jax.lax.psum(_run_experts(first, x_BGTD, weight, chosen, *own), "tensor")

    run = jax.shard_map(own_experts, mesh=mesh, in_specs=(groups,) * 3 + (spread_experts,) * 3, out_specs=groups)
    return run(x_BGTD, weight_BGTk, chosen_BGTk, *weights), routing


def balance_loss(routing: Routing) -> jax.Array:
    """X * sum_e (choices of e per token) * (mean probability of e), over tokens of all layers; k when balanced.

    Switch Transformer's load-balancing loss (arXiv 2101.03961, equations 4-6), summed before the product as
    transformers does. `routing` has a leading layer axis.
    """
    chosen_X, probability_X, tokens = (x.sum(0) for x in routing)
    tokens = jnp.maximum(tokens, 1)
    return chosen_X.shape[-1] * jnp.sum(chosen_X / tokens * probability_X / tokens)


def _choose(config: ModelConfig, probability_BGTX: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Weights and numbers of each token's experts, both [B, G, T, k]."""
    weight_BGTk, chosen_BGTk = jax.lax.top_k(probability_BGTX, config.experts_per_token)
    if config.normalize_topk:
        weight_BGTk = weight_BGTk / weight_BGTk.sum(-1, keepdims=True)
    return weight_BGTk, chosen_BGTk


def _run_experts(
    first: jax.Array | int,
    x_BGTD: jax.Array,
    weight_BGTk: jax.Array,
    chosen_BGTk: jax.Array,
    gate_XDF: jax.Array,
    up_XDF: jax.Array,
    down_XFD: jax.Array,
) -> jax.Array:
    """The weighted sum over those chosen experts that are in [first, first + X)."""
    x_ND = x_BGTD.reshape(-1, x_BGTD.shape[-1])
    experts, per_token = len(gate_XDF), weight_BGTk.shape[-1]
    own_n = chosen_BGTk.reshape(-1) - first
    is_here_n = (own_n >= 0) & (own_n < experts)
    # Rows of other devices' experts are sorted to the end, where no ragged group reaches.
    own_n = jnp.where(is_here_n, own_n, experts)
    order_n = jnp.argsort(own_n, stable=True)
    rows_X = jnp.bincount(own_n, length=experts + 1)[:experts]
    token_n = order_n // per_token
    rows_nD = x_ND[token_n]
    hidden_nF = jax.nn.silu(jax.lax.ragged_dot(rows_nD, gate_XDF, rows_X))
    hidden_nF = hidden_nF * jax.lax.ragged_dot(rows_nD, up_XDF, rows_X)
    out_nD = jax.lax.ragged_dot(hidden_nF, down_XFD, rows_X) * weight_BGTk.reshape(-1)[order_n][:, None]
    out_nD = jnp.where(is_here_n[order_n][:, None], out_nD, 0)
    return jnp.zeros_like(x_ND).at[token_n].add(out_nD).reshape(x_BGTD.shape)
