"""Equivalents: other right ways to fulfil a task's request, each of which must earn nearly as much as the oracle's.

They follow from the oracle, the operations' schemas and tables of what each API documents, never from trying what
succeeds. No kind makes up more than a quarter of a task's equivalents.

other read         a read is replaced by one that teaches the same
fewer reads        one read teaches what two do
other query        a query says the same in other words
other write        a write is replaced by one or several with the same effect
id for key         a record has another of its names
number for text    an id is a number instead of digits, where the schema allows both
verbs for fields   a value is set, added or replaced by a verb, or a list given whole
grouped otherwise  records are written in bulk or one by one
equal value        a document, time, duration or label has another form
explicit default   an argument says what holds without it
more reads before  the plan begins with reads that the task does not need
more reads after   the plan ends with such reads
verification       writes are followed by a read of their records
read twice         reads are repeated
other order        independent calls change places, or arguments do
one turn           independent calls share a turn
other words        the last turn says the same, or says nothing
thought            turns begin with a thought
remark             calls are announced
other syntax       calls are written in another format
"""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from envs.api.operation import Json
from envs.audit import equivalent_confluence as confluence
from envs.audit import equivalent_jira as jira
from envs.audit import equivalent_jira_ids as jira_ids
from envs.audit import equivalent_jira_probes as jira_probes
from envs.audit import equivalent_jira_reads as jira_reads
from envs.audit import equivalent_reads as reads
from envs.audit import equivalent_turns as turns_of
from envs.audit.equivalent_documents import equal_documents
from envs.audit.equivalent_plans import Change, Rule, Situation, Way, changed_plans
from envs.audit.equivalent_values import numbers, schema_defaults
from envs.audit.equivalent_words import other_words
from envs.parsing.calls import ParsedCall, parse_calls
from envs.scripted_policies import oracle, turn
from envs.task import PlannedCall, Task

KINDS = (
    *("other read", "fewer reads", "other query", "other write", "id for key", "number for text", "verbs for fields"),
    *("grouped otherwise", "equal value", "explicit default", "more reads before", "more reads after", "verification"),
    *("read twice", "other order", "one turn", "other words", "thought", "remark", "other syntax"),
)
MOST_OF_ONE_KIND = 12
"""Equivalents of one kind per task at most."""
_QUARTER = 4
DEFAULTS: Mapping[str, Mapping[str, Json]] = {**jira.DEFAULTS, **confluence.DEFAULTS}


@dataclass(frozen=True)
class Equivalent:
    """Turns that are as right as the oracle's."""

    kind: str
    """One of KINDS."""
    where: str
    """The difference from the oracle, for people."""
    turns: tuple[str, ...]


def equivalents(task: Task) -> Iterator[Equivalent]:
    """Yield other right ways to fulfil a task's request, so many of each kind that none is over a quarter of them."""
    yield from balanced(task, all_equivalents(task))


def balanced(task: Task, found: Iterable[Equivalent]) -> Iterator[Equivalent]:
    """Yield equally many of each kind or all that there are, so that no kind is over a quarter; the seed chooses."""
    by_kind: dict[str, list[Equivalent]] = {}
    for equivalent in found:
        by_kind.setdefault(equivalent.kind, []).append(equivalent)
    sizes = [len(same) for same in by_kind.values()]
    most = max(
        (cap for cap in range(1, MOST_OF_ONE_KIND + 1) if cap * _QUARTER <= sum(min(size, cap) for size in sizes)),
        default=0,
    )
    rng = random.Random(f"equivalents/{task.scenario}/{task.split}/{task.difficulty}/{task.seed}")
    for same in by_kind.values():
        chosen = sorted(rng.sample(range(len(same)), min(most, len(same))))
        yield from (same[index] for index in chosen)


def all_equivalents(task: Task) -> Iterator[Equivalent]:
    """Yield every equivalent of a task once, without those that call a tool that is not offered."""
    known = {tuple(oracle(task))}
    for equivalent in _generated(task):
        if equivalent.turns not in known and _offered(task, equivalent.turns):
            known.add(equivalent.turns)
            yield equivalent


def _offered(task: Task, turns: tuple[str, ...]) -> bool:
    calls = [call for text in turns for call in parse_calls(text)]
    return all(isinstance(call, ParsedCall) and call.name in task.tools for call in calls)


def _generated(task: Task) -> Iterator[Equivalent]:
    for way in _plans(task):
        yield Equivalent(way.kind, way.where, (*map(turn, way.plan), task.answer))
    for where, text in other_words(task):
        yield Equivalent("other words", where, (*map(turn, task.oracle), text))
    for rule in (turns_of.one_turn, turns_of.thoughts, turns_of.remarks, turns_of.other_syntax):
        for kind, where, turns in rule(task):
            yield Equivalent(kind, where, turns)


def _plans(task: Task) -> Iterator[Way]:
    yield from changed_plans(task, [_changes])
    operations = task.api.by_name()
    for api in sorted({operations[name].api for name in task.tools}):
        for rule in _OF_TASKS.get(api, ()):
            yield from rule(task)
    for rule in (reads.fewer_reads, reads.more_reads, reads.verified, reads.read_twice, turns_of.other_orders):
        yield from rule(task)


def _changes(situation: Situation) -> Iterator[Change]:
    """Yield the changes of a call by the rules of its API and by those of all APIs."""
    general = (reads.other_reads, numbers, equal_documents, schema_defaults)
    for rule in (*_OF_CALLS.get(situation.operation.api, ()), *general):
        yield from rule(situation)


def _table_defaults(situation: Situation) -> Iterator[Change]:
    """Yield the call with each absent argument of which the API's table knows the default, and with all of them."""
    call = situation.call
    absent = {k: v for k, v in DEFAULTS.get(call.name, {}).items() if k not in call.arguments}
    options = [(name, {name: value}) for name, value in absent.items()]
    for detail, more in options + ([("all defaults", absent)] if len(absent) > 1 else []):
        explicit = PlannedCall(call.name, {**call.arguments, **more}, call.note)
        yield Change("explicit default", f"{call.name} with {detail}", situation.index, (explicit,))


_OF_CALLS: Mapping[str, tuple[Rule, ...]] = {
    "jira": (
        *(jira_reads.other_reads, jira_reads.assignable, jira_reads.single_fields, jira_reads.in_pages),
        *(jira_reads.other_queries, jira_reads.whole_project, jira.other_writes, jira_ids.ids_of_fields),
        _table_defaults,
    ),
    "confluence": (confluence.searches, confluence.other_writes, _table_defaults),
}
"""By API, its own rules for single calls."""
_OF_TASKS: Mapping[str, tuple[Callable[[Task], Iterator[Way]], ...]] = {
    "jira": (jira_ids.ids_of_issues, jira_ids.keys_for_ids, jira_probes.other_probes, jira_reads.one_search),
    "confluence": (confluence.without_spaces,),
}
"""By API, its own rules for whole plans."""
