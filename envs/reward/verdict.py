"""Verdict: an episode's reward, its success, and the parts that they are computed from.

reward  = sum of weight x score over the scenario's checks, minus penalties, within [0, 1]
success = the outcome check alone: the site is as the goal says, and nothing else on it has changed

With `trace_only`, as in arXiv 2607.01465, the outcome's weight is divided among the other checks; success stays.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from envs.reward.checks import Check, FinishedEpisode
from envs.reward.penalties import PenaltyResult, penalties


@dataclass(frozen=True)
class CheckResult:
    """A check's part of a verdict."""

    name: str
    weight: float
    score: float
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """What an episode is worth, and why."""

    reward: float
    success: bool
    checks: tuple[CheckResult, ...]
    penalties: tuple[PenaltyResult, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def judge(episode: FinishedEpisode, checks: Sequence[Check], trace_only: bool = False) -> Verdict:
    """The verdict: a pure function of task, trace and final world.

    With `trace_only` the reward does not depend on the final world. A task that asks for no write is judged by its
    trace in any case.
    """
    trace_only = trace_only and episode.task.any_writes(episode.task.oracle)
    scored = [(check, float(check.score(episode))) for check in checks]
    success = all(score == 1.0 for check, score in scored if check.outcome)
    counted = [(check, score) for check, score in scored if not (trace_only and check.outcome)]
    whole = sum(check.weight for check, _ in counted) if trace_only else 1.0
    results = tuple(CheckResult(check.name, check.weight / whole, score, check.sentence) for check, score in counted)
    lost = penalties(episode.task, episode.trace, success or trace_only)
    reward = sum(result.weight * result.score for result in results) - sum(penalty.cost for penalty in lost)
    return Verdict(min(1.0, max(0.0, round(reward, 9))), success, results, lost)
