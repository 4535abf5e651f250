"""Encoding the prompts of a step with and without prefix sharing: `python benchmarks/prefixes.py`.

`--groups` prompts begin with the same `--shared` tokens, such as a long list of tools, and end with `--rest` distinct
ones. Times `Sampler.prefill` in both forms, alternating in one process, and prints medians and the largest differences
of hidden states and keys. Then prints the share of prompt positions that sharing computes in one step of the default
run.
"""

import argparse
import json

import jax
import numpy as np
from flax import nnx
from stopwatch import middle, once

import models
from configs.tiny import config as default
from jaxrlvr.preflight.validation import prompt
from jaxrlvr.rollout.policy import load_policy
from jaxrlvr.rollout.tasks import training_tasks
from jaxrlvr.sampling import prefix_sharing
from jaxrlvr.sampling.sampler import Sampler


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, value in {"groups": 16, "members": 8, "shared": 1500, "rest": 64, "layers": 4, "width": 256}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    results = measure(options)
    print(f"{options.groups} prompts of {results['room']} positions, {options.shared} of them shared")
    print(f"  whole {results['whole_cpu']:.2f} CPU s ({results['whole_wall']:.2f} s), ", end="")
    print(f"shared {results['shared_cpu']:.2f} CPU s")
    print(f"  {results['cpu_ratio']:.2f} times fewer CPU seconds for {results['positions']:.2f} times fewer positions")
    print(f"  largest difference of hidden states {results['hidden_gap']:.1e}, ", end="")
    print(f"of keys and values {results['key_gap']:.1e}")
    results["default_share"] = default_share()
    print(f"  the default run's first step: sharing computes {results['default_share']:.0%} of the positions")
    print(json.dumps(vars(options) | results))


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Return medians over the repetitions and the largest differences of the results."""
    shape = models.ModelConfig(
        vocab_size=4096,
        hidden_size=options.width,
        num_layers=options.layers,
        num_heads=4,
        num_kv_heads=2,
        head_dim=options.width // 4,
        mlp_size=3 * options.width,
        rope_theta=1e6,
        max_positions=8192,
    )
    graphdef, params = nnx.split(models.Decoder(shape, rngs=nnx.Rngs(0)))
    room = -(-(options.shared + options.rest) // 128) * 128
    rng = np.random.default_rng(0)
    begin = rng.integers(0, 4096, options.shared).tolist()
    prompts = [begin + rng.integers(0, 4096, options.rest).tolist() for _ in range(options.groups)]
    ways = {"whole": False, "shared": True}
    samplers = {name: Sampler(graphdef, (room,), (64,), 32, 0, 0, None, way) for name, way in ways.items()}
    model = samplers["whole"].prepare_weights(params)
    cut = prefix_sharing.cut(prompts, room)
    assert cut is not None, "these prompts are worth splitting"

    def start(name: str) -> jax.Array:
        return jax.block_until_ready(samplers[name].prefill(model, prompts, options.members))

    (whole, whole_state), (shared, shared_state) = map(start, samplers)
    seconds = {name: [] for name in samplers}
    for _ in range(options.repeats):
        for name in samplers:
            seconds[name].append(once(lambda name=name: start(name)))
    medians = {name: middle(of) for name, of in seconds.items()}
    tokens = (..., slice(len(prompts[0])))
    gaps = [np.abs(a - b)[tokens].max() for a, b in zip(whole.cache.k, shared.cache.k, strict=True)]
    gaps += [np.abs(a - b).mT[tokens].max() for a, b in zip(whole.cache.v, shared.cache.v, strict=True)]
    return {
        "room": room,
        **{f"{name}_wall": seconds.wall for name, seconds in medians.items()},
        **{f"{name}_cpu": seconds.cpu for name, seconds in medians.items()},
        "cpu_ratio": medians["whole"].cpu / medians["shared"].cpu,
        "wall_ratio": medians["whole"].wall / medians["shared"].wall,
        "positions": options.groups * room / (cut.shared_capacity * room + options.groups * cut.remainder_capacity),
        "hidden_gap": float(np.abs(whole_state.hidden_BGD - shared_state.hidden_BGD).max()),
        "key_gap": float(max(gaps)),
    }


def default_share() -> float:
    """Return the share of prompt positions that sharing would compute in the default run's first step."""
    config = default()
    chat = load_policy(config.policy).chat
    prompts = [prompt(config, chat, task) for task in training_tasks(config.tasks, config.seed, 1)]
    room = config.rollout.prefix_buckets[-1]
    cut = prefix_sharing.cut(prompts, room)
    return (
        1.0
        if cut is None
        else (cut.shared_capacity * room + len(prompts) * cut.remainder_capacity) / (len(prompts) * room)
    )


if __name__ == "__main__":
    main()
