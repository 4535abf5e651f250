"""One GRPO gradient in plain PyTorch on transformers' Qwen3: seconds, loss and gradient norm as one line of JSON.

usage: torch_step.py '{"checkpoint": DIR, "batch": FILE.npz, "repeats": 5, "clip_low": 0.2, "clip_high": 0.28, ...}'

Every member is a whole row, prompt and suffix. Only suffix positions go through the output layer. `device` and `dtype`
select where and in which precision it computes; `micro` is the number of rows per forward and backward pass (default:
all).
"""

import json
import sys
import time
from statistics import median

import numpy as np
import torch
from transformers import Qwen3ForCausalLM


def main() -> None:
    """Measure and print."""
    options = json.loads(sys.argv[1])
    device, dtype = options.get("device", "cpu"), getattr(torch, options.get("dtype", "float32"))
    model = Qwen3ForCausalLM.from_pretrained(options["checkpoint"], dtype=dtype).to(device)
    if options.get("checkpointing"):
        model.gradient_checkpointing_enable()
        model.train()
    arrays = np.load(options["batch"])
    prefix_P, suffix_GT = arrays["prefix_BP"][0], arrays["suffix_BGT"][0]
    members, prefix = len(suffix_GT), len(prefix_P)
    whole_GN = np.concatenate([np.repeat(prefix_P[None], members, axis=0), suffix_GT], axis=1)
    rows_GN = torch.tensor(whole_GN, dtype=torch.long, device=device)
    behaviour_GT = torch.tensor(arrays["behaviour_BGT"][0], device=device)
    sampled_GT = torch.tensor(arrays["sampled_BGT"][0], device=device)
    advantage_G = torch.tensor(arrays["advantage_BG"][0], device=device)
    micro = options.get("micro") or members

    def step() -> float:
        model.zero_grad(set_to_none=True)
        total = 0.0
        for begin in range(0, members, micro):
            part = slice(begin, begin + micro)
            hidden_GND = model.model(rows_GN[part], use_cache=False).last_hidden_state
            logits_GTV = model.lm_head(hidden_GND[:, prefix - 1 : -1]).float()
            logprob_GTV = torch.log_softmax(logits_GTV, dim=-1)
            logprob_GT = logprob_GTV.gather(-1, rows_GN[part, prefix:, None])[..., 0]
            ratio_GT = torch.exp(logprob_GT - behaviour_GT[part])
            clipped_GT = ratio_GT.clamp(1 - options["clip_low"], 1 + options["clip_high"])
            advantage_G1 = advantage_G[part, None]
            gain_GT = torch.minimum(ratio_GT * advantage_G1, clipped_GT * advantage_G1)
            loss = -(gain_GT * sampled_GT[part]).sum() / sampled_GT.sum()
            loss.backward()
            total += float(loss.detach())
        return total

    loss = step()
    norm = float(torch.nn.utils.get_total_norm([p.grad.float() for p in model.parameters() if p.grad is not None]))
    times = []
    for _ in range(options["repeats"]):
        began, began_cpu = time.perf_counter(), time.process_time()
        step()
        times.append((time.perf_counter() - began, time.process_time() - began_cpu))
    wall, cpu = (median(column) for column in zip(*times, strict=True))
    figures = {"wall": wall, "cpu": cpu, "loss": loss, "norm": norm}
    if device == "cuda":
        figures["peak_bytes"] = torch.cuda.max_memory_allocated()
    print(json.dumps(figures))


main()
