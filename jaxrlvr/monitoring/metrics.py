"""A step's figures: compute them from groups, advantages and updates; write them to metrics.jsonl and TensorBoard."""

import json
import resource
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from envs.task import Task
from jaxrlvr.learning.batch import Batch
from jaxrlvr.learning.learner import UpdateStats
from jaxrlvr.monitoring.tensorboard import EventFile
from jaxrlvr.rollout.dynamic_sampling import StepGroups
from jaxrlvr.rollout.trajectory import STOPS, Group, Trajectory
from jaxrlvr.runtime.timing import Figures
from jaxrlvr.storage.atomic_files import keep_steps

MACHINE_DEPENDENT = ("seconds/", "speed/", "memory/", "compiles")
"""Prefixes of figures that vary with the machine; the config determines all others."""
TRUNCATED = ("turn_limit", "length", "max_turns")
"""Stops that cut a member off."""
MALFORMED = ("malformed_json", "malformed_call")
"""Errors of calls that could not be parsed."""


class CompileCounter:
    """Counts the XLA compilations of this process; after warm-up the count must not change."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0
        jax.monitoring.register_event_duration_secs_listener(self._on_event)

    def _on_event(self, event: str, duration_secs: float, **_: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            self.count += 1
            self.seconds += duration_secs

    def figures(self) -> Figures:
        """Return the count as the figure `compiles`."""
        return {"compiles": float(self.count)}


def peak_rss_bytes() -> int:
    """Return the peak resident memory of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def rollout_figures(groups: Sequence[Group]) -> Figures:
    """Compute rewards, group outcomes, lengths, stops and calls of a step's members, overall and per scenario."""
    members = [member for group in groups for member in group.members]
    figures: Figures = {"tokens/sampled": float(sum(sum(member.sampled) for member in members))}
    figures["tokens/suffix"] = _mean([len(member.tokens) for member in members])
    by_scenario: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_scenario[group.task.scenario].append(group)
    for suffix, part in [("", groups), *((f"/{scenario}", part) for scenario, part in by_scenario.items())]:
        figures |= {f"{figure}{suffix}": value for figure, value in _member_figures(part).items()}
    errors: dict[str, float] = defaultdict(float)
    for group in groups:
        for member in group.members:
            for call in member.episode.trace if member.valid else ():
                if call.error:
                    errors[f"call_error/{call.error}"] += 1
                    errors[f"call_error/{call.error}/{group.task.scenario}"] += 1
    return figures | dict(sorted(errors.items()))


def _member_figures(groups: Sequence[Group]) -> Figures:
    """Compute means over the members of some groups.

    Members whose simulators failed count only in lengths, turns, stops and surprise.
    """
    members = [member for group in groups for member in group.members]
    valid = [(group, member) for group in groups for member in group.members if member.valid]
    verdicts = [member.verdict for _, member in valid]
    calls = [list(member.episode.trace) for _, member in valid]
    figures = {
        "reward": _mean([verdict.reward for verdict in verdicts]),
        "success": _mean([float(verdict.success) for verdict in verdicts]),
        "turns": _mean([member.turns for member in members]),
        "length": _mean([sum(member.sampled) for member in members]),
        "truncated": _mean([float(member.stop in TRUNCATED) for member in members]),
        "calls": _mean([len(trace) for trace in calls]),
        "calls/failed": _mean([sum(bool(call.error) for call in trace) for trace in calls]),
        "calls/formed": _mean(
            [
                float(any(call.error not in MALFORMED for call in trace))
                for (group, _), trace in zip(valid, calls, strict=True)
                if not needs_no_call(group.task)
            ]
        ),
        "surprise": _surprise(members),
        **{f"stop/{stop}": _mean([float(member.stop == stop) for member in members]) for stop in STOPS},
    }
    # Over tasks that need no call at all.
    called = [bool(trace) for (group, _), trace in zip(valid, calls, strict=True) if needs_no_call(group.task)]
    if called:
        figures["overcalling"] = _mean([float(has_called) for has_called in called])
    # Over tasks to be answered or refused after reading.
    reading = [(group.task, trace) for (group, _), trace in zip(valid, calls, strict=True) if only_reads(group.task)]
    if reading:
        figures["overwriting"] = _mean([float(task.any_writes(trace)) for task, trace in reading])
    return figures | {f"groups/{outcome}": share for outcome, share in _group_outcomes(groups).items()}


def needs_no_call(task: Task) -> bool:
    """Whether a task is solved without any call."""
    return len(task.oracle) == 0


def only_reads(task: Task) -> bool:
    """Whether a task is solved by reading alone."""
    return not needs_no_call(task) and not task.any_writes(task.oracle)


def _group_outcomes(groups: Sequence[Group]) -> Figures:
    """Compute the shares of groups with different rewards (useful), else all solved (flat_high) or not (flat_low)."""
    useful, high = [], []
    for group in groups:
        verdicts = [member.verdict for member in group.members if member.valid]
        useful.append(_differs(group))
        high.append(not useful[-1] and bool(verdicts) and all(verdict.success for verdict in verdicts))
    share = {"useful": _mean([float(flag) for flag in useful]), "flat_high": _mean([float(flag) for flag in high])}
    return share | {"flat_low": max(0.0, 1 - share["useful"] - share["flat_high"])}


