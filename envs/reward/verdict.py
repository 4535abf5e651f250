"""Verdicts: an episode's reward and success, and the parts that they are computed from.

reward  = sum of weight x score over the scenario's checks, minus penalties, clipped to [0, 1]
success = the outcome check alone: the final site is the one that the oracle's calls leave

With `trace_only`, as in arXiv 2607.01465, the outcome's weight is divided among the other checks in proportion to their
weights; success is unaffected.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from envs.reward.checks import Check, FinishedEpisode
from envs.reward.penalties import PenaltyResult, penalties


@dataclass(frozen=True)
class CheckResult:
    """One check in a verdict."""

    name: str
    weight: float
    score: float
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The reward and success of an episode, with their parts."""

    reward: float
    success: bool
    checks: tuple[CheckResult, ...]
    penalties: tuple[PenaltyResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def judge(episode: FinishedEpisode, checks: Sequence[Check], trace_only: bool = False) -> Verdict:
    """Judge an episode by a scenario's checks: a pure function of task, trace and final world.

    With `trace_only` the reward does not depend on the final world. It has no effect on a task whose oracle writes
    nothing, which the trace decides anyway.
    """
    trace_only = trace_only and episode.task.any_writes(episode.task.oracle)
    scored = [(check, float(check.score(episode))) for check in checks]
    success = all(score == 1.0 for check, score in scored if check.outcome)
    counted = [(check, score) for check, score in scored if not (trace_only and check.outcome)]
    total = sum(check.weight for check, _ in counted) if trace_only else 1.0
    results = tuple(CheckResult(check.name, check.weight / total, score, check.sentence) for check, score in counted)
    faults = penalties(episode.task, episode.trace, success or trace_only)
    reward = sum(result.weight * result.score for result in results) - sum(fault.cost for fault in faults)
    return Verdict(min(1.0, max(0.0, round(reward, 9))), success, results, faults)
