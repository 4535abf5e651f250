"""Decoding, ours against peers and grouped against ungrouped: `python benchmarks/decode.py [--repeats 5]`.

Uses a random Qwen3 of 4 layers, width 256, vocabulary 4096, float32. Every sequence has its own prompt, as the peers
require, and is sampled at temperature 1 with log-probs; nothing stops early. Figures are tokens per CPU (and per wall)
second of decoding alone: for the peers, the time of a whole call minus that of a call for one token; for ours, the time
of `decode`.

Grouped: 8 members share one prompt; ungrouped: the same 8 prompts as 8 groups of one.
"""

import argparse
import json
from typing import Any

import jax
import numpy as np
from flax import nnx
from peer import TRANSFORMERS, TUNIX, ask
from stopwatch import Seconds, middle, once

import models
from jaxrlvr.sampling.sampler import DecodeLimits, Sampler, keys

CONFIG = models.ModelConfig(
    vocab_size=4096, hidden_size=256, num_layers=4, num_heads=4, num_kv_heads=2, head_dim=64, mlp_size=1024
)
LONG_CACHE = 2048


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--prompt", type=int, default=256)
    parser.add_argument("--generate", type=int, default=128)
    parser.add_argument("--batch", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--shared", type=int, nargs="*", default=[256, 1024, 2048], help="prompt lengths when grouped")
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true", help="measure only ours; installs nothing")
    options = parser.parse_args()
    figures: dict[str, Any] = {"options": vars(options), "jax": jax.__version__}
    graphdef, params = nnx.split(models.Decoder(CONFIG, rngs=nnx.Rngs(0)))
    for batch in options.batch:
        figures[f"batch_{batch}"] = row = against_peers(graphdef, params, batch, options)
        speeds = [f"{name} {speed['per_cpu_second']:.0f}" for name, speed in row.items() if isinstance(speed, dict)]
        ratios = [f"{name} {value:.2f}" for name, value in row.items() if isinstance(value, float)]
        print(
            f"batch {batch}, tokens per CPU second: {', '.join(speeds)}; {', '.join(ratios) or 'no peers'}", flush=True
        )
    for prompt in options.shared:
        figures[f"shared_{prompt}"] = row = grouped(graphdef, params, prompt, options)
        print(
            f"prompt {prompt}, {options.members} members: grouped {row['grouped']['per_cpu_second']:.0f}, "
            f"ungrouped {row['ungrouped']['per_cpu_second']:.0f} tokens per CPU second: {row['cpu_ratio']:.2f} times",
            flush=True,
        )
    print(json.dumps(figures))


def against_peers(graphdef: Any, params: Any, batch: int, options: argparse.Namespace) -> dict[str, Any]:
    """Measure ours and the peers, and return speeds and the ratios of ours to each in tokens per CPU second."""
    run = Decoding(graphdef, params, batch, 1, options.prompt, options.generate)
    run.seconds()
    row: dict[str, Any] = {"ours": run.speed([run.seconds() for _ in range(options.repeats)])}
    if options.no_peers:
        return row
    shape = {"vocab": CONFIG.vocab_size, "width": CONFIG.hidden_size, "layers": CONFIG.num_layers}
    shape |= {"heads": CONFIG.num_heads, "kv_heads": CONFIG.num_kv_heads, "head": CONFIG.head_dim}
    peer_options = {"mlp": CONFIG.mlp_size, "batch": batch, "repeats": options.repeats, **shape}
    peer_options |= {"prompt": options.prompt, "generate": options.generate}
    tight = options.prompt + options.generate + 1
    row["tunix_tight"] = ask("tunix", TUNIX, "tunix_decode.py", peer_options | {"cache": tight})
    row["tunix_long"] = ask("tunix", TUNIX, "tunix_decode.py", peer_options | {"cache": max(tight, LONG_CACHE)})
    row["transformers"] = ask("transformers", TRANSFORMERS, "transformers_decode.py", peer_options)
    ours = row["ours"]["per_cpu_second"]
    return row | {f"over_{name}": ours / row[name]["per_cpu_second"] for name in list(row) if name != "ours"}


def grouped(graphdef: Any, params: Any, prompt: int, options: argparse.Namespace) -> dict[str, Any]:
    """Compare one group of all members with as many groups of one, on the same prompts, alternating."""
    runs = {
        "grouped": Decoding(graphdef, params, 1, options.members, prompt, options.generate),
        "ungrouped": Decoding(graphdef, params, options.members, 1, prompt, options.generate),
    }
    times: dict[str, list[Seconds]] = {name: [] for name in runs}
    for number in range(options.repeats + 1):
        for name, run in runs.items():
            seconds = run.seconds()
            if number:  # the first call compiles
                times[name].append(seconds)
    row: dict[str, Any] = {name: run.speed(times[name]) for name, run in runs.items()}
    for kind in ("cpu", "wall"):
        row[f"{kind}_ratio"] = row["grouped"][f"per_{kind}_second"] / row["ungrouped"][f"per_{kind}_second"]
    return row


class Decoding:
    """One sampler on one random prompt per group, shared by the group's members."""

    def __init__(self, graphdef: Any, params: Any, groups: int, members: int, prompt: int, generate: int) -> None:
        self.groups, self.members, self.generate = groups, members, generate
        self.sampler = Sampler(graphdef, (prompt,), (generate,), 64, stop_token=-1, pad_token=0)
        self.model = self.sampler.prepare_weights(params)
        self.prompts = np.random.default_rng(0).integers(2, CONFIG.vocab_size, (groups, prompt)).tolist()

    def seconds(self) -> Seconds:
        """Return the time of decoding, excluding the prefill."""
        prefix, state = jax.block_until_ready(self.sampler.prefill(self.model, self.prompts, self.members))
        limits = DecodeLimits(np.full((self.groups, self.members), self.generate))
        key_BG = keys(0, 1, range(self.groups), self.members)
        return once(lambda: jax.block_until_ready(self.sampler.decode(self.model, prefix, state, limits, key_BG, 1.0)))

    def speed(self, times: list[Seconds]) -> dict[str, float]:
        """Return tokens per second at the median."""
        tokens, seconds = self.groups * self.members * self.generate, middle(times)
        return {"per_cpu_second": tokens / seconds.cpu, "per_wall_second": tokens / seconds.wall}


if __name__ == "__main__":
    main()
