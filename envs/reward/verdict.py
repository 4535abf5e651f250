"""Verdicts: an episode's reward and success, and the parts that they are computed from.

    success   the site differs from the initial one exactly as after the oracle's calls, and what the model says is true
    reward    of a success: 1 minus the penalties, at least 0.8
              otherwise: 0.7 x (the sum of weight x score over the parts - penalties), at least 0

So every success of a task earns more than every failure. The parts follow from the oracle alone (`envs.reward.goal`):

    found     the values that had to be read, a part per read, and the scenario's own checks; together 0.35
    done      the agreement of the site's changes with the oracle's, or of the answer with the facts; 0.55
    stopped   the same, if the model ended the episode; 0.10

A call that the API refused changes nothing, so it earns nothing. With `trace_only`, as in arXiv 2607.01465, the reward
does not depend on the final site: `done` compares accepted calls with the oracle's, and the reward is the sum of the
parts minus the penalties, from 0 to 1. Success is unaffected.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from envs.api.json_paths import leafwise
from envs.reward.checks import Check, FinishedEpisode
from envs.reward.goal import changes_made, goal_of, shares_read
from envs.reward.penalties import PenaltyResult, penalties
from envs.reward.site_diff import agreement
from envs.reward.truthfulness import truthfulness
from envs.task import Task
from envs.trace import Trace

RULES = 2
"""Version of the rules of scoring: verdicts of different versions cannot be compared."""
LEAST_SUCCESS, MOST_FAILURE = 0.8, 0.7
"""The least reward of a success, and the greatest of a failure."""
FOUND, DONE, STOPPED = 0.35, 0.55, 0.10
"""Weights of the parts; a task that needs no reading divides FOUND among the others."""


@dataclass(frozen=True)
class CheckResult:
    """One part in a verdict."""

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


def judge(episode: FinishedEpisode, checks: Sequence[Check] = (), trace_only: bool = False) -> Verdict:
    """Judge an episode by its oracle and a scenario's own checks: a pure function of task, trace and final world.

    `trace_only` has no effect on a task whose oracle writes nothing, which the trace decides anyway.
    """
    task, trace, goal = episode.task, episode.trace, goal_of(episode.task)
    made = changes_made(goal, task, trace, episode.final)
    same_site = made == goal.changes
    truth = truthfulness(episode, same_site)
    found = [
        (f"found/{read.operation}", share, f"The model read what {read.operation} returns and the task needs.")
        for read, share in shares_read(goal, trace)
    ]
    own = [(check, score) for check in checks if (score := check.score(episode)) is not None]
    demands_met = all(score == 1.0 for check, score in own if check.required)
    success = same_site and truth == 1.0 and demands_met
    if not goal.changes:
        success = success and all(share == 1.0 for _, share, _ in found)
    trace_only = trace_only and bool(goal.changes)
    if trace_only:
        alike = like_oracle(task, trace)
        done = alike * truthfulness(episode, alike == 1.0)
    elif goal.changes:
        done = truth * (1.0 if same_site else agreement(goal.changes, made))
    else:
        done = truth * float(same_site and demands_met)
    found += [(f"found/{check.name}", score, check.sentence) for check, score in own]
    results = _parts(found, done, trace.stopped)
    faults = penalties(task, trace)
    if success and not trace_only:
        reward = max(LEAST_SUCCESS, 1.0 - sum(fault.cost for fault in faults))
    else:
        # An episode that is not over loses only what stopping would earn.
        costs = sum(fault.cost for fault in faults if fault.name != "never_stopped")
        reward = max(0.0, sum(part.weight * part.score for part in results) - costs)
        reward *= 1.0 if trace_only else MOST_FAILURE
    return Verdict(round(min(1.0, reward), 9), success, results, faults)


def _parts(found: Sequence[tuple[str, float, str]], done: float, stopped: bool) -> tuple[CheckResult, ...]:
    """Return the parts of a verdict with their weights, which sum to 1."""
    scale = 1.0 if found else 1 / (DONE + STOPPED)
    parts = [CheckResult(name, FOUND / len(found), score, sentence) for name, score, sentence in found]
    parts.append(CheckResult("done", DONE * scale, done, "The site changed as requested, or the answer is right."))
    sentence = "The model ended the episode with the work done."
    return (*parts, CheckResult("stopped", STOPPED * scale, done * stopped, sentence))


def like_oracle(task: Task, trace: Trace) -> float:
    """Grade accepted writes against the oracle's, leaf by leaf; each is compared with the most similar one left."""
    operations = task.api.by_name()
    wanted = [call for call in task.oracle if operations[call.name].writes and not call.fails]
    left = [call for call in trace if call.ok and operations[call.name].writes]
    scores = []
    for planned in wanted:
        graded = [
            (leafwise(call.arguments, planned.arguments), index)
            for index, call in enumerate(left)
            if call.name == planned.name
        ]
        best, index = max(graded, default=(0.0, -1))
        if index >= 0:
            del left[index]
        scores.append(best)
    return sum(scores) / (len(wanted) + len(left))
