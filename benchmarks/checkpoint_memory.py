"""Host memory of loading and saving a checkpoint: `python -m benchmarks.checkpoint_memory [--layers 16 --work DIR]`.

Generates a checkpoint with Qwen3-1.7B's widths and fewer layers (16: 2.2 GB in bfloat16), then loads and saves it in
another process. Each figure is the peak of anonymous memory (RssAnon, Linux), sampled every few milliseconds, minus
the memory in use when JAX was ready; pages of the file being read do not count, since the kernel can drop them. On a
CPU the model itself is host memory, so both figures include it: the shards that this host holds. The law: a peak of at
most 1.3 times the sum of these shards and the largest parameter (all layers of one kind).
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import models
from models.safetensors_writer import Entry, write
from models.weight_table import tensors


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--preset", default="Qwen/Qwen3-1.7B")
    parser.add_argument("--layers", type=int, default=16)
    parser.add_argument("--work", help="directory with space for three checkpoints; default: a temporary one")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(load_and_save(Path(options.child))))
        return
    with tempfile.TemporaryDirectory(dir=options.work) as work:
        config = replace(models.PRESETS[options.preset], num_layers=options.layers)
        whole = generate(config, Path(work) / "in")
        child = [sys.executable, "-m", "benchmarks.checkpoint_memory", "--child", str((Path(work) / "in").resolve())]
        root = Path(__file__).parents[1]
        completed = subprocess.run(child, stdout=subprocess.PIPE, text=True, check=True, cwd=root)
    largest = max(2 * math.prod(row.shape(config)) for row in tensors(config))
    figures = {"checkpoint": whole, "largest": largest, **json.loads(completed.stdout.splitlines()[-1])}
    for name in ("load", "save"):
        figures[f"{name}_over_model"] = figures[name] - whole
        figures[f"{name}_in_largest"] = (figures[name] - whole) / largest
        figures[f"{name}_ratio"] = figures[name] / (whole + largest)
        print(
            f"{name}: {figures[name] / 1e9:.2f} GB at the peak, for {whole / 1e9:.2f} GB of weights "
            f"whose largest parameter has {largest / 1e9:.2f} GB: {figures[f'{name}_ratio']:.2f} of both (limit 1.3)"
        )
    print(json.dumps(figures))


def generate(config: models.ModelConfig, directory: Path) -> int:
    """Write random bfloat16 weights, one tensor at a time, and return their bytes."""
    directory.mkdir()
    rng = np.random.default_rng(0)

    def values(shape: tuple[int, ...]) -> np.ndarray:
        # Small numbers with random low bits, so that no two pages are alike.
        return (0x3C00 + rng.integers(0, 256, shape, np.uint16)).astype(np.uint16)

    entries = [
        Entry(name, "BF16", row.hf_shape(config), partial(values, row.hf_shape(config)))
        for row in tensors(config)
        for name in row.hf_names(config)
    ]
    write(directory / "model.safetensors", entries, {"format": "pt"})
    (directory / "config.json").write_text(json.dumps({**config.to_hf(), "dtype": "bfloat16"}))
    return sum(entry.size for entry in entries)


def load_and_save(directory: Path) -> dict[str, Any]:
    """Return this process's memory peaks while loading the checkpoint and while saving the loaded model."""
    import jax

    jax.block_until_ready(jax.numpy.zeros(8))
    start = anonymous()
    loaded: list[Any] = []
    load = peak(lambda: loaded.append(models.load(directory, dtype=None)))
    save = peak(lambda: models.save(loaded[0], directory.with_name("out"), source_dir=directory))
    same = (directory / "model.safetensors").stat().st_size == (
        directory.with_name("out") / "model.safetensors"
    ).stat().st_size
    return {"load": load - start, "save": save - start, "same_size": same}


def peak(call: Callable[[], object]) -> int:
    """Return the peak anonymous memory of this process during a call, in bytes."""
    seen, over = [anonymous()], threading.Event()

    def watch() -> None:
        while not over.is_set():
            seen.append(anonymous())
            time.sleep(0.003)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        call()
    finally:
        over.set()
        watcher.join()
    return max(seen)


def anonymous() -> int:
    """Return the bytes of this process's memory that are not backed by a file."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("RssAnon:")[1].split()[0])


if __name__ == "__main__":
    main()
