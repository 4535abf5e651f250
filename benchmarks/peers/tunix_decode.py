"""Tunix's vanilla sampler on a random Qwen3, log-probs on: decoding speed as one line of JSON.

usage: tunix_decode.py '{"batch": 8, "prompt": 256, "generate": 128, "cache": 385, ...}'
"""

import json
import os
import sys
import time
from statistics import median

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
from flax import nnx
from tunix.generate.sampler import CacheConfig, Sampler
from tunix.models.qwen3.model import ModelConfig, Qwen3


class Numbers:
    """A tokenizer of decimal numbers."""

    def encode(self, text: str, **_: object) -> list[int]:
        """Return the numbers as tokens."""
        return [int(word) for word in text.split()]

    def decode(self, tokens: list[int], **_: object) -> str:
        """Return the tokens as numbers."""
        return " ".join(str(int(token)) for token in tokens)

    def bos_id(self) -> int:
        """Return a placeholder: nothing is prepended."""
        return 0

    def eos_id(self) -> int:
        """Return the end token."""
        return 1

    def pad_id(self) -> int:
        """Return the padding token."""
        return 0


def main() -> None:
    """Measure and print."""
    options = json.loads(sys.argv[1])
    config = ModelConfig(
        num_layers=options["layers"],
        vocab_size=options["vocab"],
        embed_dim=options["width"],
        hidden_dim=options["mlp"],
        num_heads=options["heads"],
        head_dim=options["head"],
        num_kv_heads=options["kv_heads"],
        rope_theta=1_000_000,
        norm_eps=1e-6,
        use_tied_embedding=True,
    )
    cache = CacheConfig(options["cache"], options["layers"], options["kv_heads"], options["head"])
    sampler = Sampler(Qwen3(config, rngs=nnx.Rngs(0)), Numbers(), cache)
    tokens_BP = np.random.default_rng(0).integers(2, options["vocab"], (options["batch"], options["prompt"]))
    prompts = [" ".join(map(str, row)) for row in tokens_BP]

    def call(tokens: int, seed: int) -> tuple[float, float, int]:
        began, began_cpu = time.perf_counter(), time.process_time()
        output = sampler(
            prompts,
            max_generation_steps=tokens,
            max_prompt_length=options["prompt"],
            temperature=1.0,
            top_p=1.0,
            top_k=None,
            seed=jax.random.PRNGKey(seed),
            return_logprobs=True,
            eos_tokens=[options["vocab"] + 1],
            echo=False,
        )
        written = sum(len(row) for row in output.tokens)
        return time.perf_counter() - began, time.process_time() - began_cpu, written

    call(1, 0)
    call(options["generate"], 0)
    pairs = [(call(options["generate"], n), call(1, n)) for n in range(options["repeats"])]
    wall, cpu, written = (
        median(whole[n] for whole, _ in pairs) - median(single[n] for _, single in pairs) for n in range(3)
    )
    print(json.dumps({"per_cpu_second": written / cpu, "per_wall_second": written / wall}))


if __name__ == "__main__":
    main()
