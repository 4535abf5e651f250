"""Play turns and judge them by a scenario's checks. Unlike `Episode.verdict` it takes unregistered scenarios too."""

from collections.abc import Iterable
from dataclasses import dataclass

from envs.episode import Episode
from envs.reward.checks import FinishedEpisode
from envs.reward.verdict import Verdict, judge
from envs.scenarios.vocabulary.scenario import Scenario
from envs.task import Task


@dataclass(frozen=True)
class Played:
    """A finished episode with its verdict."""

    episode: FinishedEpisode
    verdict: Verdict


def play(scenario: Scenario, task: Task, turns: Iterable[str]) -> Played:
    """Play turns up to and including the first that calls no tool, then judge the episode."""
    episode = Episode(task)
    for text in turns:
        if episode.step(text).done:
            break
    finished = FinishedEpisode(task, episode.trace, episode.world)
    return Played(finished, judge(finished, scenario.checks))
