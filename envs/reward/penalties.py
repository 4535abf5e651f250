"""Penalties, the same in every scenario, for calls that are wrong, needless, or far too many.

unknown_tool      a call of a tool that is not offered
malformed_call    text that should be a call and is not
refused_call      a call that the API refused; refused reads are free up to the number that the oracle makes
unknown_argument  an argument, or a value inside one, that the operation does not declare but the API accepted
duplicate_call    a needless repeat of a call, undeclared arguments aside
excessive_calls   a call beyond 2 + 2 times the number of the oracle's calls
collateral_write  a write beyond the number of the oracle's writes
call_after_done   a call after the last needed write
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from envs.api.json_paths import without
from envs.api.operation import Json
from envs.api.undeclared import undeclared
from envs.task import PlannedCall, Task
from envs.trace import BLAMELESS, Call, Trace

COSTS: Mapping[str, float] = {
    "unknown_tool": 0.1,
    "malformed_call": 0.1,
    "refused_call": 0.05,
    "unknown_argument": 0.05,
    "duplicate_call": 0.1,
    "excessive_calls": 0.05,
    "collateral_write": 0.2,
    "call_after_done": 0.1,
}
"""Reward lost per fault, by kind."""
FREE_TIMES, FREE_MORE = 2, 2
"""Calls up to FREE_TIMES x the oracle's + FREE_MORE are free, so that exploring is."""
_UNSEEN = ("malformed_json", "malformed_call", "unknown_tool")
"""Errors of calls that did not reach an operation."""


@dataclass(frozen=True)
class PenaltyResult:
    """One kind of fault in a verdict."""

    name: str
    count: int
    cost: float
    """Reward subtracted, for all of them."""


def penalties(task: Task, trace: Trace, done: bool) -> tuple[PenaltyResult, ...]:
    """Count the faults in a trace and their costs; kinds without a fault are left out.

    `done` says whether the goal counts as reached; only then does call_after_done apply.
    """
    calls = trace.calls
    kinds = [call.error for call in calls]
    operations = task.api.by_name()
    writes = [index for index, call in enumerate(calls) if call.ok and operations[call.name].writes]
    needed = sum(operations[planned.name].writes for planned in task.oracle if not planned.fails)
    # If several writes are needed, any of them may be the last needed one: take the last write of all.
    end = writes[0 if needed == 1 else -1] if writes else 0
    # Reads that the oracle makes to be refused are free.
    probes = sum(not operations[planned.name].writes for planned in task.oracle if planned.fails)
    probed = sum(call.error == "refused" and not operations[call.name].writes for call in calls)
    # A refused call has been penalised already, unless it was free.
    passed = [call for call in calls if call.error not in _UNSEEN and (call.error != "refused" or probes)]
    unknown = [undeclared(operations[call.name], call.arguments) for call in passed]
    counts = {
        "unknown_tool": kinds.count("unknown_tool"),
        "malformed_call": kinds.count("malformed_json") + kinds.count("malformed_call"),
        "refused_call": kinds.count("refused") - min(probes, probed),
        "unknown_argument": sum(map(len, unknown)),
        "duplicate_call": _duplicates(task, trace),
        "excessive_calls": max(0, len(calls) - FREE_TIMES * len(task.oracle) - FREE_MORE),
        "collateral_write": max(0, len(writes) - needed),
        "call_after_done": len(calls) - 1 - end if done and len(writes) >= needed > 0 else 0,
    }
    return tuple(PenaltyResult(name, count, count * COSTS[name]) for name, count in counts.items() if count)


def _duplicates(task: Task, trace: Trace) -> int:
    """Count needless repeats.

    Free are: repeating a call that met a fault; repeating a read after a write, if the oracle rereads too; and
    repeating a refused call without its undeclared arguments.
    """
    operations = task.api.by_name()
    sound = [planned for planned in task.oracle if not planned.fails and not operations[planned.name].writes]
    rereads = len({_identity(planned, planned.arguments) for planned in sound}) < len(sound)
    seen: dict[str, str] = {}
    duplicates = 0
    for call in trace:
        if call.error in ("malformed_json", "malformed_call"):
            continue
        whole, bare = _identity(call, call.arguments), _identity(call, _declared(task, call))
        duplicates += whole in seen or bare in seen
        if call.error not in BLAMELESS:
            seen[whole] = call.name
        if call.ok:
            seen[bare] = call.name
        changed = call.error == "conflict" or (call.ok and operations[call.name].writes)
        if rereads and changed:
            seen = {key: name for key, name in seen.items() if name not in operations or operations[name].writes}
    return duplicates


def _declared(task: Task, call: Call) -> Json:
    """Return a call's arguments without those that its operation does not declare."""
    declared: Json = call.arguments
    if call.error not in _UNSEEN:
        # From last to first: removing an element shifts those after it.
        for path in reversed(undeclared(task.api.by_name()[call.name], call.arguments)):
            declared = without(declared, path)
    return declared


def _identity(call: Call | PlannedCall, arguments: Json) -> str:
    return json.dumps([call.name, arguments], sort_keys=True)
