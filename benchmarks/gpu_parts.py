"""One part of `gpu.py`, measured in this process: `python benchmarks/gpu_parts.py decode --size smallest`.

Defines the sizes and prints the figures of a part as one line of JSON.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
from decode import CONFIG, Decoding
from flax import nnx
from stopwatch import once
from train_step import forms, random_batch, save

import models
from jaxrlvr.learning.batch import Shape, TrainingGroup, TrainingSuffix, pack
from jaxrlvr.learning.grpo import GRPOConfig, objective
from jaxrlvr.learning.learner import Learner
from jaxrlvr.learning.optimizer import OptimizerConfig, make_optimizer
from jaxrlvr.sampling.sampler import DecodeLimits, Sampler, keys
from models.fast_attention import Attention


@dataclass(frozen=True)
class Size:
    """A model and the workloads that are measured on it."""

    config: models.ModelConfig
    decoded: tuple[int, ...] = (64, 256)
    """Numbers of members that decode together."""
    group: int = 8
    prefix: int = 1536
    suffix: int = 512
    step_groups: int = 64
    step_prefix: int = 512
    step_suffix: int = 256
    matrix: int = 8192
    """Rows and columns of the multiplied matrices; a copy moves 8 times the bytes of one matrix."""


_SMALLEST = replace(CONFIG, hidden_size=64, num_layers=1, num_heads=2, num_kv_heads=1, head_dim=32, mlp_size=128)
SIZES = {
    "0.6b": Size(models.PRESETS["Qwen/Qwen3-0.6B"]),
    "1.7b": Size(models.PRESETS["Qwen/Qwen3-1.7B"]),
    "smallest": Size(_SMALLEST, (4, 8), 4, 24, 8, 2, 16, 8, 256),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=("rates", "decode", "train", "step"))
    parser.add_argument("--size", choices=SIZES, required=True)
    parser.add_argument("--remat", default="full", help="for the part train; a step always uses full")
    parser.add_argument("--attention", choices=get_args(Attention), default="auto", help="form of attention")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--save", help="directory for the weights and tokens of the part train")
    options = parser.parse_args()
    print(json.dumps(run(options)))


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one part."""
    size = SIZES[options.size]
    if options.part == "rates":
        return rates(size, options.repeats)
    remat = options.remat if options.part == "train" else "full"
    compute = models.Compute(jnp.bfloat16, remat, options.attention)
    model = nnx.split(models.Decoder(size.config, rngs=nnx.Rngs(0), param_dtype=jnp.bfloat16, compute=compute))
    if options.part == "train":
        return train(size, model, options)
    return (decode if options.part == "decode" else step)(size, model, options.repeats)


def seconds(call: Callable[[], Any], repeats: int) -> float:
    """Return the median seconds of a call, after one that compiles."""
    call()
    return median(once(call).wall for _ in range(repeats))


