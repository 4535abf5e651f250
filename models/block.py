"""One decoder layer as a function of its weights: RMSNorm, attention, RMSNorm, gated mlp.

    x += mixer(rms_norm(x)),   mixer: output(attend(rope(norm(query(n))), rope(norm(key(n))), value(n))),
                               or linear attention
    x += mlp(rms_norm(x)),     mlp: down(silu(gate(m)) * up(m)), or a mixture of experts

The q/k norms (Qwen3) and the biases of projections (Qwen2) apply if the model has them. In a hybrid, the output of full
attention is multiplied by the sigmoid of a gate that is projected together with the queries.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from models.attention import attend
from models.cache import Keys, LayerCache, LayerCaches, RecurrentState
from models.config import ModelConfig
from models.experts import Routing, mixture
from models.fast_attention import Kernel, KeySet
from models.linear_attention import linear_attention, member_state
from models.lora import Lora, project
from models.norm import rms_norm
from models.rope import Rotation, rotate
from models.sharding import constrain


class AttentionContext(NamedTuple):
    """Positions and visibility of the tokens in one call, shared by all layers."""

    prefix_length_B: jax.Array | None
    """Visible keys of each group's prefix; None without a prefix."""
    slot_BGT: jax.Array
    """Suffix slot of each token."""
    rotation: Rotation
    is_real_BGT: jax.Array
    """Tokens that update a recurrent state; the others are padding."""
    starts_BG: jax.Array
    """Members whose suffix is still empty."""
    counted_BGT: jax.Array | None = None
    """Tokens whose routing among experts is counted; None for no count."""
    begin_BGT: jax.Array | None = None
    """If members share rows, the first slot of each token's own member."""
    kernel: Kernel | None = None
    """Attention kernel for calls without a suffix cache; None for the einsum form."""


def block(
    config: ModelConfig,
    w: dict[str, jax.Array],
    x_BGTD: jax.Array,
    caches: LayerCaches,
    context: AttentionContext,
    mesh: Mesh | None,
) -> tuple[jax.Array, LayerCache, Routing | None]:
    """Run one layer.

    Returns the residual stream [B, G, T, D], the layer's suffix cache after these tokens (without one, the chunk's own
    keys or state), and the routing among experts if it is counted.
    """
    prefix, suffix = caches
    normed_BGTD = rms_norm(x_BGTD, w["attention_norm"], config.norm_eps, zero_centred=config.is_hybrid)
    cache: LayerCache
    if "mixed" in w:
        assert not isinstance(prefix, Keys) and not isinstance(suffix, Keys), "linear attention caches a state"
        before = member_state(config, prefix, suffix, context.starts_BG)
        mixed_BGTD, cache = linear_attention(config, w, normed_BGTD, before, context.is_real_BGT, mesh)
    else:
        assert not isinstance(prefix, RecurrentState) and not isinstance(suffix, RecurrentState), (
            "full attention caches keys"
        )
        mixed_BGTD, cache = _attention(config, w, normed_BGTD, prefix, suffix, context, mesh)
    x_BGTD = constrain(x_BGTD + mixed_BGTD, mesh, ("batch", None, None, None))
    normed_BGTD = rms_norm(x_BGTD, w["mlp_norm"], config.norm_eps, zero_centred=config.is_hybrid)
    if config.num_experts:
        mlp_BGTD, routing = mixture(config, w, normed_BGTD, context.counted_BGT, mesh)
    else:
        mlp_BGTD, routing = _mlp(config.lora, w, normed_BGTD, mesh), None
    return constrain(x_BGTD + mlp_BGTD, mesh, ("batch", None, None, None)), cache, routing


def _mlp(lora: Lora, w: dict[str, jax.Array], normed_BGTD: jax.Array, mesh: Mesh | None) -> jax.Array:
    gate_BGTF = project(lora, "bgtd,df->bgtf", normed_BGTD, w, "gate")
    up_BGTF = project(lora, "bgtd,df->bgtf", normed_BGTD, w, "up")
    mlp_BGTF = constrain(jax.nn.silu(gate_BGTF) * up_BGTF, mesh, ("batch", None, None, "mlp"))
    return project(lora, "bgtf,fd->bgtd", mlp_BGTF, w, "down")


