"""Model architecture, read from and written to a Hugging Face config.json.

`ModelConfig.from_hf` reads the parsed config.json of Qwen3 (dense or mixture of experts), Qwen3.5, Qwen2 / Qwen2.5 or a
Llama-shaped model; `to_hf` writes the same keys back. `families.py` has the families.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from models import families
from models.errors import ModelError
from models.families import FAMILIES, HYBRID, MIXTURE, WRAPPERS
from models.lora import Lora
from models.rope import RopeScaling, read_scaling, write_scaling

_SIZES = ("vocab_size", "hidden_size", "num_layers", "num_heads", "num_kv_heads", "head_dim", "mlp_size")
_EXPERTS = ("num_experts", "experts_per_token", "expert_size")
_LINEAR = ("linear_key_heads", "linear_value_heads", "linear_key_dim", "linear_value_dim", "conv_width")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Architecture of a decoder with grouped-query attention, RoPE, RMSNorm and SwiGLU, with its family's options.

    Raises ModelError if a size is not positive, num_heads is not a multiple of num_kv_heads, head_dim is odd, or
    settings of two families are mixed.
    """

    vocab_size: int
    """Rows of the embedding (V)."""
    hidden_size: int
    """Width of the residual stream (D)."""
    num_layers: int
    """Layers (L)."""
    num_heads: int
    """Query heads (H)."""
    num_kv_heads: int
    """Key and value heads (K); each serves H / K query heads."""
    head_dim: int
    """Width of one head (E); H * E need not equal D."""
    mlp_size: int
    """Width of the gated mlp (F); unused in a mixture of experts, whose config has it too."""
    rope_theta: float = 1e6
    """Base of the rotary frequencies."""
    rope_scaling: RopeScaling | None = None
    """Scaling of the frequencies for longer sequences; None for plain RoPE."""
    rotary_fraction: float = 1.0
    """Fraction of a head that rotary embedding rotates (Qwen3.5: a quarter)."""
    norm_eps: float = 1e-6
    """Added to the mean square in every RMSNorm."""
    tie_embeddings: bool = True
    """Whether the unembedding is the embedding."""
    qk_norm: bool = True
    """RMSNorm over each head's queries and keys before RoPE (Qwen3)."""
    qkv_bias: bool = False
    """Biases on the query, key and value projections (Qwen2, Qwen2.5)."""
    num_experts: int = 0
    """Experts of a layer (X); 0 for a dense mlp."""
    experts_per_token: int = 0
    """Experts that a token is routed to."""
    expert_size: int = 0
    """Width of one expert."""
    normalize_topk: bool = True
    """Whether the weights of a token's experts are normalised to sum to 1."""
    full_attention_every: int = 1
    """Period of layers with full attention; the others have linear attention (Qwen3.5)."""
    linear_key_heads: int = 0
    """Query and key heads of linear attention."""
    linear_value_heads: int = 0
    """Value heads of linear attention (U); several may share a key head."""
    linear_key_dim: int = 0
    """Width of one query or key of linear attention."""
    linear_value_dim: int = 0
    """Width of one value of linear attention (W)."""
    conv_width: int = 0
    """Taps of linear attention's short convolution."""
    is_wrapped: bool = False
    """Whether the checkpoint nests the text model next to a vision tower, which adds a level to names and config."""
    max_positions: int = 32768
    """Longest sequence that the model supports."""
    vocab_padding: int = 0
    """Rows that pad embedding and unembedding so that a mesh divides them; never used and never saved."""
    lora: Lora = field(default_factory=Lora)
    """Adapters of frozen weights; not part of config.json."""
    extra: str = "{}"
    """Keys of the source config.json that the decoder does not read, as JSON text (hashable), for `to_hf`."""

    def __post_init__(self) -> None:
        more = (_EXPERTS if self.num_experts else ()) + (_LINEAR if self.is_hybrid else ())
        for name in (*_SIZES, *more, "max_positions", "full_attention_every"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ModelError(f"{name} is {value!r}: expected a positive integer")
        if self.num_heads % self.num_kv_heads:
            raise ModelError(f"num_heads {self.num_heads} is not a multiple of num_kv_heads {self.num_kv_heads}")
        if self.head_dim % 2 or self.rotary_dims % 2:
            raise ModelError(f"head_dim {self.head_dim} is odd: rotary embedding rotates pairs of dimensions")
        if self.qk_norm and self.qkv_bias:
            raise ModelError(
                "qk_norm and qkv_bias are both set: no supported family has both, so the model could not be exported"
            )
        if (self.num_experts or self.is_hybrid) and not self.qk_norm or (self.num_experts and self.is_hybrid):
            raise ModelError(
                "experts and linear attention need qk_norm and exclude each other in every supported family"
            )
        if self.experts_per_token > self.num_experts:
            raise ModelError(f"experts_per_token {self.experts_per_token} is more than num_experts {self.num_experts}")
        if self.num_layers % self.full_attention_every:
            every = self.full_attention_every
            raise ModelError(f"num_layers {self.num_layers} is not a multiple of full_attention_every {every}")
        if self.is_hybrid and self.linear_value_heads % self.linear_key_heads:
            keys, values = self.linear_key_heads, self.linear_value_heads
            raise ModelError(f"linear_value_heads {values} is not a multiple of linear_key_heads {keys}")

    @property
    def is_hybrid(self) -> bool:
        """True if some layers have linear attention; then full attention is gated and norms are zero-centred."""
        return self.full_attention_every > 1

    @property
    def rotary_dims(self) -> int:
        """Dimensions of a head that rotary embedding rotates."""
        return int(self.head_dim * self.rotary_fraction)

    @property
    def mixed_size(self) -> int:
        """Channels of linear attention's convolution (M): queries, keys and values of all heads."""
        return 2 * self.linear_key_heads * self.linear_key_dim + self.linear_value_heads * self.linear_value_dim

    @property
    def num_full_layers(self) -> int:
        """Number of layers with full attention."""
        return self.num_layers // self.full_attention_every

    def is_full(self, layer: int) -> bool:
        """Return True if a layer (counted from 0) has full attention."""
        return (layer + 1) % self.full_attention_every == 0

    @property
    def family(self) -> str:
        """The model_type that config.json gives the (text) model."""
        if self.num_experts or self.is_hybrid:
            return MIXTURE if self.num_experts else HYBRID
        flags = (self.qk_norm, self.qkv_bias)
        return next(name for name, family in FAMILIES.items() if (family.qk_norm, family.qkv_bias) == flags)

    @classmethod
    def from_hf(cls, hf: dict[str, Any]) -> "ModelConfig":
        """Read a parsed config.json. Raises ModelError naming every missing key or every unsupported setting."""
        if not isinstance(hf.get("model_type"), str) or hf["model_type"] not in WRAPPERS:
            return _read(hf)
        families.check_wrapper(hf)
        text = hf["text_config"]
        outer = {key: value for key, value in hf.items() if key != "text_config"}
        # The outer config takes precedence, as in transformers.
        tied = bool(outer.get("tie_word_embeddings", text.get("tie_word_embeddings", False)))
        config = _read(text, is_wrapped=True, tie_embeddings=tied)
        return replace(config, extra=json.dumps({**json.loads(config.extra), _OUTER: outer}, sort_keys=True))

    def to_hf(self) -> dict[str, Any]:
        """Return the config.json of this model, with the keys of its source if it was read from one."""
        hf = _written(self)
        extra = json.loads(self.extra)
        outer = extra.pop(_OUTER, None)
        for key in extra.pop(_ABSENT, ()):
            hf.pop(key, None)
        hf = {**hf, **extra}
        return hf if outer is None else {**outer, "text_config": hf}


# Keys that no config.json has. Inside `extra`, the first lists keys that the source left to defaults, the second holds
# the config around a text_config.
_ABSENT = "<absent>"
_OUTER = "<outer>"


def _read(hf: dict[str, Any], **forced: Any) -> ModelConfig:
    """Read the config of a text model, with some fields overridden."""
    family = families.check(hf)
    heads = hf["num_attention_heads"]
    max_positions = _or(hf.get("max_position_embeddings"), 32768)
    rope = families.rope(hf)
    config = ModelConfig(
        vocab_size=hf["vocab_size"],
        hidden_size=hf["hidden_size"],
        num_layers=hf["num_hidden_layers"],
        num_heads=heads,
        num_kv_heads=_or(hf.get("num_key_value_heads"), heads),
        head_dim=_or(hf.get("head_dim"), _or(family.head_dim, hf["hidden_size"] // heads)),
        mlp_size=hf["intermediate_size"],
        # The families share these defaults in transformers.
        rope_theta=float(_or(rope.get("rope_theta"), 10000.0)),
        rope_scaling=read_scaling(rope, max_positions),
        rotary_fraction=families.rotary_fraction(hf),
        norm_eps=float(_or(hf.get("rms_norm_eps"), 1e-6)),
        tie_embeddings=bool(hf.get("tie_word_embeddings", False)),
        qk_norm=family.qk_norm,
        qkv_bias=family.qkv_bias,
        max_positions=max_positions,
        **(_mixture(hf) if hf["model_type"] == MIXTURE else _hybrid(hf) if hf["model_type"] == HYBRID else {}),
    )
    config = replace(config, **forced)
    written = _written(config)
    extra = {key: value for key, value in hf.items() if written.get(key, _ABSENT) != value}
    # Keys that only `_written` adds are listed, so that `to_hf` can leave them out.
    absent = sorted(written.keys() - hf.keys())
    return replace(config, extra=json.dumps({**extra, **({_ABSENT: absent} if absent else {})}, sort_keys=True))


def _mixture(hf: dict[str, Any]) -> dict[str, Any]:
    return {
        "num_experts": families.num_experts(hf),
        "experts_per_token": hf["num_experts_per_tok"],
        "expert_size": hf["moe_intermediate_size"],
        "normalize_topk": bool(hf.get("norm_topk_prob", False)),
    }


def _hybrid(hf: dict[str, Any]) -> dict[str, Any]:
    return {
        "full_attention_every": families.full_attention_every(hf),
        "linear_key_heads": hf["linear_num_key_heads"],
        "linear_value_heads": hf["linear_num_value_heads"],
        "linear_key_dim": hf["linear_key_head_dim"],
        "linear_value_dim": hf["linear_value_head_dim"],
        "conv_width": hf["linear_conv_kernel_dim"],
    }


def _written(config: ModelConfig) -> dict[str, Any]:
    """Return the config.json of a model without a source."""
    hf: dict[str, Any] = {
        "architectures": [FAMILIES[config.family].architecture],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "hidden_size": config.hidden_size,
        "intermediate_size": config.mlp_size,
        "max_position_embeddings": config.max_positions,
        "model_type": config.family,
        "num_attention_heads": config.num_heads,
        "num_hidden_layers": config.num_layers,
        "num_key_value_heads": config.num_kv_heads,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": config.rope_theta,
        "tie_word_embeddings": config.tie_embeddings,
        "vocab_size": config.vocab_size,
    }
    if config.rope_scaling is not None:
        hf["rope_scaling"] = write_scaling(config.rope_scaling)
    if config.num_experts:
        hf |= {"num_experts": config.num_experts, "num_experts_per_tok": config.experts_per_token}
        hf |= {"moe_intermediate_size": config.expert_size, "norm_topk_prob": config.normalize_topk}
    if config.is_hybrid:
        hf |= {"full_attention_interval": config.full_attention_every, "partial_rotary_factor": config.rotary_fraction}
        hf |= {"linear_num_key_heads": config.linear_key_heads, "linear_num_value_heads": config.linear_value_heads}
        hf |= {"linear_key_head_dim": config.linear_key_dim, "linear_value_head_dim": config.linear_value_dim}
        hf |= {"linear_conv_kernel_dim": config.conv_width}
    return hf


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value
