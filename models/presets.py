"""Published shapes of Qwen3, Qwen2.5 and Qwen3.5, to plan a run without weights; loading reads config.json instead.

Qwen3.5 shapes cover the text model only, without the vision tower and the multi-token prediction heads.
"""

from dataclasses import replace
from functools import cache
from math import prod

from models.config import ModelConfig
from models.errors import ModelError
from models.weight_table import tensors


def _qwen3(width: int, layers: int, heads: int, mlp: int, tied: bool) -> ModelConfig:
    return ModelConfig(
        vocab_size=151_936,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=8,
        head_dim=128,
        mlp_size=mlp,
        tie_embeddings=tied,
    )


def _qwen3_moe(width: int, layers: int, heads: int, mlp: int, expert: int) -> ModelConfig:
    return ModelConfig(
        vocab_size=151_936,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=4,
        head_dim=128,
        mlp_size=mlp,
        tie_embeddings=False,
        num_experts=128,
        experts_per_token=8,
        expert_size=expert,
    )


def _qwen2_5(width: int, layers: int, heads: int, kv_heads: int, mlp: int, tied: bool) -> ModelConfig:
    return ModelConfig(
        vocab_size=151_936 if tied else 152_064,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=width // heads,
        mlp_size=mlp,
        tie_embeddings=tied,
        qk_norm=False,
        qkv_bias=True,
    )


def _qwen3_5(width: int, layers: int, heads: int, kv_heads: int, mlp: int, value_heads: int, tied: bool) -> ModelConfig:
    return ModelConfig(
        vocab_size=248_320,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=kv_heads,
        head_dim=256,
        mlp_size=mlp,
        rope_theta=1e7,
        rotary_fraction=0.25,
        tie_embeddings=tied,
        full_attention_every=4,
        linear_key_heads=16,
        linear_value_heads=value_heads,
        linear_key_dim=128,
        linear_value_dim=128,
        conv_width=4,
        max_positions=262_144,
    )


PRESETS: dict[str, ModelConfig] = {
    "Qwen/Qwen3-0.6B": _qwen3(1024, 28, 16, 3072, tied=True),
    "Qwen/Qwen3-1.7B": _qwen3(2048, 28, 16, 6144, tied=True),
    "Qwen/Qwen3-4B": _qwen3(2560, 36, 32, 9728, tied=True),
    "Qwen/Qwen3-8B": _qwen3(4096, 36, 32, 12_288, tied=False),
    "Qwen/Qwen3-14B": _qwen3(5120, 40, 40, 17_408, tied=False),
    "Qwen/Qwen3-32B": _qwen3(5120, 64, 64, 25_600, tied=False),
    "Qwen/Qwen3-30B-A3B": _qwen3_moe(2048, 48, 32, 6144, 768),
    "Qwen/Qwen3-235B-A22B": _qwen3_moe(4096, 94, 64, 12_288, 1536),
    "Qwen/Qwen2.5-0.5B": _qwen2_5(896, 24, 14, 2, 4864, tied=True),
    "Qwen/Qwen2.5-1.5B": _qwen2_5(1536, 28, 12, 2, 8960, tied=True),
    "Qwen/Qwen2.5-3B": _qwen2_5(2048, 36, 16, 2, 11_008, tied=True),
    "Qwen/Qwen2.5-7B": _qwen2_5(3584, 28, 28, 4, 18_944, tied=False),
    "Qwen/Qwen2.5-14B": _qwen2_5(5120, 48, 40, 8, 13_824, tied=False),
    "Qwen/Qwen2.5-32B": _qwen2_5(5120, 64, 40, 8, 27_648, tied=False),
    "Qwen/Qwen2.5-72B": _qwen2_5(8192, 80, 64, 8, 29_568, tied=False),
    "Qwen/Qwen3.5-0.8B": _qwen3_5(1024, 24, 8, 2, 3584, 16, tied=True),
    "Qwen/Qwen3.5-2B": _qwen3_5(2048, 24, 8, 2, 6144, 16, tied=True),
    "Qwen/Qwen3.5-4B": _qwen3_5(2560, 32, 16, 4, 9216, 32, tied=True),
    "Qwen/Qwen3.5-9B": _qwen3_5(4096, 32, 16, 4, 12_288, 32, tied=False),
    "Qwen/Qwen3.5-27B": _qwen3_5(5120, 64, 24, 4, 17_408, 48, tied=False),
}


def preset(name: str) -> ModelConfig:
    """Return the published shape of a hub id, with or without organisation. Raises ModelError listing the presets."""
    for known in (name, f"Qwen/{name}"):
        if known in PRESETS:
            return PRESETS[known]
    raise ModelError(f"no preset {name!r}: expected a model directory or one of {', '.join(PRESETS)}")


def parameter_count(config: ModelConfig) -> int:
    """Count the parameters of an architecture; a tied output matrix counts once."""
    config = replace(config, vocab_padding=0)
    return sum(prod(tensor.shape(config)) for tensor in tensors(config))


@cache
def active_parameter_count(config: ModelConfig) -> int:
    """Count the parameters that one token uses: of a mixture's experts only the chosen ones."""
    idle = config.num_experts - config.experts_per_token
    one_expert = 3 * config.hidden_size * config.expert_size
    return parameter_count(config) - config.num_layers * idle * one_expert
