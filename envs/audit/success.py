"""Success: only the oracle's final site is one, not the initial site, and not one that lost a record besides."""

from collections.abc import Iterator
from dataclasses import replace

from envs.audit.play import Play
from envs.audit.trial import SHOWN, Finding, tasks, where
from envs.reward.checks import FinishedEpisode
from envs.reward.goal import goal_of
from envs.reward.verdict import judge
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scripted_policies import oracle
from envs.task import Task


def only_the_goal_is_a_success(scenario: Scenario, seeds: int, play: Play) -> Iterator[Finding]:
    """Spoil the final sites of oracles; yield a finding on those that still count as a success."""
    failures = []
    checks = scenario.checks
    tried = 0
    for task in tasks(scenario, seeds):
        right = play(task, oracle(task)).episode
        tried += 1
        if goal_of(task).changes and judge(replace(right, final=task.world), checks).success:
            failures.append(f"the oracle's calls without their effect are a success ({where(task)})")
        for table, key in _untouched(task, right):
            tried += 1
            spoiled = right.final.copy()
            del spoiled.tables[table][key]
            if judge(replace(right, final=spoiled), checks).success:
                failures.append(f"losing a record of {table} as well is still a success ({where(task)})")
    yield Finding("success", f"{tried}" if not failures else "unfounded", tuple(failures[:SHOWN]), tried)


def _untouched(task: Task, episode: FinishedEpisode) -> Iterator[tuple[str, str]]:
    """Yield (table, id) of one record per table that the episode left unchanged."""
    for table, records in episode.final.tables.items():
        before = task.world.tables.get(table, {})
        same = [key for key, record in records.items() if before.get(key) == record]
        if same:
            yield table, same[-1]
