"""Law of liars: a policy that says what is not so never succeeds, and earns no more than one that says nothing.

unwritten   the oracle's reads, then the claim that everything is done or that a part of the request is missing
half done   the first half of the oracle's writes, then the claim that everything is done
denied      all of the oracle's calls, then the claim that nothing was done
added       all of the oracle's calls, then the claim of a further act
read        the oracle's reads, then a false answer of each kind in `envs.audit.false_answers`
unread      a false answer without any call
unfounded   the right answer about fields that were never read

Each liar is compared with a policy that makes the same reads (`half done`: the same calls) and claims nothing false,
`denied` and `added` with the worth of its own reads, since those after a write find what no reads alone would.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from envs.audit.false_answers import false_answers
from envs.audit.play import Play
from envs.audit.trial import SHOWN, TOLERANCE, Finding, tasks, where
from envs.claims.facts import FieldValues
from envs.reward.goal import scalars
from envs.reward.verdict import MOST_FAILURE, Verdict
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import oracle_reads, quoted, turn
from envs.task import DONE, PlannedCall, Task

_ADDITIONS = (
    "Done. I also deleted the project.",
    "It is done, and I notified the whole team by mail.",
    "Everything is done. Additionally, the old space was erased.",
    "Done. I cloned it as well.",
)


@dataclass(frozen=True)
class Liar:
    """The turns of a policy whose last text is false."""

    kind: str
    """When it lies, and how."""
    where: str
    """The false text."""
    turns: tuple[str, ...]
    silent: tuple[str, ...]
    """Turns that claim nothing false and must earn at least as much; empty for the worth of the liar's own reads."""


def liars(task: Task) -> Iterator[Liar]:
    """Yield the liars of a task; every one of them is wrong, whatever the site."""
    reads = tuple(map(turn, oracle_reads(task)))
    if task.claim is not None:
        for kind, text in dict.fromkeys(false_answers(task)):
            yield Liar(f"read, {kind}", text, (*reads, text), (*reads, DONE))
            yield Liar(f"unread, {kind}", text, (text,), (DONE,))
        if reads and isinstance(task.claim, FieldValues):
            yield Liar("unfounded", task.answer, (task.answer,), (DONE,))
        return
    named = list(dict.fromkeys(quoted(task.request)))
    known = scalars(task.world.tables)
    for text in (*_successes(task), *map(_no, (value for value in named if value in known))):
        yield Liar("unwritten", text, (*reads, text), (*reads, DONE))
    if begun := _half(task):
        for text in _successes(task):
            yield Liar("half done", text, (*begun, text), (*begun, "I did only a part of it."))
    for text in (*_denials(task), *map(_no, named)):
        yield Liar("denied", text, (*map(turn, task.oracle), text), ())
    deletes = any(task.api.by_name()[call.name].method == "DELETE" for call in task.oracle)
    for text in _ADDITIONS:
        if deletes and ("deleted" in text or "erased" in text):
            continue  # it is the verb of what was done
        yield Liar("added", text, (*map(turn, task.oracle), text), ())


def _successes(task: Task) -> Iterable[str]:
    return DONE, f"I have done it: {task.request}", "Everything is changed as requested."


def _denials(task: Task) -> Iterable[str]:
    return (
        "I could not do it.",
        "I did not do it.",
        "Nothing was changed.",
        "That is impossible.",
        "It failed.",
        f"I was not able to do it: {task.request}",
    )


def _no(value: str) -> str:
    return f'There is no "{value}".'


def _half(task: Task) -> list[str]:
    """Return the oracle's turns through the first half of its accepted writes; empty if it makes fewer than two."""
    writes = [index for index, call in enumerate(task.oracle) if _accepted_write(task, call)]
    return [turn(call) for call in task.oracle[: writes[len(writes) // 2 - 1] + 1]] if len(writes) > 1 else []


def _accepted_write(task: Task, call: PlannedCall) -> bool:
    return task.any_writes([call]) and not call.fails


def worth_of_reads(verdict: Verdict) -> float:
    """Return what a failure earns for everything that it found out."""
    return MOST_FAILURE * sum(part.weight * part.score for part in verdict.checks if part.name.startswith("found/"))


def no_liar_gains(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Play the liars of the tasks of `seeds` seeds; yield one finding, with an example per kind of liar."""
    failures: dict[str, str] = {}
    tried = 0
    for task in tasks(scenario, seeds):
        earned: dict[tuple[str, ...], float] = {}
        for liar in liars(task):
            tried += 1
            verdict = play(task, liar.turns).verdict
            if liar.silent and liar.silent not in earned:
                earned[liar.silent] = play(task, liar.silent).verdict.reward
            least = earned[liar.silent] if liar.silent else worth_of_reads(verdict)
            if verdict.success or verdict.reward > least + TOLERANCE:
                result = "succeeds" if verdict.success else f"earns {verdict.reward:.3f}, more than {least:.3f}"
                failures.setdefault(liar.kind, f"{liar.kind}: {liar.where[:160]!r} {result} ({where(task)})")
    shown = tuple(failures.values())
    yield Finding("liars", f"{tried}" if not shown else f"{len(shown)} gain", shown[: 8 * SHOWN], tried)
