"""Single faults put into an oracle's calls, one at a time. A reward is worth something only if each of them costs.

drop field    an argument, or a value inside one, is left out
wrong value   a string becomes another record's id, key or name, another value of the request, or a word from nowhere
wrong type    a value has another JSON type
rename tool   the call goes to a tool that is not offered, or to another one that is
leave out     a call is not made
stop early    the episode ends before a call
swap order    a call is made before the one that it needs
repeat call   a call is made twice
extra write   something that was not asked for is written, before the first call or after the last
garble        a call is cut off in its JSON
go on         the first call is made once more after all is done
never stop    the episode has no last turn without a call
wrong answer  where the last turn has to say something: it says nothing, or something else
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs.operation import Json
from envs.paths import Path, inner_paths, leaves, replaced, without
from envs.policies import turn
from envs.simulator import Simulator
from envs.task import DONE, PlannedCall, Task
from envs.world import START_MS, World

KINDS = (
    "drop field",
    "wrong value",
    "wrong type",
    "rename tool",
    "leave out",
    "stop early",
    "swap order",
    "repeat call",
    "extra write",
    "garble",
    "go on",
    "never stop",
    "wrong answer",
)
NOWHERE = "Zq"
"""What a wrong string starts with that no task has."""
_NAMES = ("id", "key", "name", "title", "accountId")


@dataclass(frozen=True)
class Mutant:
    """The turns of an oracle with one fault."""

    kind: str
    """One of KINDS."""
    site: str
    """Where the fault is, for people."""
    turns: tuple[str, ...]


def mutants(task: Task) -> Iterator[Mutant]:
    """Every single fault at every place of the task's oracle where it is one."""
    plan = task.oracle
    for place, call in enumerate(plan):
        where = f"{call.name} (call {place + 1})"
        before, after = plan[:place], plan[place + 1 :]
        for kind, detail, spoiled in _spoiled_calls(task, place):
            yield Mutant(kind, f"{where}{detail}", _turns(task, (*before, spoiled, *after)))
        yield Mutant("leave out", where, _turns(task, (*before, *after)))
        yield Mutant("stop early", where, _turns(task, before))
        yield Mutant("repeat call", where, _turns(task, (*before, call, call, *after)))
        cut = turn(call).replace("}\n</tool_call>", "\n</tool_call>")
        yield Mutant("garble", where, (*map(turn, before), cut, *map(turn, after), task.answer))
    for place in _dependent_pairs(task):
        first, second = plan[place : place + 2]
        swapped = (*plan[:place], second, first, *plan[place + 2 :])
        yield Mutant("swap order", f"{second.name} before {first.name} (call {place + 1})", _turns(task, swapped))
    for extra in extra_writes(task):
        yield Mutant("extra write", f"{_told(extra)} at the end", _turns(task, (*plan, extra)))
        if plan:
            yield Mutant("extra write", f"{_told(extra)} at the start", _turns(task, (extra, *plan)))
    if plan:
        yield Mutant("go on", plan[0].name, _turns(task, (*plan, plan[0])))
    yield Mutant("never stop", "", _turns(task, plan)[:-1])
    for other in _wrong_answers(task):
        yield Mutant("wrong answer", other, (*map(turn, plan), other))


def _wrong_answers(task: Task) -> Iterator[str]:
    """Nothing, the request, and the answer with each of its quoted values changed or left out."""
    if task.answer == DONE:
        return
    yield from (DONE, task.request)
    for value in quoted(task.answer):
        for other in ("", *wrong_values(task, value)):
            yield task.answer.replace(f'"{value}"', f'"{other}"')


def extra_writes(task: Task) -> Iterator[PlannedCall]:
    """Writes that were not asked for: the oracle's with one other value, and one of every other tool offered.

    Where the oracle makes no call at all, any call of a tool is one too many.
    """
    operations = task.api.table()
    made = {call.name for call in task.oracle}
    for call in task.oracle:
        if operations[call.name].writes:
            for path, value in leaves(call.arguments):
                for other in wrong_values(task, value):
                    yield PlannedCall(call.name, replaced(call.arguments, path, other))
    known = {name: value for call in task.oracle for name, value in call.arguments.items()}
    for name in task.tools:
        if name not in made and (operations[name].writes or not task.oracle):
            properties = operations[name].schema(compact=True)["properties"]
            yield PlannedCall(name, {key: known.get(key, filled(inner, task)) for key, inner in properties.items()})


def _spoiled_calls(task: Task, place: int) -> Iterator[tuple[str, str, PlannedCall]]:
    """(kind, where inside the oracle's call at a place, the call with one fault)."""
    call = task.oracle[place]
    for path in inner_paths(call.arguments):
        yield "drop field", f" without {_dotted(path)}", PlannedCall(call.name, without(call.arguments, path))
    for path, value in leaves(call.arguments):
        for other in wrong_values(task, value):
            told = f" with {_dotted(path)} = {json.dumps(other, ensure_ascii=False)[:60]}"
            yield "wrong value", told, PlannedCall(call.name, replaced(call.arguments, path, other))
        yield (
            "wrong type",
            f" with {_dotted(path)} an object",
            PlannedCall(call.name, replaced(call.arguments, path, {"value": value})),
        )
    yield "rename tool", f" as {call.name}s", PlannedCall(call.name + "s", call.arguments)
    other = next((name for name in task.tools if name != call.name and not _as_good(task, place, name)), None)
    if other is not None:
        yield "rename tool", f" as {other}", PlannedCall(other, call.arguments)


