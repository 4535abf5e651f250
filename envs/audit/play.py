"""Turns -> verdict under a scenario's own checks. Unlike `Episode.verdict` it needs no registered scenario."""

from collections.abc import Iterable
from dataclasses import dataclass

from envs.episode import Episode
from envs.reward.checks import FinishedEpisode
from envs.reward.verdict import Verdict, judge
from envs.scenarios.vocabulary.scenario import Scenario
from envs.task import Task


@dataclass(frozen=True)
class Played:
    """An episode that is over."""

    attempt: FinishedEpisode
    verdict: Verdict


def play(scenario: Scenario, task: Task, turns: Iterable[str]) -> Played:
    """Run turns up to and with the first that calls no tool, and judge them."""
    episode = Episode(task)
    for text in turns:
        if episode.step(text).done:
            break
    attempt = FinishedEpisode(task, episode.trace, episode.world)
    return Played(attempt, judge(attempt, scenario.checks))
