"""The modes of the outcome gate over several seeds: `python benchmarks/outcome_gate.py --out DIR [--seeds 0 1 2]`.

Runs `python -m jaxrlvr.train --grpo.outcome-gate MODE` for each mode and seed in a separate directory under --out, with
more arguments after `--`. Finished runs are read and unfinished ones resumed, so that the table can be filled bit by
bit. Prints mean, minimum and maximum over the seeds of: held-out reward, averaged over scenarios; training success,
averaged over steps; and the share of the steps' groups that the gate silenced.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

MODES = ("off", "auto", "always")


def main() -> None:
    """Run what is missing and print the table; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--modes", nargs="+", default=MODES, choices=MODES)
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--tasks", type=int, default=50, help="held-out tasks per scenario")
    parser.add_argument("arguments", nargs="*", help="after --: for jaxrlvr.train")
    options = parser.parse_args()
    results: dict[str, list[dict[str, float]]] = {mode: [] for mode in options.modes}
    for seed in options.seeds:
        for mode in options.modes:
            run = options.out / f"seed-{seed}-{mode}"
            train(run, mode, seed, options)
            results[mode].append(figures(run))
            print(
                f"seed {seed} {mode:<7} {'  '.join(f'{k} {v:.3f}' for k, v in results[mode][-1].items())}", flush=True
            )
    for mode, seeds in results.items():
        print(f"{mode:<7} " + "  ".join(f"{name} {spread([row[name] for row in seeds])}" for name in seeds[0]))
    print(json.dumps({"seeds": options.seeds, "steps": options.steps, "tasks": options.tasks, "modes": results}))


def train(run: Path, mode: str, seed: int, options: argparse.Namespace) -> None:
    """Make a run, or resume an unfinished one."""
    if (run / "summary.json").exists():
        return
    begun = (run / "config.json").exists()
    sizes = ["--steps", str(options.steps), "--evaluation.tasks", str(options.tasks)]
    new = ["--run-dir", str(run), "--seed", str(seed), "--grpo.outcome-gate", mode, *sizes, *options.arguments]
    command = [sys.executable, "-m", "jaxrlvr.train", *(["--resume", str(run)] if begun else new)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def figures(run: Path) -> dict[str, float]:
    """Return the results of a finished run."""
    after = json.loads((run / "after.json").read_text())
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    heldout = {way: fmean(score["reward"] for score in after[way].values()) for way in ("greedy", "sampled")}
    return {**heldout, "training": fmean(step["success"] for step in steps), "silenced": silenced(steps)}


def silenced(steps: Sequence[dict[str, float]]) -> float:
    """Return the share of all groups whose rewards differ but which have no gradient."""
    return fmean(step["groups/silenced"] for step in steps)


def spread(values: Sequence[float]) -> str:
    """Format mean, minimum and maximum over seeds."""
    return f"{fmean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
