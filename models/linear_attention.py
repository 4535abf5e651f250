"""Linear attention of a hybrid: projections, a short causal convolution, the gated delta rule, a gated norm.

    [q k v] = silu(conv(x mixed)),   g = -e^(decay_log) softplus(x step + step_bias),   b = sigmoid(x write)
    y = linear_output(rms_norm(gated_delta_rule(q, k, v, g, b)) * silu(x value_gate))

A layer's recurrent state has a fixed size: the convolution's last inputs and the delta rule's map from keys to values.
A member starts from its group's prefix; padding leaves the state unchanged.
"""

import chex
import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from models.cache import RecurrentState
from models.config import ModelConfig
from models.gated_delta_rule import DeltaInputs, gated_delta_rule
from models.lora import project
from models.norm import rms_norm
from models.sharding import constrain


def linear_attention(
    config: ModelConfig,
    w: dict[str, jax.Array],
    normed_BGTD: jax.Array,
    before: RecurrentState,
    is_real_BGT: jax.Array,
    mesh: Mesh | None,
) -> tuple[jax.Array, RecurrentState]:
    """Return a layer's addition to the residual stream [B, G, T, D], and its state after the last real token.

    Real tokens come first in a chunk, then padding. Raises AssertionError for wrong ranks, shapes or dtypes.
    """
    _check_shapes(config, normed_BGTD, before, is_real_BGT)
    mixed_BGTM = project(config.lora, "bgtd,dm->bgtm", normed_BGTD, w, "mixed")
    inputs_BGTM = jnp.concatenate([before.conv.astype(mixed_BGTM.dtype), mixed_BGTM], axis=2)
    mixed_BGTM = jax.nn.silu(_convolve(inputs_BGTM, w["conv"]))
    keys = config.linear_key_heads * config.linear_key_dim
    q, k, v = jnp.split(mixed_BGTM, [keys, 2 * keys], axis=-1)
    shared = config.linear_value_heads // config.linear_key_heads
    q_BGTUE, k_BGTUE = (jnp.repeat(_heads(x, config.linear_key_dim), shared, axis=3) for x in (q, k))
    v_BGTUW = _heads(v, config.linear_value_dim)
    by_head = ("batch", None, None, "value_heads", None)
    q_BGTUE, k_BGTUE, v_BGTUW = (constrain(x, mesh, by_head) for x in (q_BGTUE, k_BGTUE, v_BGTUW))
    step_BGTU = project(config.lora, "bgtd,du->bgtu", normed_BGTD, w, "step").astype(jnp.float32)
    write_BGTU = jax.nn.sigmoid(project(config.lora, "bgtd,du->bgtu", normed_BGTD, w, "write").astype(jnp.float32))
    rate_U = jnp.exp(w["decay_log"].astype(jnp.float32))
    decay_BGTU = -rate_U * jax.nn.softplus(step_BGTU + w["step_bias"].astype(jnp.float32))
    real = is_real_BGT[..., None]
    decay_BGTU, write_BGTU = jnp.where(real, decay_BGTU, 0), jnp.where(real, write_BGTU, 0)
    inputs = DeltaInputs(q_BGTUE, k_BGTUE, v_BGTUW, decay_BGTU, write_BGTU)
    out_BGTUW, memory = gated_delta_rule(inputs, before.memory)
    gate_BGTUW = project(config.lora, "bgtd,duw->bgtuw", normed_BGTD, w, "value_gate")
    out_BGTUW = rms_norm(out_BGTUW.astype(normed_BGTD.dtype), w["value_norm"], config.norm_eps)
    out_BGTUW = (out_BGTUW * jax.nn.silu(gate_BGTUW.astype(jnp.float32))).astype(normed_BGTD.dtype)
    out_BGTD = project(config.lora, "bgtuw,uwd->bgtd", out_BGTUW, w, "linear_output")
    return out_BGTD, RecurrentState(_last_inputs(inputs_BGTM, is_real_BGT, config.conv_width - 1), memory)


def member_state(
    config: ModelConfig, prefix: RecurrentState | None, suffix: RecurrentState | None, starts_BG: jax.Array
) -> RecurrentState:
    """Return the state that each member [B, G] continues from: its own, or its group's if it starts or has none.

    Without a prefix the group's state is zero. Raises AssertionError for wrong ranks, shapes or dtypes.
    """
    chex.assert_rank(starts_BG, 2)
    chex.assert_type(starts_BG, bool)
    shape = starts_BG.shape
    if prefix is None:
        heads = (config.linear_value_heads, config.linear_key_dim, config.linear_value_dim)
        conv, memory = jnp.zeros((*shape, config.conv_width - 1, config.mixed_size)), jnp.zeros((*shape, *heads))
        group = RecurrentState(conv, memory)
    else:
        chex.assert_tree_shape_prefix(prefix, shape[:1])
        group = jax.tree.map(lambda x: jnp.broadcast_to(x[:, None], (*shape, *x.shape[1:])), prefix)
    if suffix is None:
        return group
    chex.assert_trees_all_equal_shapes(group, suffix)
    conv = jnp.where(starts_BG[..., None, None], group.conv, suffix.conv)
    return RecurrentState(conv, jnp.where(starts_BG[..., None, None, None], group.memory, suffix.memory))


def _check_shapes(config: ModelConfig, normed_BGTD: jax.Array, before: RecurrentState, is_real_BGT: jax.Array) -> None:
    chex.assert_shape(normed_BGTD, (None, None, None, config.hidden_size))
    chex.assert_shape(is_real_BGT, normed_BGTD.shape[:3])
    chex.assert_shape(before.conv, (*normed_BGTD.shape[:2], config.conv_width - 1, config.mixed_size))
    heads = (config.linear_value_heads, config.linear_key_dim, config.linear_value_dim)
    chex.assert_shape(before.memory, (*normed_BGTD.shape[:2], *heads))
    chex.assert_type([normed_BGTD, before.conv, before.memory, is_real_BGT], [float, float, float, bool])


def _heads(x_BGTM: jax.Array, width: int) -> jax.Array:
    return x_BGTM.reshape(*x_BGTM.shape[:-1], -1, width)


def _convolve(inputs_BGTM: jax.Array, taps_MC: jax.Array) -> jax.Array:
    """Sum each channel's last inputs, weighted by its taps; the first taps - 1 inputs have no output."""
    taps = taps_MC.shape[-1]
    tokens = inputs_BGTM.shape[2] - taps + 1
    return sum(inputs_BGTM[:, :, tap : tap + tokens] * taps_MC[:, tap] for tap in range(taps))  # type: ignore[return-value]


def _last_inputs(inputs_BGTM: jax.Array, is_real_BGT: jax.Array, count: int) -> jax.Array:
    """Return the last `count` inputs before the first padding token."""
    index_BGC = is_real_BGT.sum(-1)[..., None] + jnp.arange(count)
    return jnp.take_along_axis(inputs_BGTM, index_BGC[..., None], axis=2)
