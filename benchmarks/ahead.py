"""Seconds per step with and without sampling one step ahead: `python benchmarks/ahead.py [--steps 6] [--rounds 2]`.

Runs `python -m jaxrlvr.train` (the embedded default, or --config, with more arguments after `--`) alternately with and
without `--rollout.asynchronous`, both with the importance weights that it requires, and reads their metrics. A step
lasts as long as it occupies the learner: sampling, packing and updating, or, one step ahead, packing, updating and
waiting for the rest of the sampling. The first two steps are excluded, since the first is never ahead. Besides the
ratio of the medians it prints the ratio of each step's fastest rounds, which is more reliable on a busy machine.
"""

import argparse
import json
from statistics import median

from end_to_end import recorded


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--config", default="configs/tiny.py")
    parser.add_argument("arguments", nargs="*", help="after --: for jaxrlvr.train")
    options = parser.parse_args()
    steps: dict[str, list[list[float]]] = {"in_turn": [], "ahead": []}
    cpu: dict[str, list[float]] = {"in_turn": [], "ahead": []}
    for _ in range(options.rounds):
        for name, more in (("in_turn", []), ("ahead", ["--rollout.asynchronous"])):
            records, seconds = recorded(options, ["--grpo.correction", "token", *more])
            steps[name].append([step_seconds(record) for record in records[2:]])
            cpu[name].append(seconds["cpu_seconds"])
    step_medians = {name: median(step for of_round in rounds for step in of_round) for name, rounds in steps.items()}
    fastest = {name: sum(map(min, zip(*rounds, strict=True))) for name, rounds in steps.items()}
    used = {name: median(values) for name, values in cpu.items()}
    ratio, at_best = step_medians["in_turn"] / step_medians["ahead"], fastest["in_turn"] / fastest["ahead"]
    print(f"{options.config}: {step_medians['in_turn']:.2f} s per step synchronously, ", end="")
    print(f"{step_medians['ahead']:.2f} s one step ahead")
    print(f"  {ratio:.2f} times as fast, {at_best:.2f} times if only each step's fastest round counts")
    print(f"  CPU {used['in_turn']:.0f} and {used['ahead']:.0f} s in total")
    results = {"seconds": step_medians, "fastest": fastest, "all": steps, "cpu_seconds": used}
    print(json.dumps(vars(options) | results | {"ratio": ratio, "fastest_ratio": at_best}))


def step_seconds(record: dict[str, float]) -> float:
    """Return the seconds for which a step occupied the learner."""
    sampling = record.get("seconds/wait", record["seconds/sample"])
    return sampling + record["seconds/pack"] + record["seconds/update"]


if __name__ == "__main__":
    main()
