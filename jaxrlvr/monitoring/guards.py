"""Checks after each step that training is still sound: warn, skip the update, or stop the run with a reason.

mismatch    the learner's log-probs of the step's tokens differ from those the sampler recorded
updates     not finite, or far larger than recent ones: the learner skips them, this module counts them
faults      simulators that raised: their members have no verdict and no gradient
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

import jax
import numpy as np

from jaxrlvr.learning.batch import Batch
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime.errors import RunStopped
from jaxrlvr.runtime.settings import setting
from jaxrlvr.runtime.timing import Figures
from jaxrlvr.storage.progress import Progress

DEFAULT_LIMITS = {"float32": (1e-5, 1e-2), "bfloat16": (1e-3, 2.0)}
"""By compute dtype: default limits of the mean KL(sampler, learner) and of the largest log-prob difference of a
token."""
MAX_MISMATCHED = 3
"""Mismatched steps in a row that end the run."""
NORM_HISTORY, SKIP_WINDOW = 32, 20
"""Gradient norms to remember; steps in which skipped updates are counted."""
MIN_NORMS = 8
"""Gradient norms below which no update counts as too large."""


@dataclass(frozen=True)
class GuardConfig:
    """Limits at which a run warns or stops."""

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
    """Seconds without progress after which the run prints where it hangs; after as many again it ends. 0 disables the
    watchdog.
    """


class MismatchLimits(NamedTuple):
    """Limits on the difference between sampler and learner."""

    kl: float
    """Mean KL(sampler, learner) of a step."""
    gap: float
    """Largest log-prob difference of a token."""
    corrected: bool
    """Whether the objective corrects for a differing sampler; a mismatch then only warns."""


def mismatch_limits(config: GuardConfig, dtype: str, corrected: bool) -> MismatchLimits:
    """Return the limits for a model that computes in `dtype`."""
    kl, gap = DEFAULT_LIMITS[dtype]
    return MismatchLimits(config.mismatch_kl or kl, config.mismatch_gap or gap, corrected)


def check_step(
    progress: Progress,
    step: int,
    figures: Figures,
    groups: Sequence[Group],
    config: GuardConfig,
    limits: MismatchLimits,
) -> list[str]:
    """Run all checks of a step and update `progress`. Returns the warnings; raises RunStopped if the run must end."""
    warnings = (
        check_update(progress, step, figures, config),
        check_faults(groups, config),
        check_mismatch(progress, figures, limits),
    )
    return [warning for warning in warnings if warning]


def check_mismatch(progress: Progress, figures: Figures, limits: MismatchLimits) -> str:
    """Return a warning if sampler and learner differ in this step, else "".

    Raises RunStopped after MAX_MISMATCHED such steps in a row, unless the objective corrects for the difference.
    """
    # One step ahead, `update/*` compares different policies; `mismatch/*` compares the sampling policy with itself.
    kl = figures.get("mismatch/kl", figures["update/behaviour_kl"])
    gap = figures.get("mismatch/gap_max", figures["update/behaviour_gap_max"])
    # Written so that NaN exceeds the limit.
    if kl <= limits.kl and gap <= limits.gap:
        progress.mismatched = 0
        return ""
    progress.mismatched += 1
    warning = (
        f"sampler and learner disagree: KL {kl:.1e} (limit {limits.kl:.0e}), "
        f"largest log-prob difference {gap:.1e} (limit {limits.gap:.0e})"
    )
    if progress.mismatched < MAX_MISMATCHED or limits.corrected:
        return warning
    raise RunStopped(
        f"{warning}, in {MAX_MISMATCHED} steps in a row. Check that both use the same weights and temperature, and "
        "that chat template and buckets have not changed since the run began. If --policy.compute-dtype float32 makes "
        "it go away, it is rounding: set --grpo.correction token and --guards.mismatch-kl"
    )


def norm_limit(progress: Progress, config: GuardConfig) -> float:
    """Return the gradient norm above which the next update is skipped; infinite until MIN_NORMS are known."""
    if not config.explode or len(progress.norms) < MIN_NORMS:
        return math.inf
    return config.explode * median(progress.norms)


def check_update(progress: Progress, step: int, figures: Figures, config: GuardConfig) -> str:
    """Record the step's gradient norm or skipped update. Returns a warning of a skipped one, else "".

    Raises RunStopped after `config.max_skipped` skipped updates in SKIP_WINDOW steps.
    """
    norm = figures["update/grad_norm"]
    if not figures["update/skipped"]:
        # A step whose rewards are all flat has norm 0, which does not tell how large updates are.
        progress.norms = [*progress.norms, norm][-NORM_HISTORY:] if norm > 0 else progress.norms
        return ""
    progress.skipped.append(step)
    recent = [skipped for skipped in progress.skipped if skipped > step - SKIP_WINDOW]
    if not math.isfinite(norm):
        reason = "is not finite"
    elif norm > norm_limit(progress, config):
        reason = f"is over {config.explode:g} times the median"
    else:
        reason = "is sound but the optimizer's change is not finite"
    warning = f"step {step}: update skipped, its gradient norm {norm:.3g} {reason}; its batches are saved in skipped/"
    if len(recent) < config.max_skipped:
        return warning
    raise RunStopped(
        f"{warning}. {len(recent)} of the last {SKIP_WINDOW} updates were skipped: lower --optimizer.learning-rate, "
        "inspect the saved batches, or try --policy.compute-dtype float32; --resume continues from the last checkpoint"
    )


def save_batches(directory: Path, step: int, batches: Sequence[Batch]) -> Path:
    """Write a skipped update's micro-batches to step-N.npz, as arrays named NUMBER/FIELD. Returns the file.

    Fields of shared rows are named NUMBER/packed.FIELD.
    """
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"step-{step:05d}.npz"
    arrays = {
        f"{number}/{jax.tree_util.keystr(path, simple=True, separator='.')}": np.asarray(value)
        for number, batch in enumerate(batches)
        for path, value in jax.tree.leaves_with_path(batch)
    }
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file


def check_faults(groups: Sequence[Group], config: GuardConfig) -> str:
    """Return a warning if simulators failed, else "".

    Raises RunStopped with the first traceback if the share of failed members exceeds `config.max_faults`.
    """
    members = [(group.task, member) for group in groups for member in group.members]
    failed = [(task, member.fault) for task, member in members if member.fault]
    if not failed:
        return ""
    task, trace = failed[0]
    where = f"{task.scenario}, {task.split} task {task.seed}"
    if len(failed) <= config.max_faults * len(members):
        error = trace.splitlines()[-1]
        return f"{len(failed)} of {len(members)} simulators failed and teach nothing; the first ({where}): {error}"
    raise RunStopped(
        f"{len(failed)} of {len(members)} simulators failed, more than --guards.max-faults {config.max_faults:g}. "
        f"The first ({where}):\n{trace}"
    )
