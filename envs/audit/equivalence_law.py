"""Judgements of a task's equivalents, for the law that other right ways succeed too."""

from envs.audit.equivalents import Equivalent, equivalents
from envs.audit.play import play
from envs.reward.verdict import Verdict
from envs.scenarios.vocabulary.scenario import Scenario
from envs.task import Task


def judged(scenario: Scenario, task: Task) -> list[tuple[Equivalent, Verdict]]:
    """Play every equivalent of a task; return each with its verdict."""
    return [(each, play(scenario, task, each.turns).verdict) for each in equivalents(task)]
