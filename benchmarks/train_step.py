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
from flax import nnx

import models
from jaxrlvr.batch import Batch
from jaxrlvr.grpo import GRPOConfig, objective
from jaxrlvr.learner import suffix_logprobs


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name, value in (
        ("prefix", 768),
        ("suffix", 160),
        ("members", 8),
        ("layers", 6),
        ("width", 256),
        ("repeats", 5),
    ):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    heads = options.width // 64
    config = models.ModelConfig(4096, options.width, options.layers, heads, max(1, heads // 2), 64, 3 * options.width)
    graphdef, params = nnx.split(models.Decoder(config, rngs=nnx.Rngs(0)))
    grouped = random_batch(config.vocab_size, options.prefix, options.suffix, options.members)
    naive = ungrouped(grouped)
    tokens = float(grouped.sampled_BGT.sum())

    @jax.jit
    def step(params: nnx.State, batch: Batch) -> tuple[jax.Array, nnx.State]:
        def loss(params: nnx.State) -> jax.Array:
            logprob_BGT, entropy_BGT = suffix_logprobs(nnx.merge(graphdef, params), batch, 1.0)
            return objective(GRPOConfig())(logprob_BGT, entropy_BGT, batch, None).loss / tokens

        return jax.value_and_grad(loss)(params)

    results = {
        name: jax.block_until_ready(step(params, batch)) for name, batch in (("grouped", grouped), ("naive", naive))
    }
    seconds: dict[str, list[float]] = {"grouped": [], "naive": []}
    cpu: dict[str, list[float]] = {"grouped": [], "naive": []}
    for _ in range(options.repeats):
        for name, batch in (("grouped", grouped), ("naive", naive)):
            wall, process = time.perf_counter(), time.process_time()
            jax.block_until_ready(step(params, batch))
            seconds[name].append(time.perf_counter() - wall)
            cpu[name].append(time.process_time() - process)
    norms = [norm(results[name][1]) for name in ("grouped", "naive")]
    apart = norm(jax.tree.map(jnp.subtract, results["grouped"][1], results["naive"][1])) / norms[1]
    positions = {"grouped": options.prefix + options.members * options.suffix,
                 "naive": options.members * (options.prefix + options.suffix)}  # fmt: skip
    figures = {
        "device": jax.devices()[0].device_kind,
        "prefix": options.prefix,
        "suffix": options.suffix,
        "members": options.members,
        "grouped_seconds": median(seconds["grouped"]),
        "naive_seconds": median(seconds["naive"]),
        "ratio": median(seconds["naive"]) / median(seconds["grouped"]),
        "cpu_ratio": median(cpu["naive"]) / median(cpu["grouped"]),
        "positions_ratio": positions["naive"] / positions["grouped"],
        "loss_difference": abs(float(results["grouped"][0] - results["naive"][0])),
        "gradient_difference": float(apart),
    }
    print(
        f"prefix {options.prefix}, suffix {options.suffix}, {options.members} members; "
        f"{options.layers} layers, width {options.width}"
    )
    for name in ("grouped", "naive"):
        print(f"  {name:8} {figures[f'{name}_seconds']:.3f} s a step")
    print(
        f"  grouped is {figures['ratio']:.2f} times as fast; "
        f"it computes {figures['positions_ratio']:.2f} times fewer positions"
    )
    print(
        f"  losses differ by {figures['loss_difference']:.1e}, "
        f"gradients by {figures['gradient_difference']:.1e} of their norm"
    )
    print(json.dumps(figures))


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


def norm(tree: nnx.State) -> float:
    """The global norm of a tree of arrays."""
    return float(jnp.sqrt(sum(jnp.sum(leaf.astype(jnp.float32) ** 2) for leaf in jax.tree.leaves(tree))))


if __name__ == "__main__":
    main()