def _attention(
    config: ModelConfig,
    w: dict[str, jax.Array],
    normed_BGTD: jax.Array,
    prefix: Keys | None,
    suffix: Keys | None,
    context: AttentionContext,
    mesh: Mesh | None,
) -> tuple[jax.Array, Keys]:
    q_BGTHE, gate_BGTHE, chunk = _project(config, w, normed_BGTD, context.rotation, mesh)
    keys = chunk if suffix is None else _write(suffix, chunk, context.slot_BGT)
    q_BGTKRE = q_BGTHE.reshape(*q_BGTHE.shape[:3], config.num_kv_heads, -1, config.head_dim)
    out_BGTKRE = attend(
        q_BGTKRE,
        suffix=KeySet(keys.k, keys.v, context.slot_BGT, context.begin_BGT),
        prefix=None if prefix is None else KeySet(prefix.k, prefix.v, context.prefix_length_B),
        kernel=context.kernel if suffix is None else None,
    )
    out_BGTHE = out_BGTKRE.reshape(q_BGTHE.shape)
    if gate_BGTHE is not None:
        out_BGTHE = out_BGTHE * jax.nn.sigmoid(gate_BGTHE)
    return project(config.lora, "bgthe,hed->bgtd", out_BGTHE, w, "output"), keys


def _project(
    config: ModelConfig, w: dict[str, jax.Array], normed_BGTD: jax.Array, rotation: Rotation, mesh: Mesh | None
) -> tuple[jax.Array, jax.Array | None, Keys]:
    """Return rotated queries [B, G, T, H, E], their gates (hybrids), and the chunk's rotated keys, and values."""
    lora = config.lora
    q_BGTHE = project(lora, "bgtd,dhe->bgthe", normed_BGTD, w, "query")
    k_BGTKE = project(lora, "bgtd,dke->bgtke", normed_BGTD, w, "key")
    v_BGTKE = project(lora, "bgtd,dke->bgtke", normed_BGTD, w, "value")
    gate_BGTHE = None
    if config.is_hybrid:
        q_BGTHE, gate_BGTHE = jnp.split(q_BGTHE, 2, axis=-1)
    if config.qkv_bias:
        q_BGTHE, k_BGTKE = q_BGTHE + w["query_bias"], k_BGTKE + w["key_bias"]
        v_BGTKE = v_BGTKE + w["value_bias"]
    if config.qk_norm:
        q_BGTHE = rms_norm(q_BGTHE, w["query_norm"], config.norm_eps, zero_centred=config.is_hybrid)
        k_BGTKE = rms_norm(k_BGTKE, w["key_norm"], config.norm_eps, zero_centred=config.is_hybrid)
    q_BGTHE = constrain(rotate(q_BGTHE, rotation), mesh, ("batch", None, None, "heads", None))
    k_BGTKE = constrain(rotate(k_BGTKE, rotation), mesh, ("batch", None, None, "kv_heads", None))
    v_BGTKE = constrain(v_BGTKE, mesh, ("batch", None, None, "kv_heads", None))
    return q_BGTHE, gate_BGTHE, Keys(jnp.moveaxis(k_BGTKE, 2, 4), v_BGTKE.swapaxes(2, 3))


def _write(cache: Keys, new: Keys, slot_BGT: jax.Array) -> Keys:
    """Write each member's new keys and values at its own slots; slots beyond the cache are dropped."""

    def write_member(cache: Keys, new: Keys, slot_T: jax.Array) -> Keys:
        return Keys(
            cache.k.at[:, :, slot_T].set(new.k.astype(cache.k.dtype), mode="drop"),
            cache.v.at[:, slot_T].set(new.v.astype(cache.v.dtype), mode="drop"),
        )

    # Mapped over members, not indexed by them: this shows the compiler that no device writes another one's part.
    return jax.vmap(jax.vmap(write_member))(cache, new, slot_BGT)
