"""Writes a golden Qwen3 checkpoint and what transformers computes from it.

    python tests/models/golden/make.py        # needs torch

Out: qwen3/config.json and qwen3/model.safetensors as transformers saves them, and expected.safetensors with tokens,
logits, the loss (mean negative log-probability of each next token) and its gradient for every tensor.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import Qwen3Config, Qwen3ForCausalLM


def main() -> None:
    """Make both files beside this script."""
    here = Path(__file__).parent
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=16,
        intermediate_size=48,
        max_position_embeddings=128,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
        tie_word_embeddings=True,
        attn_implementation="eager",
    )
    model = Qwen3ForCausalLM(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    model.save_pretrained(here / "qwen3")
    (here / "qwen3" / "generation_config.json").unlink()
    tokens = torch.randint(0, 64, (2, 24))
    logits = model(tokens).logits
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, 64), tokens[:, 1:].reshape(-1))
    loss.backward()
    expected = {"tokens": tokens.int(), "logits": logits.detach(), "loss": loss.detach()[None]}
    expected |= {f"gradient.{name}": value.grad for name, value in model.named_parameters()}
    save_file({name: value.contiguous() for name, value in expected.items()}, here / "expected.safetensors")


if __name__ == "__main__":
    main()
