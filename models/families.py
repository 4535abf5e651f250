"""Model families: the defaults a model_type implies, and checks that a config.json is supported.

Differences between families are read from the config, never from a model's name. Settings that would silently change
the computation if they were ignored are rejected by name.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from models.config_schema import check_values
from models.errors import ModelError


class Family(NamedTuple):
    """Properties that a model_type implies beyond the keys of its config.json."""

    architecture: str
    """Name of the class in transformers."""
    qk_norm: bool
    qkv_bias: bool
    head_dim: int | None
    """Default if the config has none; None: hidden size / heads."""
    needs: tuple[str, ...] = ()
    """Required keys beyond those of every family."""


MIXTURE, HYBRID = "qwen3_moe", "qwen3_5_text"
_LINEAR = ("linear_num_key_heads", "linear_num_value_heads", "linear_key_head_dim", "linear_value_head_dim")

FAMILIES: dict[str, Family] = {
    "qwen3": Family("Qwen3ForCausalLM", True, False, 128),
    "qwen2": Family("Qwen2ForCausalLM", False, True, None),
    "llama": Family("LlamaForCausalLM", False, False, None),
    MIXTURE: Family("Qwen3MoeForCausalLM", True, False, None, ("moe_intermediate_size", "num_experts_per_tok")),
    HYBRID: Family("Qwen3_5ForCausalLM", True, False, 256, (*_LINEAR, "linear_conv_kernel_dim")),
}
WRAPPERS = {"qwen3_5": HYBRID}
"""Model types whose config nests a text model's config in `text_config`, next to a vision tower's."""

_REQUIRED = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")


def check(hf: dict[str, Any]) -> Family:
    """Return the family of a parsed (text) config.json.

    Raises ModelError naming every missing key, wrong value or unsupported setting.
    """
    check_values(hf)
    model_type = hf.get("model_type")
    if model_type not in FAMILIES:
        known = ", ".join((*FAMILIES, *WRAPPERS))
        raise ModelError(f"model_type {model_type!r} is not supported: expected one of {known}")
    family = FAMILIES[model_type]
    missing = [key for key in (*_REQUIRED, *family.needs) if hf.get(key) is None]
    if model_type == MIXTURE and num_experts(hf) == 0:
        missing.append("num_experts")
    if missing:
        raise ModelError(f"config.json lacks {', '.join(missing)}")
    if problems := _unsupported(hf):
        raise ModelError(f"this {model_type} config is not supported: {'; '.join(problems)}")
    return family


def check_wrapper(hf: dict[str, Any]) -> None:
    """Raise ModelError if the config around a text_config has wrong values or unsupported settings."""
    check_values(hf)
    if hf.get("text_config") is None:
        raise ModelError(f"config.json of a {hf['model_type']} lacks text_config")
    if hf.get("quantization_config"):
        raise ModelError(f"this {hf['model_type']} config is not supported: quantization_config")


def rope(hf: dict[str, Any]) -> dict[str, Any]:
    """Return all settings of rotary embedding in a config.

    Precedence as in transformers: the old key rope_scaling replaces the new one, rope_parameters, and values inside it
    take precedence over top-level ones.
    """
    inside = hf.get("rope_scaling") or hf.get("rope_parameters") or {}
    length = hf.get("original_max_position_embeddings")
    top_level = {key: hf[key] for key in ("rope_theta", "partial_rotary_factor") if hf.get(key) is not None}
    return {**top_level, **inside, **({} if length is None else {"original_max_position_embeddings": length})}


def num_experts(hf: dict[str, Any]) -> int:
    """Return the number of experts, under either of its two keys; 0 for a dense model."""
    return hf.get("num_experts") or hf.get("num_local_experts") or 0


def full_attention_every(hf: dict[str, Any]) -> int:
    """Return the period of layers with full attention in a hybrid; 0 if the layers are not periodic."""
    kinds, layers = hf.get("layer_types"), hf["num_hidden_layers"]
    every = hf.get("full_attention_interval") or 4
    if kinds:
        every = kinds.index("full_attention") + 1 if "full_attention" in kinds else 0
    if every < 2 or layers % every:
        return 0
    rule = ["linear_attention"] * (every - 1) + ["full_attention"]
    return every if not kinds or list(kinds) == rule * (layers // every) else 0


def rotary_fraction(hf: dict[str, Any]) -> float:
    """Return the fraction of a head that rotary embedding rotates."""
    default = 0.25 if hf.get("model_type") == HYBRID else 1.0
    factor = rope(hf).get("partial_rotary_factor")
    return default if factor is None else float(factor)


def _is_sliding(hf: dict[str, Any]) -> bool:
    if "sliding_attention" in (hf.get("layer_types") or ()):
        return True
    if _is(MIXTURE, hf):  # transformers windows every layer of a mixture
        return bool(hf.get("use_sliding_window")) and hf.get("sliding_window", 4096) is not None
    layers_before = hf.get("max_window_layers")
    return (
        bool(hf.get("use_sliding_window"))
        and hf.get("sliding_window", 4096) is not None
        and (28 if layers_before is None else layers_before) < hf["num_hidden_layers"]
    )


def _is(family: str, hf: dict[str, Any]) -> bool:
    return hf["model_type"] == family


# Settings that would silently change the computation if they were ignored: (setting, is it in use).
_REJECTED: tuple[tuple[str, Callable[[dict[str, Any]], Any]], ...] = (
    ("hidden_act other than silu", lambda hf: hf.get("hidden_act", "silu") != "silu"),
    ("attention_bias (biases that include the output projection)", lambda hf: hf.get("attention_bias")),
    ("mlp_bias", lambda hf: hf.get("mlp_bias")),
    ("sliding-window attention (use_sliding_window / layer_types)", _is_sliding),
    (
        "layer_types other than full_attention",
        lambda hf: not _is(HYBRID, hf) and set(hf.get("layer_types") or ()) - {"full_attention", "sliding_attention"},
    ),
    ("rope_parameters by layer type", lambda hf: any(isinstance(value, dict) for value in rope(hf).values())),
    ("partial_rotary_factor", lambda hf: not _is(HYBRID, hf) and rotary_fraction(hf) != 1),
    ("quantization_config", lambda hf: hf.get("quantization_config")),
    ("num_experts (mixture of experts)", lambda hf: not _is(MIXTURE, hf) and num_experts(hf) > 0),
    ("mlp_only_layers", lambda hf: _is(MIXTURE, hf) and hf.get("mlp_only_layers")),
    ("decoder_sparse_step other than 1", lambda hf: _is(MIXTURE, hf) and hf.get("decoder_sparse_step", 1) != 1),
    (
        "layer_types that do not repeat: linear attention, then one layer of full attention",
        lambda hf: _is(HYBRID, hf) and not full_attention_every(hf),
    ),
    ("attn_output_gate off", lambda hf: _is(HYBRID, hf) and not hf.get("attn_output_gate", True)),
)


def _unsupported(hf: dict[str, Any]) -> list[str]:
    problems = [setting for setting, is_used in _REJECTED if is_used(hf)]
    named = hf.get("architectures") or []
    if named and not any(name.endswith(("ForCausalLM", "ForConditionalGeneration")) for name in named):
        problems.append(f"architectures {named} (expected a ...ForCausalLM)")
    return problems
