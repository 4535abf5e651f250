"""One GRPO update, grouped against naive: `python benchmarks/train_step.py [--prefix 768 --suffix 160 --members 8]`.

Naive means what trainers without groups do: every member carries its own copy of the prompt. Both run the same code on
the same tokens, alternating in one process; the figures are medians, and the losses and gradients of both are compared.
"""

import argparse
import json
import time
from statistics import median

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import models
from jaxrlvr.batch import Batch
from jaxrlvr.grpo import GRPOConfig, objective
from jaxrlvr.learner import suffix_logprobs


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    sizes = {"prefix": 768, "suffix": 160, "members": 8, "layers": 6, "width": 256, "repeats": 5}
    for name, value in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    figures = measure(options)
    print(
        f"prefix {options.prefix}, suffix {options.suffix}, {options.members} members; "
        f"{options.layers} layers, width {options.width}\n"
        f"  grouped  {figures['grouped_seconds']:.3f} s a step\n"
        f"  naive    {figures['naive_seconds']:.3f} s a step\n"
        f"  grouped is {figures['ratio']:.2f} times as fast ({figures['cpu_ratio']:.2f} in CPU seconds); "
        f"it computes {figures['positions_ratio']:.2f} times fewer positions\n"
        f"  losses differ by {figures['loss_difference']:.1e}, "
        f"gradients by {figures['gradient_difference']:.1e} of their norm"
    )
    print(json.dumps(vars(options) | figures))


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Medians of both forms, and how far apart their results are."""
    heads = options.width // 64
    config = models.ModelConfig(
        vocab_size=4096,
        hidden_size=options.width,
        num_layers=options.layers,
        num_heads=heads,
        num_kv_heads=max(1, heads // 2),
        head_dim=64,
        mlp_size=3 * options.width,
    )
    graphdef, params = nnx.split(models.Decoder(config, rngs=nnx.Rngs(0)))
    grouped = random_batch(config.vocab_size, options.prefix, options.suffix, options.members)
    batches = {"grouped": grouped, "naive": ungrouped(grouped)}

    @jax.jit
    def step(params: nnx.State, batch: Batch) -> tuple[jax.Array, nnx.State]:
        def loss(params: nnx.State) -> jax.Array:
            logprob_BGT, entropy_BGT = suffix_logprobs(nnx.merge(graphdef, params), batch, 1.0)
            return objective(GRPOConfig())(logprob_BGT, entropy_BGT, batch, None).loss / grouped.sampled_BGT.sum()

        return jax.value_and_grad(loss)(params)

    results = {name: jax.block_until_ready(step(params, batch)) for name, batch in batches.items()}
    wall: dict[str, list[float]] = {name: [] for name in batches}
    cpu: dict[str, list[float]] = {name: [] for name in batches}
    for _ in range(options.repeats):
        for name, batch in batches.items():
            began, began_cpu = time.perf_counter(), time.process_time()
            jax.block_until_ready(step(params, batch))
            wall[name].append(time.perf_counter() - began)
            cpu[name].append(time.process_time() - began_cpu)
    apart = jax.tree.map(jnp.subtract, results["grouped"][1], results["naive"][1])
    total, own = options.prefix + options.suffix, options.suffix
    return {
        "grouped_seconds": median(wall["grouped"]),
        "naive_seconds": median(wall["naive"]),
        "ratio": median(wall["naive"]) / median(wall["grouped"]),
        "cpu_ratio": median(cpu["naive"]) / median(cpu["grouped"]),
        "positions_ratio": options.members * total / (options.prefix + options.members * own),
        "loss_difference": abs(float(results["grouped"][0] - results["naive"][0])),
        "gradient_difference": float(optax.global_norm(apart) / optax.global_norm(results["naive"][1])),
    }


def random_batch(vocab: int, prefix: int, suffix: int, members: int) -> Batch:
    """One group of random tokens, all of the suffix sampled."""
    rng = np.random.default_rng(0)
    return Batch(
        rng.integers(0, vocab, (1, prefix), dtype=np.int32),
        np.full(1, prefix, np.int32),
        rng.integers(0, vocab, (1, members, suffix), dtype=np.int32),
        np.ones((1, members, suffix), bool),
        np.full((1, members, suffix), -np.log(vocab), np.float32),
        rng.standard_normal((1, members)).astype(np.float32),
    )


def ungrouped(batch: Batch) -> Batch:
    """The same members, each as a group of its own with its own copy of the prompt."""
    groups, members = batch.advantage_BG.shape

    def alone(x_BG: np.ndarray) -> np.ndarray:
        return x_BG.reshape(groups * members, 1, *x_BG.shape[2:])

    return Batch(
        np.repeat(batch.prefix_BP, members, axis=0),
        np.repeat(batch.prefix_length_B, members, axis=0),
        *(alone(x) for x in batch[2:]),
    )


if __name__ == "__main__":
    main()
