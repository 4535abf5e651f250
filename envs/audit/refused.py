"""Law of refused writes: where the API refuses every write, no policy succeeds or earns more than the reads alone.

The oracle, its writes repeated, and mutants of it are played against an API that answers each write with 400 or 403
and changes nothing. They are judged by the real task, by the final site as well as by the trace alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from envs.api.operation import Json, Operation, Response
from envs.api.world import World
from envs.audit.mutants import KINDS, mutants
from envs.audit.play import Play
from envs.audit.trial import SHOWN, TOLERANCE, Finding, tasks, where
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import oracle, oracle_reads, turn
from envs.task import DONE, Task

STATUSES = (400, 403)
REPEATS = (2, 10)
"""Times that a policy makes each of its writes."""
_KINDS = KINDS[:5]
_MUTANTS = 40
"""Most mutants played per task."""


def refusing(task: Task, status: int = 400) -> Task:
    """Return the task on an API that refuses every write."""
    operations = tuple(_refused(each, status) if each.writes else each for each in task.api.operations)
    return replace(task, api=replace(task.api, operations=operations))


def _refused(operation: Operation, status: int) -> Operation:
    """Return the operation refusing every call in the API's own words."""

    def refuse(world: World, arguments: Mapping[str, Json]) -> Response:
        return replace(operation.reject("The operation is not permitted."), status=status)

    return replace(operation, handler=refuse)


def policies(task: Task) -> Iterator[tuple[str, list[str]]]:
    """Yield (name, turns) of policies that write."""
    yield "oracle", oracle(task)
    yield "oracle that admits it", [*map(turn, task.oracle), "I could not do it."]
    for times in REPEATS:
        repeated = [turn(call) for call in task.oracle for _ in range(times if task.any_writes([call]) else 1)]
        yield f"oracle with each write made {times} times", [*repeated, task.answer]
    spoiled = (mutant for mutant in mutants(task) if mutant.kind in _KINDS)
    for mutant in islice(spoiled, _MUTANTS):
        yield f"{mutant.kind}: {mutant.where}", list(mutant.turns)


def no_refused_write_earns(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Play the policies of the tasks of `seeds` seeds that write; yield one finding."""
    failures: dict[str, str] = {}
    tried = 0
    for task in tasks(scenario, seeds):
        if not task.any_writes(task.oracle):
            continue
        reads = [*map(turn, oracle_reads(task)), DONE]
        played = list(policies(task))
        for status, trace_only in ((status, trace_only) for status in STATUSES for trace_only in (False, True)):
            refuser = refusing(task, status)
            most = play(task, reads, refuser, trace_only).verdict.reward
            for name, turns in played:
                tried += 1
                verdict = play(task, turns, refuser, trace_only).verdict
                if verdict.success or verdict.reward > most + TOLERANCE:
                    gain = "is a success" if verdict.success else f"earns {verdict.reward:.3f}, reads {most:.3f}"
                    rule = "by the trace alone" if trace_only else "by the site"
                    failure = f"{name[:120]} with every write answered {status} {gain} {rule} ({where(task)})"
                    failures.setdefault(f"{name.split(':')[0]}{trace_only}", failure)
    shown = tuple(failures.values())
    yield Finding("refused", f"{tried}" if not shown else f"{len(shown)} gain", shown[: 3 * SHOWN], tried)
