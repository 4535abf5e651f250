"""Reads that teach as much as an oracle's, found by the table of operations alone, and reads that only look around."""

from collections.abc import Iterator, Mapping, Sequence

from envs.api.json_paths import leaves
from envs.api.operation import Json, Operation, Schema
from envs.api.undeclared import undeclared
from envs.audit.equivalent_plans import Change, Situation, Way, faulty, situations
from envs.reward.goal import goal_of, once_per_task, scalars
from envs.reward.penalties import FREE_READS
from envs.scripted_policies import quoted
from envs.task import PlannedCall, Task

VERIFYING: Mapping[str, tuple[str, str, str]] = {
    "addLabelsToContent": ("getPageLabels", "id", "id"),
    "movePage": ("getPageById", "pageId", "id"),
    "addWorklog": ("getIssueWorklog", "issueIdOrKey", "issueIdOrKey"),
}
"""By write, the read that shows its effect, the write's argument that names the record, and the read's for the same."""
_MOST_TWICE = 4
"""Reads repeated at most, as each costs a little."""


def other_reads(situation: Situation) -> Iterator[Change]:
    """Yield other reads whose responses contain the values that the call taught and those that identify them."""
    call, index = situation.call, situation.index
    taught = taught_by(situation.task).get(index)
    if situation.operation.writes or taught is None:
        return
    for other in _candidates(situation.task, call.arguments, _given(call)):
        if (other.name, other.arguments) != (call.name, call.arguments) and _teaches(situation, other, (situation,)):
            same = "with fewer arguments" if other.name == call.name else ""
            yield Change("other read", f"{other.name} for {call.name} {same}".strip(), index, (other,))


def fewer_reads(task: Task) -> Iterator[Way]:
    """Yield plans in which one read teaches what two neighbouring reads of the oracle do."""
    around, taught = situations(task), taught_by(task)
    for first, second in zip(around, around[1:], strict=False):
        if not {first.index, second.index} <= taught.keys():
            continue
        calls = (first.call, second.call)
        known = {name: value for call in calls for name, value in call.arguments.items()}
        for other in _candidates(task, known, _given(first.call) | _given(second.call)):
            if _teaches(first, other, (first, second)):
                plan = (*task.oracle[: first.index], other, *task.oracle[second.index + 1 :])
                yield Way("fewer reads", f"{other.name} for {first.call.name} and {second.call.name}", plan)


def _given(call: PlannedCall) -> set[str]:
    return {str(value) for _, value in leaves(call.arguments)}


def _teaches(place: Situation, other: PlannedCall, replaced: Sequence[Situation]) -> bool:
    """Return whether a read in a place teaches what the replaced reads do.

    The values that were asked for have to be in the response, too, if the replaced response had them, or else among the
    arguments. If the answer is to state what was read, they have to be in the response.
    """
    response = place.read(other.name, other.arguments)
    told = scalars(response.body)
    known = told if place.task.claim is not None else told | _given(other)
    taught = taught_by(place.task)
    return response.ok and all(
        taught[situation.index] <= told and _given(situation.call) & scalars(situation.body) <= known
        for situation in replaced
    )


@once_per_task
def taught_by(task: Task) -> dict[int, frozenset[str]]:
    """Return, by index of a read, the values in its response that the task needs (see `Goal.reads`)."""
    left, taught = list(goal_of(task).reads), {}
    for situation in situations(task):
        fits = left and left[0].operation == situation.call.name and not situation.call.fails
        if fits and left[0].values <= scalars(situation.body):
            taught[situation.index] = left.pop(0).values
    return taught


def _candidates(task: Task, known: Mapping[str, Json], values: set[str]) -> Iterator[PlannedCall]:
    """Yield reads with arguments of the same names and, one at a time, with the values as any other argument."""
    operations = task.api.by_name()
    for name in task.tools:
        operation = operations[name]
        if operation.writes or name in faulty(task):
            continue
        properties, required = operation.schema()["properties"], set(operation.schema()["required"])
        shared = {key: value for key, value in known.items() if key in properties}
        options: list[Mapping[str, Json]] = [shared, {key: shared[key] for key in required & shared.keys()}]
        for key, schema in properties.items():
            if required <= {key} | shared.keys():
                kept = {other: shared[other] for other in required & shared.keys() - {key}}
                options += [{**kept, key: _shaped(schema, value)} for value in sorted(values)]
        for arguments in options:
            if required <= arguments.keys() and _valid(operation, arguments):
                yield PlannedCall(name, arguments)


