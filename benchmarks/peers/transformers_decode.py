"""transformers' `generate` on a random Qwen3, static batch, log-probs on: decoding speed as one line of JSON.

usage: transformers_decode.py '{"batch": 8, "prompt": 256, "generate": 128, ...}'

`device` and `dtype` select where and in which precision it computes; with `"logprobs": false` it keeps no scores.
"""

import json
import sys
import time
from statistics import median

import torch
from transformers import GenerationConfig, Qwen3Config, Qwen3ForCausalLM


def main() -> None:
    """Measure and print."""
    options = json.loads(sys.argv[1])
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=options["vocab"],
        hidden_size=options["width"],
        num_hidden_layers=options["layers"],
        num_attention_heads=options["heads"],
        num_key_value_heads=options["kv_heads"],
        head_dim=options["head"],
        intermediate_size=options["mlp"],
        tie_word_embeddings=True,
    )
    device, dtype = options.get("device", "cpu"), getattr(torch, options.get("dtype", "float32"))
    scores = options.get("logprobs", True)
    model = Qwen3ForCausalLM(config).to(device, dtype).eval()
    prompts = torch.randint(2, options["vocab"], (options["batch"], options["prompt"]), device=device)

    def call(tokens: int) -> tuple[float, float]:
        how = GenerationConfig(
            do_sample=True, temperature=1.0, top_k=0, top_p=1.0, pad_token_id=0, eos_token_id=None,
            max_new_tokens=tokens, min_new_tokens=tokens, output_scores=scores, return_dict_in_generate=True,
        )  # fmt: skip
        began, began_cpu = time.perf_counter(), time.process_time()
        with torch.inference_mode():
            output = model.generate(prompts, attention_mask=torch.ones_like(prompts), generation_config=how)
            if scores:
                model.compute_transition_scores(output.sequences, output.scores, normalize_logits=True)
        if device == "cuda":
            torch.cuda.synchronize()
        assert output.sequences.shape[1] == options["prompt"] + tokens
        return time.perf_counter() - began, time.process_time() - began_cpu

    call(1)
    pairs = [(call(options["generate"]), call(1)) for _ in range(options["repeats"])]
    wall, cpu = (median(whole[n] for whole, _ in pairs) - median(single[n] for _, single in pairs) for n in (0, 1))
    tokens = options["batch"] * (options["generate"] - 1)
    print(json.dumps({"per_cpu_second": tokens / cpu, "per_wall_second": tokens / wall}))


main()
