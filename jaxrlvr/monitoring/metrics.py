"""What a step reports: figures -> console line, metrics.jsonl, TensorBoard events."""

import json
import re
import resource
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import jax
import numpy as np

from envs.task import Task
from jaxrlvr.learning.batch import Batch
from jaxrlvr.learning.learner import UpdateStats
from jaxrlvr.learning.objective import GroupStats
from jaxrlvr.monitoring.tensorboard import Events
from jaxrlvr.rollout.dynamic_sampling import StepGroups
from jaxrlvr.rollout.rollout import STOPS, Group, Trajectory
from jaxrlvr.storage.atomic_files import keep_steps

Figures = dict[str, float]
CLOCKED = ("seconds/", "speed/", "memory/", "compiles")
"""How the names of figures begin that depend on the machine; all others follow from the config."""
TRUNCATED = ("turn_limit", "length", "max_turns")
"""Stops that the model did not choose."""
MALFORMED = ("malformed_json", "malformed_call")
"""Errors of calls that could not be read."""


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

    def figures(self) -> Figures:
        """The number, as a figure."""
        return {"compiles": float(self.count)}


def peak_rss_bytes() -> int:
    """The most memory this process has held, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def rollout_figures(groups: Sequence[Group]) -> Figures:
    """Rewards, kinds of groups, lengths, stops and calls of a step's members, in all and per scenario."""
    members = [member for group in groups for member in group.members]
    figures: Figures = {"tokens/sampled": float(sum(sum(member.sampled) for member in members))}
    figures["tokens/suffix"] = _mean([len(member.tokens) for member in members])
    by_scenario: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_scenario[group.task.scenario].append(group)
    for name, some in [("", groups), *((f"/{scenario}", some) for scenario, some in by_scenario.items())]:
        figures |= {f"{figure}{name}": value for figure, value in _health(some).items()}
    errors: dict[str, float] = defaultdict(float)
    for group in groups:
        for member in group.members:
            for call in member.episode.trace if member.valid else ():
                if call.error:
                    errors[f"call_error/{call.error}"] += 1
                    errors[f"call_error/{call.error}/{group.task.scenario}"] += 1
    return figures | dict(sorted(errors.items()))


def _health(groups: Sequence[Group]) -> Figures:
    """How the members of some groups did; those whose simulators failed count in lengths and turns alone."""
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
        "calls": _mean([len(made) for made in calls]),
        "calls/failed": _mean([sum(bool(call.error) for call in made) for made in calls]),
        "calls/formed": _mean(
            [
                float(any(call.error not in MALFORMED for call in made))
                for (group, _), made in zip(valid, calls, strict=True)
                if not needs_no_call(group.task)
            ]
        ),
        "surprise": _surprise(members),
        **{f"stop/{stop}": _mean([float(member.stop == stop) for member in members]) for stop in STOPS},
    }
    # Of tasks that ask for no call at all.
    idle = [bool(made) for (group, _), made in zip(valid, calls, strict=True) if needs_no_call(group.task)]
    if idle:
        figures["overcalling"] = _mean([float(called) for called in idle])
    # Of tasks that are to be answered or refused after reading.
    reading = [(group.task, made) for (group, _), made in zip(valid, calls, strict=True) if only_reads(group.task)]
    if reading:
        figures["overwriting"] = _mean([float(task.any_writes(made)) for task, made in reading])
    return figures | {f"groups/{kind}": share for kind, share in _group_kinds(groups).items()}


def needs_no_call(task: Task) -> bool:
    """Whether a task is fulfilled by calling nothing."""
    return len(task.oracle) == 0


def only_reads(task: Task) -> bool:
    """Whether a task is fulfilled by reading and changing nothing."""
    return not needs_no_call(task) and not task.any_writes(task.oracle)


