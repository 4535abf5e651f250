"""Other ways to write an oracle's calls down: their order, their turns, their syntax and what is said beside them."""

import json
from collections.abc import Iterator, Sequence

from envs.api.operation import Json
from envs.audit.dependence import needs_answer, needs_order
from envs.audit.equivalent_plans import Way
from envs.audit.equivalent_reads import looking_around
from envs.reward.penalties import FREE_READS
from envs.scripted_policies import turn
from envs.task import PlannedCall, Task

Turns = tuple[str, ...]
Written = Iterator[tuple[str, str, Turns]]
"""(kind, location, turns) each."""
_THOUGHTS = ("The next step is clear.", "", "I was asked for this. Let me see.\n\nFirst things first.")
_REMARKS = ("Let me do that.", "I will make this call now:", "Sure!")


def other_orders(task: Task) -> Iterator[Way]:
    """Yield plans with two independent neighbours swapped, with runs of them reversed, and with reordered arguments."""
    operations, plan, free = task.api.by_name(), task.oracle, _independent(task)
    for index in free:
        swapped = (*plan[:index], plan[index + 1], plan[index], *plan[index + 2 :])
        yield Way("other order", f"calls {index + 1} and {index + 2} swapped", swapped)
    for begin, end in _runs(free):
        # Calls that pairwise change places may still depend on each other across a third; different records do not.
        if end - begin > 2 and _of_different_records(task, begin, end):
            reversed_run = (*plan[:begin], *plan[begin:end][::-1], *plan[end:])
            yield Way("other order", f"calls {begin + 1} to {end} reversed", reversed_run)
    for index, call in enumerate(plan):
        if not call.fails and len(call.arguments) > 1:
            other = PlannedCall(call.name, dict(reversed(list(call.arguments.items()))), call.note)
            where = f"arguments of call {index + 1} reversed"
            yield Way("other order", where, (*plan[:index], other, *plan[index + 1 :]))
        nested = _reversed(call.arguments)
        if not call.fails and operations[call.name].writes and json.dumps(nested) != json.dumps(call.arguments):
            where = f"properties of call {index + 1} reversed"
            other = PlannedCall(call.name, nested, call.note)
            yield Way("other order", where, (*plan[:index], other, *plan[index + 1 :]))


def _of_different_records(task: Task, begin: int, end: int) -> bool:
    """Return whether calls are reads, or writes with different values in their paths."""
    operations, calls = task.api.by_name(), task.oracle[begin:end]
    if not task.any_writes(calls):
        return True
    paths = {operations[call.name].path.format_map(_Values(call.arguments)) for call in calls}
    return len(paths) == len(calls)


class _Values(dict):
    """Arguments by name, for filling a path."""

    def __missing__(self, key: str) -> str:
        return ""


def _reversed(value: Json) -> Json:
    """Return a value with the properties of all objects in reverse order."""
    if isinstance(value, dict):
        return {name: _reversed(inner) for name, inner in reversed(value.items())}
    return [_reversed(inner) for inner in value] if isinstance(value, list) else value


def _independent(task: Task) -> list[int]:
    """Return the indices of calls that may change places with the next one: both read or both write."""
    operations, plan, bound = task.api.by_name(), task.oracle, {*needs_order(task)}
    bound |= {first for first, second in needs_answer(task) if second == first + 1}
    return [
        index
        for index, (first, second) in enumerate(zip(plan, plan[1:], strict=False))
        if index not in bound
        and not (first.fails or second.fails)
        and operations[first.name].writes == operations[second.name].writes
        and (first.name, first.arguments) != (second.name, second.arguments)
    ]


def _runs(free: Sequence[int]) -> list[tuple[int, int]]:
    """Return (begin, end) of each run of calls in which all neighbours may change places."""
    runs: list[tuple[int, int]] = []
    for index in free:
        if runs and runs[-1][1] == index + 1:
            runs[-1] = (runs[-1][0], index + 2)
        else:
            runs.append((index, index + 2))
    return runs


def one_turn(task: Task) -> Written:
    """Yield turns that make several calls, none of which needs the answer of another in the turn."""
    plan, pairs = task.oracle, needs_answer(task)
    for begin in range(len(plan)):
        for end in range(begin + 2, len(plan) + 1):
            if any(begin <= first and second < end for first, second in pairs):
                break
            together = "\n".join(map(turn, plan[begin:end]))
            turns = (*map(turn, plan[:begin]), together, *map(turn, plan[end:]), task.answer)
            yield "one turn", f"calls {begin + 1} to {end}", turns
    reads = looking_around(task)
    for begin in range(0, len(reads), FREE_READS):
        some = reads[begin : begin + FREE_READS]
        names = ", ".join(call.name for call in some)
        first = "\n".join(map(turn, [*some, *plan[:1]]))
        yield "one turn", f"{names} in the first", (first, *map(turn, plan[1:]), task.answer)
        if len(some) > 1:
            yield "one turn", f"{names} before the first", ("\n".join(map(turn, some)), *map(turn, plan), task.answer)


def thoughts(task: Task) -> Written:
    """Yield turns that begin with a thought: each, the last, and all."""
    turns = (*map(turn, task.oracle), task.answer)
    for number, thought in enumerate(_THOUGHTS, 1):
        before = f"<think>\n{thought}\n</think>\n\n"
        yield "thought", f"thought {number} in every turn", tuple(before + text for text in turns)
        for index, text in enumerate(turns):
            where = f"thought {number} in turn {index + 1}"
            yield "thought", where, (*turns[:index], before + text, *turns[index + 1 :])


def remarks(task: Task) -> Written:
    """Yield turns in which calls are announced."""
    turns = [*map(turn, task.oracle), task.answer]
    for remark in _REMARKS if task.oracle else ():
        yield "remark", f"{remark} in every turn", tuple(f"{remark}\n\n{text}" for text in turns[:-1]) + (task.answer,)
        for index in range(len(turns) - 1):
            where = f"{remark} in turn {index + 1}"
            yield "remark", where, (*turns[:index], f"{remark}\n{turns[index]}", *turns[index + 1 :])


def other_syntax(task: Task) -> Written:
    """Yield turns whose calls are written in tags, over several lines, or without a space."""
    forms = {"in tags": _in_tags, "over several lines": _indented, "without spaces": _dense}
    turns = [*map(turn, task.oracle), task.answer]
    for name, written in forms.items():
        texts = [f"<tool_call>\n{written(call)}\n</tool_call>" for call in task.oracle]
        if texts:
            yield "other syntax", f"all calls {name}", (*texts, task.answer)
        for index, text in enumerate(texts if len(texts) > 1 else []):
            yield "other syntax", f"call {index + 1} {name}", (*turns[:index], text, *turns[index + 1 :])


def _in_tags(call: PlannedCall) -> str:
    """Write a call as Qwen3.5 does: strings as they are, other values as JSON."""
    values = {key: value if isinstance(value, str) else json.dumps(value) for key, value in call.arguments.items()}
    inside = "\n".join(f"<parameter={key}>\n{value}\n</parameter>" for key, value in values.items())
    return f"<function={call.name}>\n{inside}\n</function>"


def _indented(call: PlannedCall) -> str:
    return json.dumps({"name": call.name, "arguments": call.arguments}, indent=2)


def _dense(call: PlannedCall) -> str:
    return json.dumps({"arguments": call.arguments, "name": call.name}, separators=(",", ":"), ensure_ascii=False)
