"""Published shapes of Qwen3, to plan a run without its weights. Loading reads config.json, never this."""

from math import prod

from models.config import ModelConfig
from models.tensors import tensors


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


PRESETS: dict[str, ModelConfig] = {
    "Qwen/Qwen3-0.6B": _qwen3(1024, 28, 16, 3072, tied=True),
    "Qwen/Qwen3-1.7B": _qwen3(2048, 28, 16, 6144, tied=True),
    "Qwen/Qwen3-4B": _qwen3(2560, 36, 32, 9728, tied=True),
    "Qwen/Qwen3-8B": _qwen3(4096, 36, 32, 12_288, tied=False),
    "Qwen/Qwen3-14B": _qwen3(5120, 40, 40, 17_408, tied=False),
    "Qwen/Qwen3-32B": _qwen3(5120, 64, 64, 25_600, tied=False),
}


def parameter_count(config: ModelConfig) -> int:
    """Parameters of an architecture; a tied output matrix counts once."""
    return sum(prod(tensor.shape(config)) for tensor in tensors(config))