def _group_kinds(groups: Sequence[Group]) -> Figures:
    """Shares of groups whose rewards differ, and of those in which all succeed alike or fail alike."""
    useful, high = [], []
    for group in groups:
        verdicts = [member.verdict for member in group.members if member.valid]
        useful.append(_differs(group))
        high.append(not useful[-1] and bool(verdicts) and all(verdict.success for verdict in verdicts))
    share = {"useful": _mean([float(one) for one in useful]), "flat_high": _mean([float(one) for one in high])}
    return share | {"flat_low": 1 - share["useful"] - share["flat_high"]}


def _surprise(members: Sequence[Trajectory]) -> float:
    """Mean -log-prob of the sampled tokens: an estimate of the entropy from the samples themselves."""
    sampled = sum(sum(member.sampled) for member in members)
    return -sum(sum(member.logprobs) for member in members) / max(1, sampled)


def step_figures(drawn: StepGroups, figures: Mapping[str, float]) -> Figures:
    """Everything that a step reports beside its update; `figures` has its seconds."""
    found = rollout_figures(drawn.groups) | advantage_figures(*drawn.used)
    found |= {"groups/played": float(len(drawn.groups)), "groups/refills": float(drawn.refills)}
    return found | machine_figures({**figures, **found})


def advantage_figures(groups: Sequence[Group], advantage_BG: np.ndarray) -> Figures:
    """Mean size of the advantages [B, G], which is what pushes the step, and the share of groups that the outcome gate
    silenced: their rewards differ and they teach nothing. In all and per scenario.
    """
    names = np.array([group.task.scenario for group in groups])
    differs_B = np.array([_differs(group) for group in groups])
    silenced_B = differs_B & ~advantage_BG.any(axis=1)
    figures = {}
    for name in ("", *dict.fromkeys(names.tolist())):
        own_B = names == name if name else np.ones(len(groups), bool)
        suffix = f"/{name}" if name else ""
        figures[f"advantage{suffix}"] = float(np.abs(advantage_BG[own_B]).mean())
        figures[f"groups/silenced{suffix}"] = float(silenced_B[own_B].mean())
    return figures


def _differs(group: Group) -> bool:
    return len({member.verdict.reward for member in group.members if member.valid and member.verdict}) > 1


def machine_figures(figures: Mapping[str, float]) -> Figures:
    """Speed and memory: what depends on the machine and on what else it does. Reads the step's seconds and tokens."""
    found = {
        "speed/sampled_tokens": figures["tokens/sampled"] / max(figures["seconds/sample"], 1e-9),
        "speed/learned_tokens": figures["tokens/sampled"] / max(figures["seconds/update"], 1e-9),
        "speed/device_share": 1 - host_share(figures),
        "memory/host_bytes": float(peak_rss_bytes()),
    }
    peaks = [(device.memory_stats() or {}).get("peak_bytes_in_use", 0) for device in jax.local_devices()]
    return found | ({"memory/device_bytes": float(max(peaks))} if any(peaks) else {})


def update_figures(stats: UpdateStats, batches: Sequence[Batch], scenarios: Sequence[str] = ()) -> Figures:
    """The update's means as plain numbers, how many places of suffixes it computed, padding included, and the means of
    each scenario's tokens; `scenarios` are the groups' own, in the micro-batches' order.

    Means of scenarios, weighted by their `tokens/learned`, give those of the step; a scenario without a token has none.
    """
    means = {f"update/{name}": float(value) for name, value in stats.means._asdict().items() if name != "groups"}
    figures = {**means, "update/grad_norm": float(stats.grad_norm), "update/skipped": float(stats.skipped)}
    suffixes = [batch.suffix_BGT if batch.packed is None else batch.packed.tokens_BRS for batch in batches]
    figures["update/places"] = float(sum(tokens.size for tokens in suffixes))
    if stats.groups is None:
        return figures
    names = np.array(scenarios)
    for scenario in dict.fromkeys(scenarios):
        own = GroupStats(*(value[: len(names)][names == scenario] for value in stats.groups))
        tokens = float(own.tokens.sum())
        figures[f"tokens/learned/{scenario}"] = tokens
        for name, value in own._asdict().items() if tokens else ():
            if name != "tokens":
                found = value.max() if name == "behaviour_gap_max" else value.sum(dtype=np.float64) / tokens
                figures[f"update/{name}/{scenario}"] = float(found)
    return figures


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0


