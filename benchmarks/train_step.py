"""One GRPO gradient, grouped against naive and PyTorch: `python benchmarks/train_step.py [--prefix 2048 --members 16]`.

Naive is the form of trainers without groups: every member carries its own copy of the prompt. Grouped and naive run the
same code on the same tokens, alternating in one process; PyTorch is a plain naive implementation on transformers' model
with the same weights, in a separate process. Figures are medians; losses and gradients of all forms are compared.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from peer import TRANSFORMERS, ask
from stopwatch import Seconds, middle, once

import models
from jaxrlvr.learning.batch import Batch
from jaxrlvr.learning.grpo import GRPOConfig, objective
from jaxrlvr.learning.logprobs import suffix_logprobs


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    sizes = {"prefix": 768, "suffix": 160, "members": 8, "layers": 6, "width": 256, "repeats": 5}
    for name, value in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--no-peers", action="store_true", help="measure only ours; installs nothing")
    options = parser.parse_args()
    figures = measure(options)
    print(
        f"prefix {options.prefix}, suffix {options.suffix}, {options.members} members; "
        f"{options.layers} layers, width {options.width}"
    )
    for name in ("grouped", "naive", "torch"):
        if name in figures:
            print(f"  {name:<8} {figures[name]['wall']:.3f} s per step, {figures[name]['cpu']:.3f} CPU seconds")
    for name in ("naive", "torch"):
        if name in figures:
            over = figures[f"over_{name}"]
            print(
                f"  grouped is {over['ratio']:.2f} times as fast as {name} ({over['cpu_ratio']:.2f} in CPU seconds); "
                f"losses differ by {over['loss_difference']:.1e}, gradients by {over['gradient_difference']:.1e}"
            )
    print(f"  grouped computes {figures['positions_ratio']:.2f} times fewer positions")
    print(json.dumps({"options": vars(options)} | figures))


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Return medians of all forms and the distance of their results from the grouped form's."""
    config = shape(options.layers, options.width)
    model = nnx.split(models.Decoder(config, rngs=nnx.Rngs(0)))
    batch = random_batch(config.vocab_size, options.prefix, options.suffix, options.members)
    figures = forms(model, batch, options.repeats)
    if not options.no_peers:
        figures["torch"] = ask_torch(model, batch, options.repeats)
        figures["over_torch"] = over(figures, "torch", abs(figures["grouped"]["norm"] - figures["torch"]["norm"]))
    total = options.prefix + options.suffix
    figures["positions_ratio"] = options.members * total / (options.prefix + options.members * options.suffix)
    return figures


def forms(model: tuple[Any, Any], batch: Batch, repeats: int) -> dict[str, Any]:
    """Measure both of our forms and the distance between their results."""
    figures, gradients = alternate(model, {"grouped": batch, "naive": ungrouped(batch)}, repeats)
    apart = jax.tree.map(jnp.subtract, gradients["grouped"], gradients["naive"])
    figures["over_naive"] = over(figures, "naive", float(optax.tree.norm(apart)))
    return figures


def alternate(model: tuple[Any, Any], batches: dict[str, Batch], repeats: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run forms of one step, alternating. Returns seconds, loss, gradient norm and temporary bytes; and gradients."""
    graphdef, params = model

    @jax.jit
    def step(params: nnx.State, batch: Batch) -> tuple[jax.Array, nnx.State]:
        def loss(params: nnx.State) -> jax.Array:
            logprob_BGT, entropy_BGT = suffix_logprobs(nnx.merge(graphdef, params), batch, 1.0)
            return objective(GRPOConfig()).loss(logprob_BGT, entropy_BGT, batch, None).loss / batch.sampled_BGT.sum()

        return jax.value_and_grad(loss)(params)

    steps = {name: step.lower(params, batch).compile() for name, batch in batches.items()}
    results = {name: jax.block_until_ready(steps[name](params, batch)) for name, batch in batches.items()}
    times: dict[str, list[Seconds]] = {name: [] for name in batches}
    for _ in range(repeats):
        for name, batch in batches.items():
            times[name].append(once(lambda name=name, batch=batch: jax.block_until_ready(steps[name](params, batch))))
    figures: dict[str, Any] = {}
    for name, (loss, gradient) in results.items():
        figures[name] = middle(times[name])._asdict() | {"loss": float(loss), "norm": float(optax.tree.norm(gradient))}
        memory = steps[name].memory_analysis()
        figures[name]["temporary_bytes"] = memory.temp_size_in_bytes if memory else None
    return figures, {name: gradient for name, (_, gradient) in results.items()}


def over(figures: dict[str, Any], name: str, apart: float) -> dict[str, float]:
    """Compare grouped with another form; `apart` is the distance of their gradients, or of their norms."""
    grouped, other = figures["grouped"], figures[name]
    return {
        "ratio": other["wall"] / grouped["wall"],
        "cpu_ratio": other["cpu"] / grouped["cpu"],
        "loss_difference": abs(grouped["loss"] - other["loss"]),
        "gradient_difference": apart / other["norm"],
    }


def shape(layers: int, width: int) -> models.ModelConfig:
    """Return a small Qwen3 with heads of 64."""
    heads = width // 64
    return models.ModelConfig(
        vocab_size=4096,
        hidden_size=width,
        num_layers=layers,
        num_heads=heads,
        num_kv_heads=max(1, heads // 2),
        head_dim=64,
        mlp_size=3 * width,
    )


def ask_torch(model: tuple[Any, Any], batch: Batch, repeats: int) -> dict[str, Any]:
    """Return PyTorch's seconds, loss and gradient norm on the same weights and tokens."""
    with tempfile.TemporaryDirectory() as folder:
        return ask(
            "transformers", TRANSFORMERS, "torch_step.py", save(model, batch, Path(folder)) | {"repeats": repeats}
        )


def save(model: tuple[Any, Any], batch: Batch, folder: Path) -> dict[str, Any]:
    """Write weights and tokens for PyTorch and return its options."""
    models.save(model, folder / "model")
    arrays = {name: np.asarray(value) for name, value in batch._asdict().items() if value is not None}
    np.savez(folder / "batch.npz", **arrays)
    return saved(folder)


def saved(folder: Path) -> dict[str, Any]:
    """Return PyTorch's options for the files that `save` wrote."""
    config = GRPOConfig()
    torch_options = {"checkpoint": str(folder / "model"), "batch": str(folder / "batch.npz")}
    return torch_options | {"clip_low": config.clip_low, "clip_high": config.clip_high}


def random_batch(vocab: int, prefix: int, suffix: int, members: int) -> Batch:
    """Return one group of random tokens whose suffix is all sampled."""
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
    """Return the same members as groups of one, each with its own copy of the prompt."""
    groups, members = batch.advantage_BG.shape

    def alone(x_BG: np.ndarray) -> np.ndarray:
        return x_BG.reshape(groups * members, 1, *x_BG.shape[2:])

    return Batch(
        np.repeat(batch.prefix_BP, members, axis=0),
        np.repeat(batch.prefix_length_B, members, axis=0),
        *(alone(x) for x in batch[2:6]),
    )


if __name__ == "__main__":
    main()