def _surprise(members: Sequence[Trajectory]) -> float:
    """Compute the mean -log-prob of the sampled tokens, an estimate of the policy's entropy."""
    sampled = sum(sum(member.sampled) for member in members)
    return -sum(sum(member.logprobs) for member in members) / max(1, sampled)


def step_figures(step_groups: StepGroups, seconds: Figures) -> Figures:
    """Compute all figures of a step but those of its update; `seconds` has the step's `seconds/*`."""
    figures = rollout_figures(step_groups.played) | advantage_figures(step_groups.groups, step_groups.advantages_BG)
    figures |= {"groups/played": float(len(step_groups.played)), "groups/refills": float(step_groups.refills)}
    return figures | machine_figures({**seconds, **figures})


def advantage_figures(groups: Sequence[Group], advantage_BG: np.ndarray) -> Figures:
    """Compute the mean |advantage| [B, G] and the share of groups whose rewards differ but whose advantages are all 0.

    The outcome gate silences such groups. Overall and per scenario.
    """
    names = np.array([group.task.scenario for group in groups])
    differs_B = np.array([_differs(group) for group in groups])
    silenced_B = differs_B & ~advantage_BG.any(axis=1)
    figures = {}
    for name in ("", *dict.fromkeys(names.tolist())):
        in_scenario_B = names == name if name else np.ones(len(groups), bool)
        suffix = f"/{name}" if name else ""
        figures[f"advantage{suffix}"] = float(np.abs(advantage_BG[in_scenario_B]).mean())
        figures[f"groups/silenced{suffix}"] = float(silenced_B[in_scenario_B].mean())
    return figures


def _differs(group: Group) -> bool:
    return len({member.verdict.reward for member in group.members if member.valid and member.verdict}) > 1


def machine_figures(figures: Figures) -> Figures:
    """Compute speed and memory, which depend on the machine and its load, from a step's seconds and tokens."""
    machine = {
        "speed/sampled_tokens": figures["tokens/sampled"] / max(figures["seconds/sample"], 1e-9),
        "speed/learned_tokens": figures["tokens/sampled"] / max(figures["seconds/update"], 1e-9),
        "speed/device_share": 1 - host_share(figures),
        "memory/host_bytes": float(peak_rss_bytes()),
    }
    peaks = [(device.memory_stats() or {}).get("peak_bytes_in_use", 0) for device in jax.local_devices()]
    return machine | ({"memory/device_bytes": float(max(peaks))} if any(peaks) else {})


def update_figures(stats: UpdateStats, batches: Sequence[Batch], scenarios: Sequence[str] = ()) -> Figures:
    """Compute an update's means overall and per scenario, and the suffix positions it processed, padding included.

    `scenarios` has each group's scenario in the micro-batches' order. The scenarios' means, weighted by their
    `tokens/learned`, average to the step's; a scenario without a sampled token has none.
    """
    means = {f"update/{name}": float(value) for name, value in stats.means._asdict().items() if name != "groups"}
    figures = {**means, "update/grad_norm": float(stats.grad_norm), "update/skipped": float(stats.skipped)}
    suffixes = [batch.suffix_BGT if batch.packed is None else batch.packed.tokens_BRS for batch in batches]
    figures["update/places"] = float(sum(tokens.size for tokens in suffixes))
    if stats.groups is None:
        return figures
    names = np.array(scenarios)
    for scenario in dict.fromkeys(scenarios):
        stats_B = {name: x_B[: len(names)][names == scenario] for name, x_B in stats.groups._asdict().items()}
        tokens = float(stats_B.pop("tokens").sum())
        figures[f"tokens/learned/{scenario}"] = tokens
        for name, x_B in stats_B.items() if tokens else ():
            figure = x_B.max() if name == "behaviour_gap_max" else x_B.sum(dtype=np.float64) / tokens
            figures[f"update/{name}/{scenario}"] = float(figure)
    return figures


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def host_share(figures: Figures) -> float:
    """Compute the share of a step's wall time in which the device waited for simulators, tokenizer and packing."""
    total = sum(figures[f"seconds/{part}"] for part in ("sample", "pack", "update"))
    return (figures["seconds/host"] + figures["seconds/pack"]) / total


class MetricsLog:
    """Appends each step's figures to metrics.jsonl and TensorBoard.

    Figures that an earlier process wrote of steps after `resume_from` are dropped first.
    """

    def __init__(self, directory: Path, resume_from: int) -> None:
        path = directory / "metrics.jsonl"
        keep_steps(path, resume_from)
        self._file = path.open("a", encoding="utf-8")
        self._events = EventFile(directory / "tensorboard", resume_from + 1)

    def write(self, step: int, figures: Figures) -> None:
        """Write a step's figures to both."""
        self._file.write(json.dumps({"step": step, **figures}) + "\n")
        self._file.flush()
        self.write_events(step, figures)

    def write_events(self, step: int, figures: Figures) -> None:
        """Write figures to TensorBoard only."""
        self._events.write(step, figures)

    def close(self) -> None:
        """Flush and close both files."""
        self._file.close()
        self._events.close()