def peak() -> int | None:
    """Return the peak bytes this process held on the device, or None if the device does not report it."""
    return (jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use")


def rates(size: Size, repeats: int) -> dict[str, Any]:
    """Measure the device's peak rates: bfloat16 products and copies, several in a row."""
    rows, times, device = size.matrix, 8, jax.devices()[0]
    if device.platform == "cpu" and size.matrix > SIZES["smallest"].matrix:
        raise SystemExit("this size needs an accelerator and JAX sees none: use --size smallest or install JAX for it")
    square = jnp.full((rows, rows), 1 / rows, jnp.bfloat16)
    long = jnp.zeros((8, rows, rows), jnp.bfloat16)

    @jax.jit
    def products(x: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, times, lambda _, y: y @ x, x)

    @jax.jit
    def copies(x: jax.Array) -> jax.Array:
        return jax.lax.fori_loop(0, times, lambda _, y: y + 1, x)

    product = seconds(lambda: jax.block_until_ready(products(square)), repeats)
    copy = seconds(lambda: jax.block_until_ready(copies(long)), repeats)
    return {
        "flops": times * 2 * rows**3 / product,
        "bytes": times * 2 * long.nbytes / copy,
        "device": device.device_kind,
        "platform": device.platform,
    }


def decode(size: Size, model: tuple[Any, Any], repeats: int) -> dict[str, Any]:
    """Return tokens per second with groups, and for the fewest members also without."""
    config, rows = size.config, {}
    weights = sum(leaf.nbytes for leaf in jax.tree.leaves(model[1]))
    # Bytes of one token's keys and values; the weights include the embedding, which is read as the unembedding.
    token = config.num_layers * 2 * config.num_kv_heads * config.head_dim * jnp.dtype(jnp.bfloat16).itemsize
    for members in size.decoded:
        for group in (size.group, 1) if members == size.decoded[0] else (size.group,):
            groups = members // group
            run = Decoding(*model, groups, group, size.prefix, size.suffix)
            run.seconds()
            live = groups * size.prefix + members * (size.suffix + 1) / 2
            rows[f"{members}{'' if group > 1 else '_ungrouped'}"] = {
                "members": members,
                "bytes_per_token_of_all": weights + live * token,
                **run.speed([run.seconds() for _ in range(repeats)]),
            }
    fewest = str(size.decoded[0])
    ratio = rows[fewest]["per_wall_second"] / rows[f"{fewest}_ungrouped"]["per_wall_second"]
    return {"members": rows, "grouped_over_ungrouped": ratio, "peak_bytes": peak()}


def train(size: Size, model: tuple[Any, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Time one group's gradient, grouped and naive, with their model FLOPs."""
    batch = random_batch(size.config.vocab_size, size.prefix, size.suffix, size.group)
    figures = forms(model, batch, options.repeats)
    for form, prefixes in (("grouped", 1), ("naive", size.group)):
        figures[form]["flops"] = flops(size.config, prefixes, size.group, size.prefix, size.suffix)
    if options.save:
        save(model, batch, Path(options.save))
    return figures | {"peak_bytes": peak()}


def flops(config: models.ModelConfig, prefixes: int, members: int, prefix: int, suffix: int) -> float:
    """Return the model FLOPs of a gradient.

    Counts two for the forward and four for the backward pass per weight and position, with the output layer for
    suffixes only, and attention per visible pair of query and key.
    """
    vocabulary = config.vocab_size * config.hidden_size
    weights = models.parameter_count(config) - vocabulary * (1 if config.tie_embeddings else 2)
    products = weights * (prefixes * prefix + members * suffix) + vocabulary * members * suffix
    pairs = prefixes * prefix * (prefix + 1) / 2 + members * (suffix * prefix + suffix * (suffix + 1) / 2)
    return 6 * products + 12 * config.num_layers * config.num_heads * config.head_dim * pairs


def step(size: Size, model: tuple[Any, Any], repeats: int) -> dict[str, Any]:
    """Return the seconds of whole GRPO steps by part; the first step compiles and is excluded."""
    graphdef, params = model
    rng = np.random.default_rng(0)
    groups, members = size.step_groups, size.group
    sampler = Sampler(graphdef, (size.step_prefix,), (size.step_suffix,), 64, stop_token=-1, pad_token=0)
    learner = Learner(graphdef, make_optimizer(OptimizerConfig()), objective(GRPOConfig()))
    state = learner.init(params)
    shape = Shape(1, (size.step_prefix,), (size.step_suffix,))
    rows: list[dict[str, float]] = []
    del params, model
    for number in range(repeats + 1):
        prompts = rng.integers(2, CONFIG.vocab_size, (groups, size.step_prefix)).tolist()
        began = time.perf_counter()
        acting = sampler.prepare_weights(state.params)
        prefix, begun = sampler.prefill(acting, prompts, members)
        limit_BG, key_BG = np.full((groups, members), size.step_suffix), keys(0, number, range(groups), members)
        turn = jax.device_get(sampler.decode(acting, prefix, begun, DecodeLimits(limit_BG), key_BG, 1.0)[1])
        del prefix, begun, acting
        sampled = time.perf_counter()
        packed = batches(prompts, turn, rng, shape)
        ready = time.perf_counter()
        state, stats = jax.block_until_ready(learner.update(state, packed))
        rows.append({"sample": sampled - began, "pack": ready - sampled, "update": time.perf_counter() - ready})
    figures = {name: median(row[name] for row in rows[1:]) for name in rows[0]}
    tokens = groups * members * size.step_suffix
    total = sum(figures.values())
    work = groups * flops(size.config, 1, members, size.step_prefix, size.step_suffix)
    gap = float(stats.means.behaviour_kl)
    return figures | {
        "seconds": total, "tokens_per_second": tokens / total, "flops": work, "behaviour_kl": gap, "peak_bytes": peak()
    }  # fmt: skip


def batches(prompts: list[list[int]], turn: Any, rng: np.random.Generator, shape: Shape) -> list[Any]:
    """Pack the sampled tokens with random advantages into micro-batches."""
    rows = []
    for b, prompt in enumerate(prompts):
        suffixes = [
            TrainingSuffix(token_S, np.ones(len(token_S), bool), logprob_S, float(rng.standard_normal()))
            for token_S, logprob_S in zip(turn.token_BGS[b], turn.logprob_BGS[b], strict=True)
        ]
        rows.append(TrainingGroup(prompt, suffixes))
    return pack(rows, shape, 0).batches


if __name__ == "__main__":
    main()
