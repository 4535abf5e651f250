"""Single faults put into an oracle's calls, one at a time. A reward is worth something only if each of them costs.

drop field        an argument, or a value inside one, is left out
wrong value       a string becomes another record's id, key or name, another value of the request, or is from nowhere
wrong type        a value has another JSON type
extra argument    an object has a property more that is declared and that leaves another site behind
unknown argument  an object has a property more, of a name that is declared nowhere; or every call has
rename tool       the call goes to a tool that is not offered, or to another one that is
leave out         a call is not made
stop early        the episode ends before a call
swap order        a call is made before the one that it needs
merge turns       a call stands in the turn of one whose answer it needs; or all calls stand in one turn
repeat call       a call is made twice
spam reads        a read is made many times before, nearly the same each time
extra write       something that was not asked for is written, before the first call or after the last
garble            a call is cut off in its JSON
go on             the first call is made once more after all is done
never stop        the episode has no last turn without a call
wrong answer      where the last turn has to say something: it says nothing, or something else, or all that was read
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from envs.api.json_paths import Path, inner_paths, inside, leaves, replaced, without
from envs.api.operation import Json
from envs.api.tools import render
from envs.api.undeclared import declared_at
from envs.audit.dependence import needs_answer, needs_order, replay
from envs.audit.wrong_values import NOWHERE, filled, quoted, sample_arguments, wrong_values
from envs.reward.site_diff import normalised_changes
from envs.scripted_policies import turn
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
"""A property that no operation has."""
SPAM = 30
"""How often a read is made that is made too often."""


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
        for detail, larger in _enlarged(task, place):
            yield Mutant("extra argument", f"{where}{detail}", _turns(task, (*before, larger, *after)))
        yield Mutant("leave out", where, _turns(task, (*before, *after)))
        yield Mutant("stop early", where, _turns(task, before))
        yield Mutant("repeat call", where, _turns(task, (*before, call, call, *after)))
        cut = turn(call).replace("}\n</tool_call>", "\n</tool_call>")
        yield Mutant("garble", where, (*map(turn, before), cut, *map(turn, after), task.answer))
    if plan:
        everywhere = (PlannedCall(call.name, {**call.arguments, UNDECLARED: "x"}, call.note) for call in plan)
        yield Mutant("unknown argument", f"{UNDECLARED} in every call", _turns(task, tuple(everywhere)))
    for place in needs_order(task):
        first, second = plan[place : place + 2]
        swapped = (*plan[:place], second, first, *plan[place + 2 :])
        yield Mutant("swap order", f"{second.name} before {first.name} (call {place + 1})", _turns(task, swapped))
    yield from _merged(task)
    yield from _spammed(task)
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
    """Nothing, the request, all that was read, and the answer with each of its quoted values changed or left out."""
    if task.answer == DONE:
        return
    yield from (DONE, task.request, "\n".join(answers_shown(task, task.oracle)))
    for value in quoted(task.answer):
        for other in ("", *wrong_values(task, value)):
            yield task.answer.replace(f'"{value}"', f'"{other}"')


def answers_shown(task: Task, plan: Sequence[PlannedCall]) -> list[str]:
    """What a model is shown in answer to a plan's calls, in the compact view."""
    operations = task.api.by_name()
    answers = zip(plan, replay(task, plan)[0], strict=True)
    return [render(operations[call.name], answer, "compact") for call, answer in answers]


def _merged(task: Task) -> Iterator[Mutant]:
    """Each call in one turn with one whose answer it needs, which may be made that late; then all in one turn."""
    plan, operations, pairs = task.oracle, task.api.by_name(), needs_answer(task)
    for first, second in pairs:
        between = plan[first + 1 : second]
        if any((first, place) in pairs or operations[plan[place].name].writes for place in range(first + 1, second)):
            continue
        both = "\n".join(map(turn, (plan[first], plan[second])))
        turns = (*map(turn, (*plan[:first], *between)), both, *map(turn, plan[second + 1 :]), task.answer)
        yield Mutant("merge turns", f"{plan[first].name} and {plan[second].name} (call {second + 1})", turns)
    if pairs:
        yield Mutant("merge turns", "all calls", ("\n".join(map(turn, plan)), task.answer))


def _spammed(task: Task) -> Iterator[Mutant]:
    """Each read of the oracle, or any that is offered where it makes none, many times before its place."""
    operations = task.api.by_name()
    reads = {call.name: place for place, call in enumerate(task.oracle) if not operations[call.name].writes}
    made = [(place, task.oracle[place]) for place in reads.values()]
    offered = [name for name in task.tools if not operations[name].writes]
    for place, call in made or [(0, PlannedCall(name, sample_arguments(task, name))) for name in offered[:1]]:
        properties = operations[call.name].schema()["properties"]
        others = [name for name, schema in properties.items() if name not in call.arguments and _number(schema)]
        for name in [*others[:1], UNDECLARED]:
            spam = (PlannedCall(call.name, {**call.arguments, name: number}) for number in range(1, SPAM + 1))
            plan = (*task.oracle[:place], *spam, *task.oracle[place:])
            yield Mutant("spam reads", f"{call.name} with {name} = 1 to {SPAM}", _turns(task, plan))


def _number(schema: Mapping[str, Json]) -> bool:
    return schema.get("type") == "integer"


def extra_writes(task: Task) -> Iterator[PlannedCall]:
    """Writes that were not asked for: the oracle's with one other value, and one of every other tool offered.

    Where the oracle makes no call at all, any call of a tool is one too many.
    """
    operations = task.api.by_name()
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
    for path in ((), *inner_paths(call.arguments)):
        if isinstance(inner := inside(call.arguments, path), Mapping):
            larger = replaced(call.arguments, path, {**inner, UNDECLARED: "x"})
            yield "unknown argument", f" with {_dotted((*path, UNDECLARED))}", PlannedCall(call.name, larger)
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


def _enlarged(task: Task, place: int) -> Iterator[tuple[str, PlannedCall]]:
    """(where, a write with a declared property more) for each that makes a difference to the site."""
    call, operation = task.oracle[place], task.api.by_name()[task.oracle[place].name]
    if not operation.writes:
        return
    wanted = normalised_changes(task.world, replay(task, task.oracle)[1])
    for path in ((), *inner_paths(call.arguments)):
        inner = inside(call.arguments, path)
        if not isinstance(inner, Mapping):
            continue
        for name, schema in declared_at(operation, path).items():
            if name in inner:
                continue
            plain = schema.get("type") == "string" and "enum" not in schema
            value = f"{NOWHERE}more" if plain else filled(schema, task)
            larger = PlannedCall(call.name, replaced(call.arguments, path, {**inner, name: value}))
            answers, site = replay(task, (*task.oracle[:place], larger, *task.oracle[place + 1 :]))
            if answers[place].ok and normalised_changes(task.world, site) != wanted:
                yield f" with {_dotted((*path, name))} = {json.dumps(value)[:60]}", larger


def _as_good(task: Task, place: int, other: str) -> bool:
    """Whether another read, of the same arguments, tells all that the oracle learns from its own: that is no fault."""
    operations, call = task.api.by_name(), task.oracle[place]
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
