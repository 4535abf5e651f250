"""Write golden checkpoints and the results that transformers computes from them.

    python tests/models/golden/make.py qwen3_moe qwen3_5_text      # needs torch; without names: all

Writes for each family NAME/config.json and NAME/model.safetensors, as transformers saves them, and a file of expected
results: tokens, logits, the loss (mean negative log-probability of each next token) and gradients. For qwen3
(expected.safetensors next to this script) these are of every tensor, for the others of the embedding, into which all
gradients flow.
"""

import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

SHAPE = {
    "vocab_size": 64,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "intermediate_size": 48,
    "max_position_embeddings": 128,
    "rope_parameters": {"rope_type": "default", "rope_theta": 500.0},
    "tie_word_embeddings": True,
    "attn_implementation": "eager",
}
LINEAR = {"linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_key_head_dim": 8, "linear_value_head_dim": 8}
PARTIAL = {"rope_parameters": SHAPE["rope_parameters"] | {"partial_rotary_factor": 0.25, "mrope_section": [1, 1, 0]}}
FAMILIES = {
    "qwen3": ("Qwen3Config", "Qwen3ForCausalLM", {}),
    "qwen3_moe": (
        "Qwen3MoeConfig",
        "Qwen3MoeForCausalLM",
        {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "norm_topk_prob": True},
    ),
    "qwen3_5_text": ("Qwen3_5TextConfig", "Qwen3_5ForCausalLM", {**LINEAR, **PARTIAL, "full_attention_interval": 2}),
}


def main(names: list[str]) -> None:
    """Write the files of each family next to this script."""
    here = Path(__file__).parent
    for name in names or FAMILIES:
        kind, model_kind, changes = FAMILIES[name]
        torch.manual_seed(0)
        config = getattr(transformers, kind)(**{**SHAPE, **changes})
        model = getattr(transformers, model_kind)(config).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
        model.save_pretrained(here / name)
        (here / name / "generation_config.json").unlink(missing_ok=True)
        tokens = torch.randint(0, 64, (2, 24))
        logits = model(tokens).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].reshape(-1, 64), tokens[:, 1:].reshape(-1))
        loss.backward()
        expected = {"tokens": tokens.int(), "logits": logits.detach(), "loss": loss.detach()[None]}
        prefixes = ("",) if name == "qwen3" else ("model.embed_tokens.weight",)
        gradients = {n: value.grad for n, value in model.named_parameters() if n.startswith(prefixes)}
        expected |= {f"gradient.{n}": gradient for n, gradient in gradients.items()}
        file = here / ("expected.safetensors" if name == "qwen3" else f"{name}.safetensors")
        save_file({n: value.contiguous() for n, value in expected.items()}, file)


if __name__ == "__main__":
    main(sys.argv[1:])
