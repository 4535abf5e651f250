"""Costs, the same in every scenario, of calls that are wrong or needless.

unknown_tool      a call of a tool that is not offered
malformed_call    text that should be a call and is not
refused_call      a call that the API refused; refused reads are free up to the number that the oracle makes
unknown_argument  an argument, or a value inside one, that the operation does not declare but the API accepted
repeated_read     a read made before, with nothing written since
excessive_read    a read beyond the oracle's number plus 4, and one for each of its writes to verify it
excessive_write   an accepted write beyond the oracle's number
guessed_value     an accepted call with a value that had to be read and was not
never_stopped     the model did not end the episode
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from envs.api.undeclared import undeclared
from envs.reward.goal import goal_of, guessed
from envs.task import Task
from envs.trace import BLAMELESS, Trace

COSTS: Mapping[str, float] = {
    "unknown_tool": 0.1,
    "malformed_call": 0.1,
    "refused_call": 0.05,
    "unknown_argument": 0.05,
    "repeated_read": 0.02,
    "excessive_read": 0.05,
    "excessive_write": 0.02,
    "guessed_value": 0.05,
    "never_stopped": 0.1,
}
"""Cost per fault, by kind."""
FREE_READS = 4
"""Reads beyond the oracle's that are free, so that exploring is."""
_UNSEEN = ("malformed_json", "malformed_call", "unknown_tool")
"""Errors of calls that did not reach an operation."""


@dataclass(frozen=True)
class PenaltyResult:
    """One kind of fault in a verdict."""

    name: str
    count: int
    cost: float
    """Cost of all of them."""


def penalties(task: Task, trace: Trace) -> tuple[PenaltyResult, ...]:
    """Count the faults in a trace and their costs; kinds without a fault are left out."""
    goal, operations = goal_of(task), task.api.by_name()
    kinds = [call.error for call in trace]
    reached = [call for call in trace if call.error not in (*_UNSEEN, *BLAMELESS)]
    reads = [call for call in reached if not operations[call.name].writes]
    writes = sum(call.ok for call in reached) - sum(call.ok for call in reads)
    # Reads that the oracle makes to be refused are free.
    probed = min(goal.probe_count, sum(not call.ok for call in reads))
    # A refused call has been counted already, unless it was free.
    passed = [
        call for call in trace if call.ok or call.error in BLAMELESS or (call.error == "refused" and goal.probe_count)
    ]
    counts = {
        "unknown_tool": kinds.count("unknown_tool"),
        "malformed_call": kinds.count("malformed_json") + kinds.count("malformed_call"),
        "refused_call": kinds.count("refused") - probed,
        "unknown_argument": sum(len(undeclared(operations[call.name], call.arguments)) for call in passed),
        "repeated_read": _repeated_reads(task, trace),
        "excessive_read": max(0, len(reads) - goal.read_count - FREE_READS - goal.write_count),
        "excessive_write": max(0, writes - goal.write_count),
        "guessed_value": int(guessed(goal, trace)),
        "never_stopped": int(not trace.stopped),
    }
    return tuple(PenaltyResult(name, count, count * COSTS[name]) for name, count in counts.items() if count)


def _repeated_reads(task: Task, trace: Trace) -> int:
    """Count reads made before, unless something was written or another user's write came since."""
    operations, repeated = task.api.by_name(), 0
    seen: set[str] = set()
    for call in trace:
        if call.error in _UNSEEN or call.error == "unavailable":
            continue
        if call.error == "conflict" or (call.ok and operations[call.name].writes):
            seen.clear()
        elif not operations[call.name].writes:
            made = json.dumps([call.name, call.arguments], sort_keys=True)
            repeated += made in seen
            seen.add(made)
    return repeated