def _shaped(schema: Schema, value: str) -> Json:
    """Return a value as the schema wants it: alone or in a list."""
    return [value] if schema.get("type") == "array" else value


def _valid(operation: Operation, arguments: Mapping[str, Json]) -> bool:
    return not operation.schema_error(arguments) and not undeclared(operation, arguments)


@once_per_task
def looking_around(task: Task) -> list[PlannedCall]:
    """Return reads that the task does not need and the API accepts, one per operation."""
    known = {name: value for call in task.oracle for name, value in call.arguments.items() if isinstance(value, str)}
    values = {*quoted(task.request), *known.values()}
    (*_, last) = situations(task) or [Situation(task, 0, task.world, ())]
    first = Situation(task, 0, task.world, last.responses)
    found: dict[str, PlannedCall] = {}
    own = {call.name for call in task.oracle}
    for call in _candidates(task, known, values):
        # Both before the first call and after the last one the read has to succeed.
        if call.name not in {*own, *found} and first.read(call.name, call.arguments).ok:
            if last.read(call.name, call.arguments).ok:
                found[call.name] = call
    return list(found.values())


def more_reads(task: Task) -> Iterator[Way]:
    """Yield plans with one to four reads more, at the beginning or at the end."""
    reads, plan = looking_around(task), task.oracle
    for begin in range(0, len(reads), FREE_READS):
        some = tuple(reads[begin : begin + FREE_READS])
        for count in sorted({1, 2, len(some)} & set(range(1, len(some) + 1))):
            names = ", ".join(call.name for call in some[:count])
            yield Way("more reads before", names, (*some[:count], *plan))
            if plan:
                yield Way("more reads after", names, (*plan, *some[:count]))


def read_twice(task: Task) -> Iterator[Way]:
    """Yield plans with the oracle's reads repeated: each, and all."""
    operations, plan = task.api.by_name(), task.oracle
    reads = [index for index, call in enumerate(plan) if not operations[call.name].writes and not call.fails]
    for some in [[index] for index in reads] + ([reads] if 1 < len(reads) <= _MOST_TWICE else []):
        twice = tuple(again for index, call in enumerate(plan) for again in (call,) * (1 + (index in some)))
        yield Way("read twice", ", ".join(f"call {index + 1}" for index in some), twice)


def verified(task: Task) -> Iterator[Way]:
    """Yield plans with a read of the written record after each write, and after all writes."""
    whole: list[PlannedCall] = []
    added = 0
    for situation in situations(task):
        whole.append(situation.call)
        # After a failure, a look at the record shows that nothing was written.
        reads = tuple(_verifying(situation)) if situation.operation.writes else ()
        for read in reads:
            plan = (*task.oracle[: situation.index + 1], read, *task.oracle[situation.index + 1 :])
            yield Way("verification", f"{read.name} after {situation.call.name} (call {situation.index + 1})", plan)
        if not situation.call.fails:
            whole += reads[:1]
            added += bool(reads)
    if added > 1:
        yield Way("verification", "after every write", tuple(whole))


def _verifying(situation: Situation) -> Iterator[PlannedCall]:
    """Yield reads of what a write changed: of its path, of what is above that, and of what its response names."""
    write, operations, offered = situation.operation, situation.task.api.by_name(), set(situation.task.tools)
    arguments, body = situation.call.arguments, situation.body
    if write.name in VERIFYING:
        name, source, target = VERIFYING[write.name]
        yield from [PlannedCall(name, {target: arguments[source]})] if name in offered else []
    for name in sorted(offered):
        other = operations[name]
        if other.method != "GET":
            continue
        required = other.schema()["required"]
        if write.path.startswith(other.path) and "{" in other.path and set(required) <= arguments.keys():
            yield PlannedCall(name, {key: arguments[key] for key in required})
        below, one = other.path.removeprefix(write.path), isinstance(body, Mapping) and body.get("id") is not None
        if below.startswith("/{") and below.count("/") == 1 and one and set(required) - arguments.keys():
            known = {key: arguments[key] for key in required if key in arguments}
            (missing,) = set(required) - known.keys()
            if "{" + missing + "}" == below[1:]:
                yield PlannedCall(name, {**known, missing: str(body["id"])})
