"""What a run checks after each step: does it still learn what it thinks it learns? Warn, skip, or stop and say why.

mismatch    the learner's log-probs of the step's tokens against those that the sampler recorded
updates     that are not finite, or far larger than the latest ones: skipped by the learner, counted and kept here
faults      simulators that raised: their members teach nothing
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from jaxrlvr.learning.batch import Batch
from jaxrlvr.monitoring.metrics import Figures
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime.errors import RunStopped
from jaxrlvr.runtime.settings import setting
from jaxrlvr.storage.progress import Progress

LIMITS = {"float32": (1e-5, 1e-2), "bfloat16": (1e-3, 2.0)}
"""What is tolerated unless the settings say otherwise, by what the model computes in: mean KL(sampler, learner), and
the largest difference of a token's log-probs."""
PATIENCE = 3
"""Mismatched steps in a row that end the run."""
MEMORY, WINDOW = 32, 20
"""Gradient norms that are remembered; steps over which skipped updates are counted."""
ENOUGH = 8
"""Gradient norms without which none is called far too large."""


@dataclass(frozen=True)
class GuardConfig:
    """When a run warns and stops."""

    mismatch_kl: float = setting(0.0, at_least=0, on_resume="harmless")
    """Mean KL between sampler and learner from which a step counts as mismatched; 0 for 1e-5 in float32, 1e-3 in
    bfloat16.
    """
    mismatch_gap: float = setting(0.0, at_least=0, on_resume="harmless")
    """Largest difference of a token's log-probs, likewise; 0 for 0.01 in float32, 2 in bfloat16."""
    explode: float = setting(100.0, at_least=0, on_resume="harmless")
    """Skip an update if its gradient norm is more than this many times the median of recent norms; 0 skips none."""
    max_skipped: int = setting(5, at_least=1, on_resume="harmless")
    """Skipped updates in 20 steps that end the run."""
    max_faults: float = setting(0.1, at_least=0, at_most=1, on_resume="harmless")
    """Share of a step's members with failed simulators above which the run ends."""
    stall_seconds: int = setting(1800, at_least=0, on_resume="harmless")
    """Seconds without progress after which the run prints where it hangs; after as many again it ends. 0 waits for
    ever.
    """


def review(
    progress: Progress,
    step: int,
    figures: Figures,
    groups: Sequence[Group],
    config: GuardConfig,
    dtype: str,
    corrected: bool,
) -> list[str]:
    """The warnings of a step of a model that computes in `dtype`, with an objective that is or is not `corrected` for a
    sampler unlike the learner. Raises RunStopped if the run should not go on.
    """
    said = (
        updates(progress, step, figures, config),
        faults(groups, config),
        mismatch(progress, figures, config, dtype, corrected),
    )
    return [one for one in said if one]


def mismatch(progress: Progress, figures: Figures, config: GuardConfig, dtype: str, corrected: bool) -> str:
    """A warning if sampler and learner disagree in this step, else "". Raises RunStopped after PATIENCE such steps,
    unless the objective corrects for it.
    """
    usual = LIMITS[dtype]
    kl, gap = figures["update/behaviour_kl"], figures["update/behaviour_gap_max"]
    # One step ahead these two are of another policy than the one that sampled: then it is compared by itself.
    kl, gap = figures.get("mismatch/kl", kl), figures.get("mismatch/gap_max", gap)
    kl_limit, gap_limit = config.mismatch_kl or usual[0], config.mismatch_gap or usual[1]
    # Written so that NaN counts as over the limit.
    if kl <= kl_limit and gap <= gap_limit:
        progress.mismatched = 0
        return ""
    progress.mismatched += 1
    said = (
        f"sampler and learner disagree: KL {kl:.1e} (limit {kl_limit:.0e}), "
        f"largest log-prob difference {gap:.1e} (limit {gap_limit:.0e})"
    )
    if progress.mismatched < PATIENCE or corrected:
        return said
    raise RunStopped(
        f"{said}, in {PATIENCE} steps in a row. Check that both use the same weights and temperature, that "
        "--policy.compute-dtype float32 makes it go away (then it is rounding: set --grpo.correction token and "
        "--guards.mismatch-kl), and that the chat template and the buckets are those that the run began with"
    )


def norm_limit(progress: Progress, config: GuardConfig) -> float:
    """The gradient norm above which the next update is skipped; infinite while too few are known."""
    if not config.explode or len(progress.norms) < ENOUGH:
        return math.inf
    return config.explode * median(progress.norms)


def updates(progress: Progress, step: int, figures: Figures, config: GuardConfig) -> str:
    """Note how the step's update went; what to say of a skipped one, else "". Raises RunStopped after too many."""
    norm = figures["update/grad_norm"]
    if not figures["update/skipped"]:
        # A step without any signal has a norm of 0 and says nothing about size.
        progress.norms = [*progress.norms, norm][-MEMORY:] if norm > 0 else progress.norms
        return ""
    progress.skipped.append(step)
    recent = [one for one in progress.skipped if one > step - WINDOW]
    if not math.isfinite(norm):
        why = "is not finite"
    elif norm > norm_limit(progress, config):
        why = f"is over {config.explode:g} times the usual one"
    else:
        why = "is sound but the optimizer's change is not finite"
    said = f"step {step}: update skipped, its gradient norm {norm:.3g} {why}; its batch is kept in skipped/"
    if len(recent) < config.max_skipped:
        return said
    raise RunStopped(
        f"{said}. {len(recent)} of the last {WINDOW} updates were skipped: lower --optimizer.learning-rate, look at "
        "the kept batches, or try --policy.compute-dtype float32; --resume goes on from the last checkpoint"
    )


def keep_batches(directory: Path, step: int, batches: Sequence[Batch]) -> Path:
    """Write a skipped update's micro-batches to step-N.npz, fields numbered like the micro-batches."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"step-{step:05d}.npz"
    arrays = {
        f"{number}/{name}": np.asarray(value)
        for number, batch in enumerate(batches)
        for name, value in batch._asdict().items()
    }
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file


def faults(groups: Sequence[Group], config: GuardConfig) -> str:
    """What to say of members whose simulators failed, else "". Raises RunStopped with the first traceback above the
    rate.
    """
    members = [(group.task, member) for group in groups for member in group.members]
    failed = [(task, member.fault) for task, member in members if member.fault]
    if not failed:
        return ""
    task, trace = failed[0]
    where = f"{task.scenario}, {task.split} task {task.seed}"
    if len(failed) <= config.max_faults * len(members):
        return f"{len(failed)} simulators failed and teach nothing; the first ({where}): {trace.splitlines()[-1]}"
    raise RunStopped(
        f"{len(failed)} of {len(members)} simulators failed, more than --guards.max-faults {config.max_faults:g}. "
        f"The first ({where}):\n{trace}"
    )
