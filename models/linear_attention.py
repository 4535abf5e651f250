"""Linear attention of a hybrid's layers: projections, a short causal convolution, the gated delta rule, a gated norm.

    [q k v] = silu(conv(x mixed)),   g = -e^(decay_log) softplus(x step + step_bias),   b = sigmoid(x write)
    y = linear_output(rms_norm(delta_rule(q, k, v, g, b)) * silu(x value_gate))

What a layer remembers has a fixed size: the convolution's last inputs and the delta rule's state. A member starts from
its group's prefix; tokens that are not real leave the memory as it is.
"""

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from models.cache import State
from models.config import ModelConfig
from models.gated_delta_rule import delta_rule
from models.lora import project
from models.norm import rms_norm
from models.sharding import constrain


def linear_attention(
    config: ModelConfig,
    w: dict[str, jax.Array],
    normed_BGTD: jax.Array,
    before: State,
    is_real_BGT: jax.Array,
    mesh: Mesh | None,
) -> tuple[jax.Array, State]:
    """What a layer adds to the residual stream, and its memory after the last real token.

    Real tokens of a chunk stand before the others. The memory has a member axis.
    """
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
    out_BGTUW, memory = delta_rule(q_BGTUE, k_BGTUE, v_BGTUW, decay_BGTU, write_BGTU, before.memory)
    gate_BGTUW = project(config.lora, "bgtd,duw->bgtuw", normed_BGTD, w, "value_gate")
    out_BGTUW = rms_norm(out_BGTUW.astype(normed_BGTD.dtype), w["value_norm"], config.norm_eps)
    out_BGTUW = (out_BGTUW * jax.nn.silu(gate_BGTUW.astype(jnp.float32))).astype(normed_BGTD.dtype)
    out_BGTD = project(config.lora, "bgtuw,uwd->bgtd", out_BGTUW, w, "linear_output")
    return out_BGTD, State(_last_inputs(inputs_BGTM, is_real_BGT, config.conv_width - 1), memory)


def member_state(
    config: ModelConfig, shape: tuple[int, ...], prefix: State | None, suffix: State | None, starts_BG: jax.Array
) -> State:
    """The memory that members [B, G] go on from: their own, or where they start (or have none), their group's."""
    if prefix is None:
        heads = (config.linear_value_heads, config.linear_key_dim, config.linear_value_dim)
        shared = State(jnp.zeros((*shape, config.conv_width - 1, config.mixed_size)), jnp.zeros((*shape, *heads)))
    else:
        shared = State(*(jnp.broadcast_to(x[:, None], (*shape, *x.shape[1:])) for x in prefix))
    if suffix is None:
        return shared
    conv = jnp.where(starts_BG[..., None, None], shared.conv, suffix.conv)
    return State(conv, jnp.where(starts_BG[..., None, None, None], shared.memory, suffix.memory))


def _heads(x_BGTM: jax.Array, width: int) -> jax.Array:
    return x_BGTM.reshape(*x_BGTM.shape[:-1], -1, width)


def _convolve(inputs_BGTM: jax.Array, taps_MC: jax.Array) -> jax.Array:
    """Each channel's weighted sum over the last taps; as many outputs as inputs after the first taps - 1."""
    taps = taps_MC.shape[-1]
    tokens = inputs_BGTM.shape[2] - taps + 1
    return sum(inputs_BGTM[:, :, tap : tap + tokens] * taps_MC[:, tap] for tap in range(taps))  # type: ignore[return-value]


def _last_inputs(inputs_BGTM: jax.Array, is_real_BGT: jax.Array, count: int) -> jax.Array:
    """The inputs before the first token that is not real."""
    index_BGC = is_real_BGT.sum(-1)[..., None] + jnp.arange(count)
    return jnp.take_along_axis(inputs_BGTM, index_BGC[..., None], axis=2)
