"""Hugging Face config.json <-> ModelConfig: what one dense decoder needs to know of its architecture.

In: the parsed config.json of Qwen3, Qwen2 / Qwen2.5 or a Llama-shaped model. Out: a hashable record; the way back gives
the same keys. What differs between the families is read from the config, never from a model's name; what this decoder
does not do is refused by name.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from models.errors import ModelError

# Per model_type: (q/k norm, qkv bias, head_dim where the config gives none, architecture's class name).
_FAMILIES: dict[str, tuple[bool, bool, int | None, str]] = {
    "qwen3": (True, False, 128, "Qwen3ForCausalLM"),
    "qwen2": (False, True, None, "Qwen2ForCausalLM"),
    "llama": (False, False, None, "LlamaForCausalLM"),
}
_REQUIRED = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")

_NUMBERS = (*_REQUIRED, "num_key_value_heads", "head_dim", "max_position_embeddings", "rope_theta", "rms_norm_eps")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape of a dense decoder with grouped-query attention, RoPE, RMSNorm and SwiGLU.

    Raises ModelError if a size is not positive, heads do not share kv heads evenly, or head_dim is odd.
    """

    vocab_size: int
    """Rows of the embedding (V)."""
    hidden_size: int
    """Width of the residual stream (D)."""
    num_layers: int
    """Blocks (L)."""
    num_heads: int
    """Query heads (H)."""
    num_kv_heads: int
    """Key and value heads (K); each serves H / K query heads."""
    head_dim: int
    """Width of one head (E); H * E need not equal D."""
    mlp_size: int
    """Width of the gated mlp (F)."""
    rope_theta: float = 1e6
    """Base of the rotary frequencies."""
    norm_eps: float = 1e-6
    """Added to the mean square in every RMSNorm."""
    tie_embeddings: bool = True
    """The unembedding is the embedding."""
    qk_norm: bool = True
    """RMSNorm over each head's queries and keys before RoPE (Qwen3)."""
    qkv_bias: bool = False
    """Biases on the query, key and value projections (Qwen2, Qwen2.5)."""
    max_positions: int = 32768
    """Longest sequence the model was made for."""
    extra: str = "{}"
    """Keys of the source config.json that the decoder does not read, as JSON text (hashable), for the way back."""

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "hidden_size", "num_layers", "num_heads", "num_kv_heads", "head_dim", "mlp_size")
        for name in (*sizes, "max_positions"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ModelError(f"{name} is {value!r}: expected a positive whole number")
        if self.num_heads % self.num_kv_heads:
            raise ModelError(f"num_heads {self.num_heads} is no multiple of num_kv_heads {self.num_kv_heads}")
        if self.head_dim % 2:
            raise ModelError(f"head_dim {self.head_dim} is odd: rotary embedding turns pairs of dimensions")
        if self.qk_norm and self.qkv_bias:
            raise ModelError("qk_norm and qkv_bias are both set: no known family has both, so it could not be exported")

    @classmethod
    def from_hf(cls, hf: dict[str, Any]) -> "ModelConfig":
        """Read a parsed config.json. Raises ModelError naming every missing key or every unsupported setting."""
        model_type = hf.get("model_type")
        if model_type not in _FAMILIES:
            raise ModelError(f"model_type {model_type!r} is not supported: expected one of {', '.join(_FAMILIES)}")
        missing = [key for key in _REQUIRED if hf.get(key) is None]
        if missing:
            raise ModelError(f"config.json lacks {', '.join(missing)}")
        wrong = [f"{key} is {hf[key]!r}" for key in _NUMBERS if not isinstance(hf.get(key) or 0, int | float)]
        if wrong:
            raise ModelError(f"config.json: {', '.join(wrong)}: expected a number")
        if problems := _unsupported(hf):
            raise ModelError(f"this {model_type} config is not supported: {'; '.join(problems)}")
        qk_norm, qkv_bias, head_dim, _ = _FAMILIES[model_type]
        heads = hf["num_attention_heads"]
        config = cls(
            vocab_size=hf["vocab_size"],
            hidden_size=hf["hidden_size"],
            num_layers=hf["num_hidden_layers"],
            num_heads=heads,
            num_kv_heads=_or(hf.get("num_key_value_heads"), heads),
            head_dim=_or(hf.get("head_dim"), _or(head_dim, hf["hidden_size"] // heads)),
            mlp_size=hf["intermediate_size"],
            # The three families share these defaults in transformers.
            rope_theta=float(_or(hf.get("rope_theta"), _or(_rope(hf).get("rope_theta"), 10000.0))),
            norm_eps=float(_or(hf.get("rms_norm_eps"), 1e-6)),
            tie_embeddings=bool(hf.get("tie_word_embeddings", False)),
            qk_norm=qk_norm,
            qkv_bias=qkv_bias,
            max_positions=_or(hf.get("max_position_embeddings"), 32768),
        )
        written = config.to_hf()
        extra = {key: value for key, value in hf.items() if written.get(key, _ABSENT) != value}
        # Keys that only our own writing adds are named, so that the way back does not invent them.
        absent = sorted(written.keys() - hf.keys())
        return cls(
            **{
                **config.__dict__,
                "extra": json.dumps({**extra, **({_ABSENT: absent} if absent else {})}, sort_keys=True),
            }
        )

    def to_hf(self) -> dict[str, Any]:
        """The config.json of this model: the source's own keys where there was one."""
        family = next(name for name, flags in _FAMILIES.items() if flags[:2] == (self.qk_norm, self.qkv_bias))
        hf: dict[str, Any] = {
            "architectures": [_FAMILIES[family][3]],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "head_dim": self.head_dim,
            "hidden_act": "silu",
            "hidden_size": self.hidden_size,
            "intermediate_size": self.mlp_size,
            "max_position_embeddings": self.max_positions,
            "model_type": family,
            "num_attention_heads": self.num_heads,
            "num_hidden_layers": self.num_layers,
            "num_key_value_heads": self.num_kv_heads,
            "rms_norm_eps": self.norm_eps,
            "rope_theta": self.rope_theta,
            "tie_word_embeddings": self.tie_embeddings,
            "vocab_size": self.vocab_size,
        }
        extra = json.loads(self.extra)
        for key in extra.pop(_ABSENT, ()):
            hf.pop(key)
        return {**hf, **extra}


# No config.json has this key: it lists, inside `extra`, what the source left to defaults.
_ABSENT = "<absent>"


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _rope(hf: dict[str, Any]) -> dict[str, Any]:
    return {**(hf.get("rope_parameters") or {}), **(hf.get("rope_scaling") or {})}


def _is_sliding(hf: dict[str, Any]) -> bool:
    if "sliding_attention" in (hf.get("layer_types") or ()):
        return True
    layers_before = _or(hf.get("max_window_layers"), 28)
    return (
        bool(hf.get("use_sliding_window"))
        and hf.get("sliding_window") is not None
        and layers_before < hf["num_hidden_layers"]
    )


# What would silently compute something else if it were ignored: (setting, is it in use).
_REFUSED: tuple[tuple[str, Callable[[dict[str, Any]], Any]], ...] = (
    ("hidden_act other than silu", lambda hf: hf.get("hidden_act", "silu") != "silu"),
    ("attention_bias (biases that include the output projection)", lambda hf: hf.get("attention_bias")),
    ("mlp_bias", lambda hf: hf.get("mlp_bias")),
    ("sliding-window attention (use_sliding_window / layer_types)", _is_sliding),
    ("rope_scaling", lambda hf: _or(_rope(hf).get("rope_type"), _or(_rope(hf).get("type"), "default")) != "default"),
    (
        "partial_rotary_factor",
        lambda hf: _or(hf.get("partial_rotary_factor"), _or(_rope(hf).get("partial_rotary_factor"), 1)) != 1,
    ),
    ("quantization_config", lambda hf: hf.get("quantization_config")),
    (
        "num_experts (mixture of experts)",
        lambda hf: _or(hf.get("num_experts"), _or(hf.get("num_local_experts"), 0)) > 0,
    ),
)


def _unsupported(hf: dict[str, Any]) -> list[str]:
    problems = [setting for setting, is_used in _REFUSED if is_used(hf)]
    named = hf.get("architectures") or []
    if named and not any(name.endswith("ForCausalLM") for name in named):
        problems.append(f"architectures {named} (expected a ...ForCausalLM)")
    return [f"{problem} = {_rope(hf)}" if problem == "rope_scaling" else problem for problem in problems]
