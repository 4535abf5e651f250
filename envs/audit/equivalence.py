"""Equivalents: other right ways of doing a task succeed too, at nearly the oracle's reward."""

from collections import Counter
from collections.abc import Iterator

from envs.audit.equivalents import Equivalent, equivalents
from envs.audit.play import Play
from envs.audit.trial import SHOWN, Finding, tasks, where
from envs.reward.verdict import Verdict
from envs.scenarios.vocabulary.scenario import Scenario
from envs.task import Task

RIGHT = 0.9
"""The least reward of another right way."""
_ALL_TOOLS = 1_000
"""More tools than any API has: other ways may need tools that the oracle does not."""


def judged(task: Task, play: Play) -> list[tuple[Equivalent, Verdict]]:
    """Play every equivalent of a task; return each with its verdict."""
    return [(each, play(task, each.turns).verdict) for each in equivalents(task)]


def other_right_ways_succeed(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Play the equivalents of the tasks of `seeds` seeds, with all tools on offer; yield one finding."""
    failures: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for drawn in tasks(scenario, seeds):
        task = scenario.sample(drawn.seed, drawn.split, drawn.difficulty, _ALL_TOOLS)
        for equivalent, verdict in judged(task, play):
            kinds[equivalent.kind] += 1
            if not verdict.success or verdict.reward < RIGHT:
                result = f"earns {verdict.reward:.2f}" + ("" if verdict.success else " and is no success")
                failures.setdefault(
                    equivalent.kind, f"{equivalent.kind}: {equivalent.where[:160]} {result} ({where(task)})"
                )
    shown = tuple(failures.values())
    value = f"{kinds.total()} of {len(kinds)}" if not shown else f"{len(shown)} kinds fail"
    yield Finding("equivalents", value, shown[: 3 * SHOWN], kinds.total())
