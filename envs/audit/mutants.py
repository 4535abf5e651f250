"""Mutants: the oracle's turns with a single fault. Each must score below the oracle for the reward to be sound.

drop field        an argument, or a value inside one, is missing
wrong value       a string is another record's id, key or name, another value of the request, or exists nowhere
wrong type        a value has another JSON type
extra argument    an object has an additional declared property, which leads to a different site
unknown argument  an object, or every call, has an additional property that is not declared
rename tool       a call names a tool that is not offered, or another one that is
leave out         a call is missing
stop early        the episode ends before a call
swap order        a call precedes the one that it needs
merge turns       a call shares a turn with one whose answer it needs, or all calls share one turn
repeat call       a call is made twice in a row
spam reads        a read is preceded by many that are nearly the same
extra write       an unrequested write precedes the first call or follows the last
garble            the JSON of a call is cut off
go on             the first call is repeated after the last
never stop        the final turn, which calls no tool, is missing
wrong answer      an answer that should state something is empty, different, or a dump of everything read
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envs.api.json_paths import Path, inner_paths, inside, leaves, replaced, without
from envs.api.undeclared import declared_at
from envs.audit.dependence import needs_answer, needs_order
from envs.audit.wrong_values import NOWHERE, wrong_values
from envs.reward.site_diff import normalised_changes
from envs.scripted_policies import answers_shown, quoted, replay, sample_call, turn, value_of
from envs.task import DONE, PlannedCall, Task

KINDS = (
    "drop field",
    "wrong value",
    "wrong type",
    "extra argument",
    "unknown argument",
    "rename tool",
    "leave out",
    "stop early",
    "swap order",
    "merge turns",
    "repeat call",
    "spam reads",
    "extra write",
    "garble",
    "go on",
    "never stop",
    "wrong answer",
)
UNDECLARED = "bogusArgument"
"""A property that no operation declares."""
SPAM = 30
"""Times that a spammed read is made."""


@dataclass(frozen=True)
class Mutant:
    """The oracle's turns with one fault."""

    kind: str
    """One of KINDS."""
    where: str
    """The location of the fault, for people."""
    turns: tuple[str, ...]


def mutants(task: Task) -> Iterator[Mutant]:
    """Yield the oracle's turns with every single fault, wherever it is one."""
    plan = task.oracle
    for index, call in enumerate(plan):
        where = f"{call.name} (call {index + 1})"
        before, after = plan[:index], plan[index + 1 :]
        for kind, detail, spoiled in _spoiled_calls(task, index):
            yield Mutant(kind, f"{where}{detail}", _turns(task, (*before, spoiled, *after)))
        for detail, larger in _enlarged(task, index):
            yield Mutant("extra argument", f"{where}{detail}", _turns(task, (*before, larger, *after)))
        yield Mutant("leave out", where, _turns(task, (*before, *after)))
        yield Mutant("stop early", where, _turns(task, before))
        yield Mutant("repeat call", where, _turns(task, (*before, call, call, *after)))
        cut = turn(call).replace("}\n</tool_call>", "\n</tool_call>")
        yield Mutant("garble", where, (*map(turn, before), cut, *map(turn, after), task.answer))
    if plan:
        everywhere = (PlannedCall(call.name, {**call.arguments, UNDECLARED: "x"}, call.note) for call in plan)
        yield Mutant("unknown argument", f"{UNDECLARED} in every call", _turns(task, tuple(everywhere)))
    for index in needs_order(task):
        first, second = plan[index : index + 2]
        swapped = (*plan[:index], second, first, *plan[index + 2 :])
        yield Mutant("swap order", f"{second.name} before {first.name} (call {index + 1})", _turns(task, swapped))
    yield from _merged(task)
    yield from _spammed(task)
    for extra in extra_writes(task):
        yield Mutant("extra write", f"{_described(extra)} at the end", _turns(task, (*plan, extra)))
        if plan:
            yield Mutant("extra write", f"{_described(extra)} at the start", _turns(task, (extra, *plan)))
    if plan:
        yield Mutant("go on", plan[0].name, _turns(task, (*plan, plan[0])))
    yield Mutant("never stop", "", _turns(task, plan)[:-1])
    for other in _wrong_answers(task):
        yield Mutant("wrong answer", other, (*map(turn, plan), other))


def _wrong_answers(task: Task) -> Iterator[str]:
    """Yield no statement, the request, everything read, and the answer with each quoted value changed or removed."""
    if task.answer == DONE:
        return
    yield from (DONE, task.request, "\n".join(answers_shown(task, task.oracle)))
    for value in quoted(task.answer):
        for other in ("", *wrong_values(task, value)):
            yield task.answer.replace(f'"{value}"', f'"{other}"')


def _merged(task: Task) -> Iterator[Mutant]:
    """Yield each call moved into the turn of a later one that needs its answer, if it can be; then all in one turn."""
    plan, operations, pairs = task.oracle, task.api.by_name(), needs_answer(task)
    for first, second in pairs:
        between = plan[first + 1 : second]
        if any((first, index) in pairs or operations[plan[index].name].writes for index in range(first + 1, second)):
            continue
        both = "\n".join(map(turn, (plan[first], plan[second])))
        turns = (*map(turn, (*plan[:first], *between)), both, *map(turn, plan[second + 1 :]), task.answer)
        yield Mutant("merge turns", f"{plan[first].name} and {plan[second].name} (call {second + 1})", turns)
    if pairs:
        yield Mutant("merge turns", "all calls", ("\n".join(map(turn, plan)), task.answer))


