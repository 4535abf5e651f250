"""What a step reports: figures -> console line, metrics.jsonl, TensorBoard events."""

import json
import resource
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import numpy as np
from tensorboardX import SummaryWriter

from jaxrlvr.learner import UpdateStats
from jaxrlvr.rollout import STOPS, Group, Trajectory
from jaxrlvr.run import keep_steps

Figures = dict[str, float]


class CompileCounter:
    """Counts XLA compilations of this process; after warm-up the number must stand still."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._hear)

    def _hear(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            self.count += 1
            self.seconds += duration_secs


def peak_rss_bytes() -> int:
    """The most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def rollout_figures(groups: Sequence[Group]) -> Figures:
    """Reward, success, lengths, stops and call errors of a step's members, in all and per scenario."""
    figures: Figures = {}
    members = [member for group in groups for member in group.members]
    valid = [member for member in members if member.valid]
    by_scenario: dict[str, list[Trajectory]] = defaultdict(list)
    for group in groups:
        by_scenario[group.task.scenario] += [member for member in group.members if member.valid]
    for name, some in [("", valid), *((f"/{scenario}", some) for scenario, some in by_scenario.items())]:
        figures[f"reward{name}"] = _mean([member.verdict.reward for member in some])
        figures[f"success{name}"] = _mean([float(member.verdict.success) for member in some])
    rewards = [[member.verdict.reward for member in group.members if member.valid] for group in groups]
    figures["groups/useful"] = _mean([float(len(set(group)) > 1) for group in rewards])
    figures["tokens/sampled"] = float(sum(sum(member.sampled) for member in members))
    figures["tokens/suffix"] = _mean([len(member.tokens) for member in members])
    figures["turns"] = _mean([member.turns for member in members])
    for stop in STOPS:
        figures[f"stop/{stop}"] = _mean([float(member.stop == stop) for member in members])
    errors: dict[str, int] = defaultdict(int)
    for member in valid:
        for call in member.episode.trace:
            if call.error:
                errors[call.error] += 1
    figures |= {f"call_error/{kind}": float(count) for kind, count in sorted(errors.items())}
    return figures


def update_figures(stats: UpdateStats) -> Figures:
    """The update's means as plain numbers."""
    means = {f"update/{name}": float(value) for name, value in stats.means._asdict().items()}
    return {**means, "update/grad_norm": float(stats.grad_norm), "update/skipped": float(stats.skipped)}


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def host_share(figures: Mapping[str, float]) -> float:
    """How much of a step's wall time the device waited for simulators, texts and batches."""
    total = sum(figures[f"seconds/{part}"] for part in ("sample", "pack", "update"))
    return (figures["seconds/host"] + figures["seconds/pack"]) / total


def line(step: int, steps: int, figures: Mapping[str, float]) -> str:
    """One line for the console."""
    return (
        f"step {step:>3}/{steps}  reward {figures['reward']:.3f}  success {figures['success']:.3f}  "
        f"entropy {figures['update/entropy']:.3f}  grad {figures['update/grad_norm']:.2f}  "
        f"gap {figures['update/behaviour_gap_max']:.0e}  tokens {figures['tokens/sampled']:.0f}  "
        f"sample {figures['seconds/sample']:.1f} s  update {figures['seconds/update']:.1f} s  "
        f"host {host_share(figures):.0%}  compiles {figures['compiles']:.0f}"
    )


class MetricsLog:
    """Appends each step's figures to metrics.jsonl and TensorBoard; figures of steps after `resume_from` are dropped
    first.
    """

    def __init__(self, directory: Path, resume_from: int) -> None:
        path = directory / "metrics.jsonl"
        keep_steps(path, resume_from)
        self._file = path.open("a", encoding="utf-8")
        self._events = SummaryWriter(str(directory / "tensorboard"), purge_step=resume_from + 1, flush_secs=10)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Write one step."""
        self._file.write(json.dumps({"step": step, **figures}) + "\n")
        self._file.flush()
        for name, value in figures.items():
            self._events.add_scalar(name, value, step)

    def close(self) -> None:
        """Flush and close both files."""
        self._file.close()
        self._events.close()