def host_share(figures: Mapping[str, float]) -> float:
    """How much of a step's wall time the device waited for simulators, texts and batches."""
    total = sum(figures[f"seconds/{part}"] for part in ("sample", "pack", "update"))
    return (figures["seconds/host"] + figures["seconds/pack"]) / total


def scenario_line(figures: Mapping[str, float]) -> str:
    """Each scenario's success, and the share of its groups whose members differ: those that teach; its entropy; members
    cut off; and of tasks that ask for no call, how many were answered with one.
    """
    names = [name.split("/", 1)[1] for name in figures if name.startswith("success/")]

    def told(name: str) -> str:
        idle, entropy = figures.get(f"overcalling/{name}"), figures.get(f"update/entropy/{name}")
        more = "" if entropy is None else f", entropy {entropy:.2f}"
        if cut := figures[f"truncated/{name}"]:
            more += f", {cut:.0%} cut"
        if idle is not None:
            more += f", {idle:.0%} call for nothing"
        return f"{name} {figures[f'success/{name}']:.2f} ({figures[f'groups/useful/{name}']:.0%} useful{more})"

    return "  ".join(map(told, names))


def line(step: int, steps: int, figures: Mapping[str, float]) -> str:
    """One line for the console."""
    return (
        f"step {step:>3}/{steps}  reward {figures['reward']:.3f}  success {figures['success']:.3f}  "
        f"entropy {figures['update/entropy']:.3f}  grad {figures['update/grad_norm']:.2f}  "
        f"gap {figures['update/behaviour_gap_max']:.0e}  tokens {figures['tokens/sampled']:.0f}  "
        f"sample {figures['seconds/sample']:.1f} s  update {figures['seconds/update']:.1f} s  "
        f"host {host_share(figures):.0%}  of peak {figures['speed/sample_utilisation']:.1%} "
        f"{figures['speed/update_utilisation']:.0%}  compiles {figures['compiles']:.0f}"
    )


def health_line(figures: Mapping[str, float]) -> str:
    """One line for the console of what explains a step: groups, update, lengths, calls, speed."""
    figure = defaultdict(float, figures)
    refused = figure["calls/failed"] / figure["calls"] if figure["calls"] else 0.0
    text = (
        f"groups {figure['groups/useful']:.0%} useful {figure['groups/flat_high']:.0%} flat high "
        f"{figure['groups/flat_low']:.0%} flat low  advantage {figure['advantage']:.2f}  "
        f"kl {figure['update/kl']:.0e}  "
        f"clipped {figure['update/clipped_low']:.1%} {figure['update/clipped_high']:.1%}  "
        f"length {figure['length']:.0f}  turns {figure['turns']:.1f}  cut {figure['truncated']:.0%}  "
        f"calls refused {refused:.0%}  {figure['speed/sampled_tokens']:.0f} tokens/s  "
        f"memory {figure['memory/host_bytes'] / 1e9:.1f} GB"
    )
    errors = {name.split("/")[1]: n for name, n in figures.items() if re.fullmatch("call_error/[^/]+", name)}
    if errors:
        text += "  errors " + " ".join(f"{name} {n:.0f}" for name, n in sorted(errors.items()))
    return text


class MetricsLog:
    """Appends each step's figures to metrics.jsonl and TensorBoard; figures of steps after `resume_from` are dropped
    first.
    """

    def __init__(self, directory: Path, resume_from: int) -> None:
        path = directory / "metrics.jsonl"
        keep_steps(path, resume_from)
        self._file = path.open("a", encoding="utf-8")
        self._events = Events(directory / "tensorboard", resume_from + 1)

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Write one step."""
        self._file.write(json.dumps({"step": step, **figures}) + "\n")
        self._file.flush()
        self.show(step, figures)

    def show(self, step: int, figures: Mapping[str, float]) -> None:
        """Add figures to TensorBoard alone."""
        self._events.write(step, figures)

    def close(self) -> None:
        """Flush and close both files."""
        self._file.close()
        self._events.close()