def _spammed(task: Task) -> Iterator[Mutant]:
    """Yield spam before each of the oracle's reads; if it makes none, spam of a read that is offered."""
    operations = task.api.by_name()
    last_index = {call.name: index for index, call in enumerate(task.oracle) if not operations[call.name].writes}
    reads = [(index, task.oracle[index]) for index in last_index.values()]
    offered = [name for name in task.tools if not operations[name].writes]
    for index, call in reads or [(0, sample_call(task, name)) for name in offered[:1]]:
        properties = operations[call.name].schema()["properties"]
        numbers = [name for name, schema in properties.items() if schema.get("type") == "integer"]
        unused = [name for name in numbers if name not in call.arguments]
        for name in [*unused[:1], UNDECLARED]:
            spam = (PlannedCall(call.name, {**call.arguments, name: number}) for number in range(1, SPAM + 1))
            plan = (*task.oracle[:index], *spam, *task.oracle[index:])
            yield Mutant("spam reads", f"{call.name} with {name} = 1 to {SPAM}", _turns(task, plan))


def extra_writes(task: Task) -> Iterator[PlannedCall]:
    """Yield unrequested writes: the oracle's own with one value changed, and one by each other tool offered.

    If the oracle makes no call at all, yield a call of every tool, reads included.
    """
    operations = task.api.by_name()
    used = {call.name for call in task.oracle}
    for call in task.oracle:
        if operations[call.name].writes:
            for path, value in leaves(call.arguments):
                for other in wrong_values(task, value):
                    yield PlannedCall(call.name, replaced(call.arguments, path, other))
    known = {name: value for call in task.oracle for name, value in call.arguments.items()}
    for name in task.tools:
        if name not in used and (operations[name].writes or not task.oracle):
            properties = operations[name].schema(compact=True)["properties"]
            yield PlannedCall(name, {key: known.get(key, value_of(inner, task)) for key, inner in properties.items()})


def _spoiled_calls(task: Task, index: int) -> Iterator[tuple[str, str, PlannedCall]]:
    """Yield (kind, location of the fault, the call with it) for the faults inside the oracle's call at `index`."""
    call = task.oracle[index]
    for path in inner_paths(call.arguments):
        yield "drop field", f" without {_dotted(path)}", PlannedCall(call.name, without(call.arguments, path))
    for path in ((), *inner_paths(call.arguments)):
        if isinstance(inner := inside(call.arguments, path), Mapping):
            larger = replaced(call.arguments, path, {**inner, UNDECLARED: "x"})
            yield "unknown argument", f" with {_dotted((*path, UNDECLARED))}", PlannedCall(call.name, larger)
    for path, value in leaves(call.arguments):
        for other in wrong_values(task, value):
            detail = f" with {_dotted(path)} = {json.dumps(other, ensure_ascii=False)[:60]}"
            yield "wrong value", detail, PlannedCall(call.name, replaced(call.arguments, path, other))
        wrapped = replaced(call.arguments, path, {"value": value})
        yield "wrong type", f" with {_dotted(path)} an object", PlannedCall(call.name, wrapped)
    yield "rename tool", f" as {call.name}s", PlannedCall(call.name + "s", call.arguments)
    other = next((name for name in task.tools if name != call.name and not _equivalent(task, index, name)), None)
    if other is not None:
        yield "rename tool", f" as {other}", PlannedCall(other, call.arguments)


def _enlarged(task: Task, index: int) -> Iterator[tuple[str, PlannedCall]]:
    """Yield (location, the write at `index` with an additional declared property) if that leads to a different site."""
    call, operation = task.oracle[index], task.api.by_name()[task.oracle[index].name]
    if not operation.writes:
        return
    expected = normalised_changes(task.world, replay(task, task.oracle)[1])
    for path in ((), *inner_paths(call.arguments)):
        inner = inside(call.arguments, path)
        if not isinstance(inner, Mapping):
            continue
        for name, schema in declared_at(operation, path).items():
            if name in inner:
                continue
            plain = schema.get("type") == "string" and "enum" not in schema
            value = f"{NOWHERE}more" if plain else value_of(schema, task)
            larger = PlannedCall(call.name, replaced(call.arguments, path, {**inner, name: value}))
            responses, site = replay(task, (*task.oracle[:index], larger, *task.oracle[index + 1 :]))
            if responses[index].ok and normalised_changes(task.world, site) != expected:
                yield f" with {_dotted((*path, name))} = {json.dumps(value)[:60]}", larger


def _equivalent(task: Task, index: int, other: str) -> bool:
    """Return whether the read `other`, given the same arguments, returns every value that later calls use."""
    operations, call = task.api.by_name(), task.oracle[index]
    if operations[call.name].writes or operations[other].writes:
        return False
    before = task.oracle[:index]
    values = []
    for name in (call.name, other):
        response = replay(task, (*before, PlannedCall(name, call.arguments)))[0][-1]
        values.append({str(value) for _, value in leaves(response.body)} if response.ok else set())
    used = {value for after in task.oracle[index + 1 :] for _, value in leaves(after.arguments)}
    learnt = {value for value in used if isinstance(value, str) and value in values[0]}
    return bool(learnt) and learnt <= values[1]


def _turns(task: Task, plan: Sequence[PlannedCall]) -> tuple[str, ...]:
    return (*map(turn, plan), task.answer)


def _described(call: PlannedCall) -> str:
    return f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)[:120]}"


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
