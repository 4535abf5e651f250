"""Seconds per step of a run, split into sample, score, update, host: `python benchmarks/end_to_end.py [--steps 6]`.

Runs `python -m jaxrlvr.train` (the embedded default, or --config, with more arguments after `--`) in a temporary
directory and reads its metrics, excluding the first step. host is the time the device waits for simulators and text
processing, score the time for advantages and batches, sample the rest of sampling.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

PARTS = ("sample", "score", "update", "host")


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--config", default="configs/tiny.py")
    parser.add_argument("arguments", nargs="*", help="after --: for jaxrlvr.train")
    options = parser.parse_args()
    figures = measure(options)
    print(f"{options.config}: {figures['step_seconds']:.2f} s a step, median of {options.steps - 1}")
    for part in PARTS:
        print(f"  {part:<7} {figures[part]:7.3f} s  {figures[part] / figures['step_seconds']:6.1%}")
    print(f"  host and score together {figures['host_share']:.1%}; CPU {figures['cpu_seconds']:.0f} s in total")
    print(json.dumps(vars(options) | figures))


def measure(options: argparse.Namespace) -> dict[str, float]:
    """Return medians over the steps after the first."""
    records, seconds = recorded(options)
    steps = [split(record) for record in records[1:]]
    figures = {name: median(step[name] for step in steps) for name in steps[0]}
    figures["compiles_after_warm_up"] = records[-1]["compiles"] - records[0]["compiles"]
    return figures | seconds


def recorded(options: argparse.Namespace, more: Sequence[str] = ()) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Run a training and return its metrics and its total wall and CPU seconds."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        # Evaluations are as few and small as possible, since they are not measured.
        few = ["--evaluation.tasks", "1", "--steps", str(options.steps), "--checkpoint-every", str(options.steps)]
        command = [sys.executable, "-m", "jaxrlvr.train", options.config, "--run-dir", str(run), *few]
        began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([*command, *more, *options.arguments], check=True, stdout=subprocess.DEVNULL)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return records, {"wall_seconds": wall, "cpu_seconds": cpu}


def split(record: dict[str, Any]) -> dict[str, float]:
    """Split one step's seconds into parts."""
    host, score = record["seconds/host"], record["seconds/pack"]
    parts = {
        "sample": record["seconds/sample"] - host,
        "score": score,
        "update": record["seconds/update"],
        "host": host,
    }
    step = sum(parts.values())
    return parts | {"step_seconds": step, "host_share": (host + score) / step}


if __name__ == "__main__":
    main()