def _as_good(task: Task, place: int, other: str) -> bool:
    """Whether another read, of the same arguments, tells all that the oracle learns from its own: that is no fault."""
    operations, call = task.api.table(), task.oracle[place]
    if operations[call.name].writes or operations[other].writes:
        return False
    before = task.oracle[:place]
    told = []
    for name in (call.name, other):
        answer = replay(task, (*before, PlannedCall(name, call.arguments)))[0][-1]
        told.append({str(value) for _, value in leaves(answer.body)} if answer.ok else set())
    used = {value for after in task.oracle[place + 1 :] for _, value in leaves(after.arguments)}
    learnt = {value for value in used if isinstance(value, str) and value in told[0]}
    return bool(learnt) and learnt <= told[1]


def _turns(task: Task, plan: Sequence[PlannedCall]) -> tuple[str, ...]:
    return (*map(turn, plan), task.answer)


def _told(call: PlannedCall) -> str:
    return f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)[:120]}"


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))


def wrong_values(task: Task, value: Json) -> list[Json]:
    """Other values that a model might write in a value's place."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1]
    if not isinstance(value, str):
        return [NOWHERE]
    near = sibling(task.world, value) or next((other for other in quoted(task.request) if other != value), None)
    return [NOWHERE + value, *([near] if near else [])]


def sibling(world: World, value: str) -> str | None:
    """The same field of another record, for a value that is some record's id, key, name or title."""
    for table in world.tables.values():
        for name in _NAMES:
            there = [record[name] for record in table.values() if isinstance(record.get(name), str)]
            if value in there:
                return next((other for other in there if other.lower() != value.lower()), None)
    return None


def quoted(request: str) -> list[str]:
    """The values that a request quotes."""
    return re.findall(r'"([^"]*)"', request)


def filled(schema: Mapping[str, Json], task: Task, at: int = 0) -> Json:
    """A value of a schema's shape, strings taken from the request in order from the `at`-th quoted one."""
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "object":
        inner = schema.get("properties", {})
        return {name: filled(each, task, at + place) for place, (name, each) in enumerate(inner.items())}
    if kind == "array":
        return [filled(schema.get("items", {}), task, at)]
    if kind in ("integer", "number"):
        return 1
    values = quoted(task.request) or [task.request]
    return True if kind == "boolean" else values[at % len(values)]


def _dependent_pairs(task: Task) -> Iterator[int]:
    """Places of calls whose successor needs them, so that making it first is a fault.

    It does if it uses a value that only the answer before it tells, if the last write follows the read of what it
    writes to, or if the two in the other order are refused or leave another site behind.
    """
    operations = task.api.table()
    bodies = [response.body for response in replay(task, task.oracle)[0]]
    last_write = max((p for p, call in enumerate(task.oracle) if operations[call.name].writes), default=-1)
    for place, (first, second) in enumerate(zip(task.oracle, task.oracle[1:], strict=False)):
        if (first.name, first.arguments) == (second.name, second.arguments):
            continue
        known = task.request + json.dumps(bodies[:place])
        told = {str(value) for _, value in leaves(bodies[place])} if bodies[place] is not None else set()
        used = {value for _, value in leaves(second.arguments) if isinstance(value, str)}
        shared = used & {value for _, value in leaves(first.arguments) if isinstance(value, str)}
        learnt = any(value in told and value not in known for value in used)
        read_of_it = not operations[first.name].writes and place + 1 == last_write and bool(shared)
        if learnt or read_of_it or (operations[first.name].writes and _differ_swapped(task, place)):
            yield place


def _differ_swapped(task: Task, place: int) -> bool:
    plan = list(task.oracle)
    plan[place], plan[place + 1] = plan[place + 1], plan[place]
    responses, world = replay(task, plan)
    _, wanted = replay(task, task.oracle)
    refused = any(not response.ok and not response.cause for response in responses)
    return refused or essence(task.world, world) != essence(task.world, wanted)


def replay(task: Task, plan: Sequence[PlannedCall]) -> tuple[list[Any], World]:
    """The answers to a plan's calls, and the site after them."""
    simulator = Simulator(task.world, task.api.table(), task.faults)
    return [simulator.call(call.name, call.arguments) for call in plan], simulator.world


def essence(before: World, after: World) -> Json:
    """What a site has become, without what depends on the number and order of calls: new ids and times."""
    changed: list[tuple[str, str, Any]] = []
    made: dict[str, str] = {}
    for table, records in after.tables.items():
        old = before.tables.get(table, {})
        for key in records:
            if key not in old and key.isdigit():
                made[key] = f"new record {len(made) + 1} of {table}"
        changed += [(table, made.get(key, key), r) for key, r in records.items() if old.get(key) != r]
        changed += [(table, key, None) for key in old if key not in records]
    return sorted(json.dumps(_plain(change, made), sort_keys=True) for change in changed)


def _plain(value: Any, made: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(inner, made) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, made) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= START_MS:
        return "a time"
    return made.get(value, value) if isinstance(value, str) else value
