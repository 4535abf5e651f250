"""Order: over everything that an audit plays on a task, every success earns more than every failure.

Played are the oracle, its mutants, the cheap policies, the scenario's own mistakes and the weak policies. A mutant that
leaves the oracle's site within the free reads is no fault but another right way, and has to earn as much as one.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from envs.api.undeclared import undeclared
from envs.audit.equivalence import RIGHT
from envs.audit.mutants import mutants
from envs.audit.play import Play, Played
from envs.audit.trial import SHOWN, Finding, tasks, where
from envs.audit.weak_policies import weak
from envs.reward.goal import changes_made, goal_of, shares_read
from envs.reward.penalties import FREE_READS
from envs.reward.site_diff import normalised_changes
from envs.reward.truthfulness import founded
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import CHEAP, oracle, turn
from envs.task import Task
from envs.trace import BLAMELESS

_OTHER_SITE = ("wrong value", "wrong type")
"""Kinds of mutants that are wrong if they leave another site than the oracle, even one with equal normal forms."""


@dataclass(frozen=True)
class Attempt:
    """A way of doing a task, played."""

    name: str
    played: Played
    faulty: bool = False
    """Whether it is a mutant: the oracle with a single fault."""

    @property
    def reward(self) -> float:
        """The reward that it earns."""
        return self.played.verdict.reward


def success_outranks_failure(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Play everything on the tasks of `seeds` seeds; yield a finding on the order of rewards, and one on mutants."""
    failures: dict[str, str] = {}
    survivors: dict[str, str] = {}
    count = mutated = 0
    for task in tasks(scenario, seeds):
        played = list(attempts(scenario, task, play))
        count += len(played)
        mutated += sum(attempt.faulty for attempt in played)
        for sentence in violations(task, played):
            failures.setdefault(_kind(sentence), f"{sentence} ({where(task)})")
        for attempt in played:
            if attempt.faulty and attempt.reward >= 1.0 and not is_right(task, attempt.played):
                survivors.setdefault(_kind(attempt.name), f"{attempt.name} still earns 1 ({where(task)})")
            elif attempt.name.startswith(_OTHER_SITE) and attempt.played.verdict.success and _differs(task, attempt):
                survivors.setdefault(
                    _kind(attempt.name), f"{attempt.name} is a success on another final site ({where(task)})"
                )
    for criterion, number, found in (("order", count, failures), ("mutants", mutated, survivors)):
        shown = tuple(found.values())
        yield Finding(criterion, f"{number}" if not shown else f"{len(shown)} fail", shown[: 3 * SHOWN], number)


def attempts(scenario: Scenario, task: Task, play: Play) -> Iterator[Attempt]:
    """Play every way of doing a task that has a name, right or wrong."""
    yield Attempt("oracle", play(task, oracle(task)))
    for mutant in mutants(task):
        yield Attempt(f"{mutant.kind}: {mutant.where}", play(task, mutant.turns), faulty=True)
    for name, policy in CHEAP.items():
        yield Attempt(name, play(task, policy(task)))
    for name, mistake in scenario.mistakes.items():
        plan = mistake(task.oracle, task, random.Random(f"{name}/{task.seed}"))
        yield Attempt(name, play(task, [*map(turn, plan), task.answer]))
    for skill in (0.3, 0.7):
        yield Attempt(f"weak policy, {skill:.0%} right", play(task, weak(task, skill)))


def violations(task: Task, played: Sequence[Attempt]) -> Iterator[str]:
    """Yield a sentence for each way in which success and reward disagree on a task."""
    successes = [attempt for attempt in played if attempt.played.verdict.success]
    failures = [attempt for attempt in played if not attempt.played.verdict.success]
    if successes and failures:
        least, most = min(successes, key=_reward), max(failures, key=_reward)
        if least.reward <= most.reward:
            yield f"{most.name} fails and earns {most.reward}, no less than {least.reward} of {least.name}"
    for attempt in played:
        if is_right(task, attempt.played) and attempt.reward < RIGHT:
            yield f"{attempt.name} leaves the oracle's site and earns {attempt.reward}, less than {RIGHT}"


def _differs(task: Task, attempt: Attempt) -> bool:
    """Return whether an episode left another site than the oracle, before any normal form."""
    goal, episode = goal_of(task), attempt.played.episode
    return normalised_changes(goal.contested, goal.site) != normalised_changes(goal.contested, episode.final)


def is_right(task: Task, played: Played) -> bool:
    """Return whether an episode leaves the oracle's site within the free reads, and says what the oracle says.

    If the task asks for an answer, the episode has to contain what the oracle reads.
    """
    goal, episode, operations = goal_of(task), played.episode, task.api.by_name()
    calls = episode.trace.calls
    if not episode.trace.stopped or episode.trace.answer != task.answer:
        return False
    if any(call.error not in ("", *BLAMELESS) or undeclared(operations[call.name], call.arguments) for call in calls):
        return False
    if task.claim is not None:
        taught = {read.operation for read in goal.reads}
        made = [(call.name, call.arguments) for call in calls]
        needed = [(call.name, call.arguments) for call in task.oracle if call.fails or call.name not in taught]
        if not all(call in made for call in needed) or not founded(episode):
            return False
        if any(share < 1 for _, share in shares_read(goal, episode.trace)):
            return False
    reads = sum(not operations[call.name].writes for call in calls)
    writes = sum(call.ok and operations[call.name].writes for call in calls)
    if reads > goal.read_count + FREE_READS + goal.write_count or writes > goal.write_count:
        return False
    return changes_made(goal, task, episode.trace, episode.final) == goal.changes


def _kind(sentence: str) -> str:
    """Return a sentence without what differs from task to task, so that one example of each kind is reported."""
    return re.sub(r"[\d\"].*", "", sentence)


def _reward(attempt: Attempt) -> float:
    return attempt.reward
