"""What is subtracted from a reward, whatever the scenario: calls that were wrong, superfluous, or far too many.

unknown_tool      a call of a tool that is not offered
malformed_call    text that is no call
refused_call      a call that the API refused, but for a refusal that is the finding
unknown_argument  an argument, or a value inside one, that the operation does not declare and the API let pass
duplicate_call    a call made once more for no reason; what the operation does not declare makes no call another one
excessive_calls   calls beyond twice as many as the oracle makes and a few
collateral_write  a write more than the oracle makes
call_after_done   a call after the last write needed
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
"""What one fault of each kind costs."""
FREE_TIMES, FREE_MORE = 2, 2
"""A trace may be this many times as long as the oracle's, and this many calls more: looking around is free."""
_UNSEEN = ("malformed_json", "malformed_call", "unknown_tool")
"""Calls that no operation is there to judge."""


@dataclass(frozen=True)
class PenaltyResult:
    """A penalty's part of a verdict."""

    name: str
    count: int
    cost: float
    """Subtracted from the reward."""


def penalties(task: Task, trace: Trace, done: bool) -> tuple[PenaltyResult, ...]:
    """The faults that were committed, how often and at what cost; `done` if what was asked for has been reached."""
    calls = trace.calls
    kinds = [call.error for call in calls]
    operations = task.api.by_name()
    writes = [place for place, call in enumerate(calls) if call.ok and operations[call.name].writes]
    needed = sum(operations[planned.name].writes for planned in task.oracle if not planned.fails)
    # Of several writes, with others among them, it cannot be told which was the last one needed.
    end = writes[0 if needed == 1 else -1] if writes else 0
    # Where finding out means a refused read, that read is right.
    probes = sum(not operations[planned.name].writes for planned in task.oracle if planned.fails)
    probed = sum(call.error == "refused" and not operations[call.name].writes for call in calls)
    # A refusal has its price already, unless it is free.
    passed = [call for call in calls if call.error not in _UNSEEN and (call.error != "refused" or probes)]
    made_up = [undeclared(operations[call.name], call.arguments) for call in passed]
    counts = {
        "unknown_tool": kinds.count("unknown_tool"),
        "malformed_call": kinds.count("malformed_json") + kinds.count("malformed_call"),
        "refused_call": kinds.count("refused") - min(probes, probed),
        "unknown_argument": sum(map(len, made_up)),
        "duplicate_call": _duplicates(task, trace),
        "excessive_calls": max(0, len(calls) - FREE_TIMES * len(task.oracle) - FREE_MORE),
        "collateral_write": max(0, len(writes) - needed),
        "call_after_done": len(calls) - 1 - end if done and len(writes) >= needed > 0 else 0,
    }
    return tuple(PenaltyResult(name, count, count * COSTS[name]) for name, count in counts.items() if count)


def _duplicates(task: Task, trace: Trace) -> int:
    """How many calls were made once more for no reason.

    A call that failed through no fault of its own may be made again. So may, where the oracle reads something more than
    once, a read after the site has changed. What was refused may be made again without what it should not have had.
    """
    operations = task.api.by_name()
    sound = [planned for planned in task.oracle if not planned.fails and not operations[planned.name].writes]
    rereads = len({_same(planned, planned.arguments) for planned in sound}) < len(sound)
    seen: dict[str, str] = {}
    duplicates = 0
    for call in trace:
        if call.error in ("malformed_json", "malformed_call"):
            continue
        whole, bare = _same(call, call.arguments), _same(call, _declared(task, call))
        duplicates += whole in seen or bare in seen
        if call.error not in BLAMELESS:
            seen[whole] = call.name
        if call.ok:
            seen[bare] = call.name
        changed = call.error == "conflict" or (call.ok and operations[call.name].writes)
        if rereads and changed:
            seen = {same: name for same, name in seen.items() if name not in operations or operations[name].writes}
    return duplicates


def _declared(task: Task, call: Call) -> Json:
    """A call's arguments, less what its operation does not declare."""
    kept: Json = call.arguments
    if call.error not in _UNSEEN:
        # From the last to the first: leaving out an element would move those after it.
        for path in reversed(undeclared(task.api.by_name()[call.name], call.arguments)):
            kept = without(kept, path)
    return kept


def _same(call: Call | PlannedCall, arguments: Json) -> str:
    return json.dumps([call.name, arguments], sort_keys=True)
