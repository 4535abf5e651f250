"""One decoder layer as a function of its weights: RMSNorm, grouped-query attention with RoPE, gated mlp.

    x += output(attend(rope(norm(query(n)))), rope(norm(key(n))), value(n)),  n = rms_norm(x)
    x += down(silu(gate(m)) * up(m)),                                        m = rms_norm(x)

The q/k norms (Qwen3) and the projections' biases (Qwen2) are there if the weights are.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from models.attention import attend
from models.config import ModelConfig
from models.sharding import constrain


class Keys(NamedTuple):
    """Keys (after RoPE) and values of one layer: prefix [B, K, P, E] or suffix [B, G, K, S, E]."""

    k: jax.Array
    v: jax.Array


class Rotation(NamedTuple):
    """Cosine and sine [B, G, T, E/2] of every position's rotary angles, float32."""

    cos: jax.Array
    sin: jax.Array


def rotation(config: ModelConfig, position_BGT: jax.Array) -> Rotation:
    """Rotary angles: position times theta^(-2i/E), i over pairs of dimensions."""
    half = config.head_dim // 2
    frequency_E = config.rope_theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    angle_BGTE = position_BGT[..., None].astype(jnp.float32) * frequency_E
    return Rotation(jnp.cos(angle_BGTE), jnp.sin(angle_BGTE))


def rotate(x_BGTNE: jax.Array, turn: Rotation) -> jax.Array:
    """Turn dimension pairs (i, i + E/2), Hugging Face's convention, of any number of heads N."""
    cos, sin = turn.cos[..., None, :], turn.sin[..., None, :]
    first, second = jnp.split(x_BGTNE.astype(jnp.float32), 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1).astype(x_BGTNE.dtype)


def rms_norm(x_D: jax.Array, weight_D: jax.Array, eps: float) -> jax.Array:
    """x / sqrt(mean(x^2) + eps) * weight over the last axis; the mean in float32."""
    x32_D = x_D.astype(jnp.float32)
    x32_D = x32_D * jax.lax.rsqrt(jnp.mean(jnp.square(x32_D), axis=-1, keepdims=True) + eps)
    return x32_D.astype(x_D.dtype) * weight_D.astype(x_D.dtype)


def block(
    config: ModelConfig,
    w: dict[str, jax.Array],
    x_BGTD: jax.Array,
    prefix: Keys | None,
    prefix_length_B: jax.Array | None,
    suffix: Keys | None,
    slot_BGT: jax.Array,
    turn: Rotation,
    mesh: Mesh | None,
) -> tuple[jax.Array, Keys]:
    """Run one layer; returns the residual stream and the suffix keys: the cache updated, or the chunk's own."""
    normed_BGTD = rms_norm(x_BGTD, w["attention_norm"], config.norm_eps)
    q_BGTHE, own = _project(config, w, normed_BGTD, turn, mesh)
    keys = own if suffix is None else Keys(_write(suffix.k, own.k, slot_BGT), _write(suffix.v, own.v, slot_BGT))
    heads = (*q_BGTHE.shape[:3], config.num_kv_heads, -1, config.head_dim)
    shared_k, shared_v = (None, None) if prefix is None else prefix
    out_BGTKRE = attend(q_BGTHE.reshape(heads), shared_k, shared_v, prefix_length_B, keys.k, keys.v, slot_BGT)
    x_BGTD = x_BGTD + jnp.einsum("bgthe,hed->bgtd", out_BGTKRE.reshape(q_BGTHE.shape), w["output"])
    x_BGTD = constrain(x_BGTD, mesh, ("batch", None, None, None))
    normed_BGTD = rms_norm(x_BGTD, w["mlp_norm"], config.norm_eps)
    gate_BGTF = jnp.einsum("bgtd,df->bgtf", normed_BGTD, w["gate"])
    up_BGTF = jnp.einsum("bgtd,df->bgtf", normed_BGTD, w["up"])
    mlp_BGTF = constrain(jax.nn.silu(gate_BGTF) * up_BGTF, mesh, ("batch", None, None, "mlp"))
    x_BGTD = x_BGTD + jnp.einsum("bgtf,fd->bgtd", mlp_BGTF, w["down"])
    return constrain(x_BGTD, mesh, ("batch", None, None, None)), keys


def _project(
    config: ModelConfig, w: dict[str, jax.Array], normed_BGTD: jax.Array, turn: Rotation, mesh: Mesh | None
) -> tuple[jax.Array, Keys]:
    """Queries [B, G, T, H, E] and the chunk's keys and values [B, G, K, T, E], turned to their positions."""
    q_BGTHE = jnp.einsum("bgtd,dhe->bgthe", normed_BGTD, w["query"])
    k_BGTKE = jnp.einsum("bgtd,dke->bgtke", normed_BGTD, w["key"])
    v_BGTKE = jnp.einsum("bgtd,dke->bgtke", normed_BGTD, w["value"])
    if config.qkv_bias:
        q_BGTHE, k_BGTKE = q_BGTHE + w["query_bias"], k_BGTKE + w["key_bias"]
        v_BGTKE = v_BGTKE + w["value_bias"]
    if config.qk_norm:
        q_BGTHE = rms_norm(q_BGTHE, w["query_norm"], config.norm_eps)
        k_BGTKE = rms_norm(k_BGTKE, w["key_norm"], config.norm_eps)
    q_BGTHE = constrain(rotate(q_BGTHE, turn), mesh, ("batch", None, None, "heads", None))
    k_BGTKE = constrain(rotate(k_BGTKE, turn), mesh, ("batch", None, None, "kv_heads", None))
    v_BGTKE = constrain(v_BGTKE, mesh, ("batch", None, None, "kv_heads", None))
    return q_BGTHE, Keys(k_BGTKE.swapaxes(2, 3), v_BGTKE.swapaxes(2, 3))


def _write(cache_BGKSE: jax.Array, new_BGKTE: jax.Array, slot_BGT: jax.Array) -> jax.Array:
    """Put each member's new keys at its own slots; slots beyond the cache are dropped."""
    b, g = (index[..., None] for index in jnp.indices(slot_BGT.shape[:2], sparse=True))
    # Indices on both sides of a slice bring the indexed axes to the front: [B, G, T, K, E].
    return cache_BGKSE.at[b, g, :, slot_BGT].set(new_BGKTE.swapaxes(2, 3).astype(cache_BGKSE.dtype), mode="drop")
