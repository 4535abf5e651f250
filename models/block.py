"""One decoder layer as a function of its weights: RMSNorm, a mixer of tokens, RMSNorm, a gated mlp.

    x += mix(rms_norm(x)),   output(attend(rope(norm(query(n))), rope(norm(key(n))), value(n))), or linear attention
    x += mlp(rms_norm(x)),   mlp: down(silu(gate(m)) * up(m)), or a mixture of such

The q/k norms (Qwen3) and the projections' biases (Qwen2) are there if the weights are. In a hybrid, attention's output
is multiplied by the sigmoid of a gate that is projected along with the queries.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from models.attention import attend
from models.cache import Keys, Memory, State
from models.config import ModelConfig
from models.experts import Routing, mixture
from models.fast_attention import Kernel
from models.linear_attention import linear_attention, member_state
from models.lora import Lora, project
from models.norm import rms_norm
from models.rope import Rotation, rotate
from models.sharding import constrain


class Sight(NamedTuple):
    """What the tokens of a call are and see, beside the layers' memories."""

    prefix_length_B: jax.Array | None
    slot_BGT: jax.Array
    rotation: Rotation
    is_real_BGT: jax.Array
    """Tokens that a recurrent state takes in."""
    starts_BG: jax.Array
    """Members that have no suffix yet."""
    counted_BGT: jax.Array | None = None
    """Tokens whose routing among experts is counted."""
    begin_BGT: jax.Array | None = None
    """The first slot of each token's own member where members share rows."""
    kernel: Kernel | None = None
    """Attends where no suffix cache is looked back at; None for the form that runs everywhere."""


def block(
    config: ModelConfig,
    w: dict[str, jax.Array],
    x_BGTD: jax.Array,
    prefix: Memory | None,
    suffix: Memory | None,
    sight: Sight,
    mesh: Mesh | None,
) -> tuple[jax.Array, Memory, Routing | None]:
    """Run one layer; returns the residual stream, the suffix memory (the cache, or the chunk's own), and routing."""
    normed_BGTD = rms_norm(x_BGTD, w["attention_norm"], config.norm_eps, zero_centred=config.is_hybrid)
    memory: Memory
    if "mixed" in w:
        assert not isinstance(prefix, Keys) and not isinstance(suffix, Keys), "linear attention remembers a state"
        before = member_state(config, sight.starts_BG.shape, prefix, suffix, sight.starts_BG)
        mixed_BGTD, memory = linear_attention(config, w, normed_BGTD, before, sight.is_real_BGT, mesh)
    else:
        assert not isinstance(prefix, State) and not isinstance(suffix, State), "attention remembers keys"
        mixed_BGTD, memory = _attention(config, w, normed_BGTD, prefix, suffix, sight, mesh)
    x_BGTD = constrain(x_BGTD + mixed_BGTD, mesh, ("batch", None, None, None))
    normed_BGTD = rms_norm(x_BGTD, w["mlp_norm"], config.norm_eps, zero_centred=config.is_hybrid)
    if config.num_experts:
        mlp_BGTD, routing = mixture(config, w, normed_BGTD, sight.counted_BGT, mesh)
    else:
        mlp_BGTD, routing = _mlp(config.lora, w, normed_BGTD, mesh), None
    return constrain(x_BGTD + mlp_BGTD, mesh, ("batch", None, None, None)), memory, routing


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
    sight: Sight,
    mesh: Mesh | None,
) -> tuple[jax.Array, Keys]:
    q_BGTHE, gate_BGTHE, own = _project(config, w, normed_BGTD, sight.rotation, mesh)
    slot_BGT = sight.slot_BGT
    keys = own if suffix is None else _write(suffix, own, slot_BGT)
    heads = (*q_BGTHE.shape[:3], config.num_kv_heads, -1, config.head_dim)
    shared_k, shared_v = (None, None) if prefix is None else prefix
    kernel = sight.kernel if suffix is None else None
    q_BGTKRE, length_B = q_BGTHE.reshape(heads), sight.prefix_length_B
    begin_BGT = sight.begin_BGT
    out_BGTKRE = attend(q_BGTKRE, shared_k, shared_v, length_B, keys.k, keys.v, slot_BGT, kernel, begin_BGT)
    out_BGTHE = out_BGTKRE.reshape(q_BGTHE.shape)
    if gate_BGTHE is not None:
        out_BGTHE = out_BGTHE * jax.nn.sigmoid(gate_BGTHE)
    return project(config.lora, "bgthe,hed->bgtd", out_BGTHE, w, "output"), keys


def _project(
    config: ModelConfig, w: dict[str, jax.Array], normed_BGTD: jax.Array, turn: Rotation, mesh: Mesh | None
) -> tuple[jax.Array, jax.Array | None, Keys]:
    """Queries [B, G, T, H, E], their gates, the chunk's keys and values, turned to their positions."""
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
    q_BGTHE = constrain(rotate(q_BGTHE, turn), mesh, ("batch", None, None, "heads", None))
    k_BGTKE = constrain(rotate(k_BGTKE, turn), mesh, ("batch", None, None, "kv_heads", None))
    v_BGTKE = constrain(v_BGTKE, mesh, ("batch", None, None, "kv_heads", None))
    return q_BGTHE, gate_BGTHE, Keys(jnp.moveaxis(k_BGTKE, 2, 4), v_BGTKE.swapaxes(2, 3))


def _write(cache: Keys, new: Keys, slot_BGT: jax.Array) -> Keys:
    """Put each member's new keys and values at its own slots; slots beyond the cache are dropped."""

    def own(k_KES: jax.Array, v_KSE: jax.Array, k_KET: jax.Array, v_KTE: jax.Array, slot_T: jax.Array) -> Keys:
        return Keys(
            k_KES.at[:, :, slot_T].set(k_KET.astype(k_KES.dtype), mode="drop"),
            v_KSE.at[:, slot_T].set(v_KTE.astype(v_KSE.dtype), mode="drop"),
        )

    # Mapped over members, not indexed by them: so the compiler knows that no device writes what another one holds.
    return jax.vmap(jax.vmap(own))(*cache, *new, slot_BGT)
