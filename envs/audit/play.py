"""Play turns and judge them by a scenario's checks. Unlike `Episode.verdict` it takes unregistered scenarios too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

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


class Play(Protocol):
    """Play an episode of one scenario; see `play`."""

    def __call__(
        self, task: Task, turns: Sequence[str], answered_by: Task | None = None, trace_only: bool = False
    ) -> Played:
        """Return the finished episode with its verdict."""


def play(
    scenario: Scenario,
    task: Task,
    turns: Iterable[str],
    answered_by: Task | None = None,
    trace_only: bool = False,
) -> Played:
    """Play turns up to and including the first that calls no tool, then judge the episode.

    `answered_by` is a task whose API and site answer instead, such as one that refuses every write; the verdict is
    about `task`.
    """
    episode = Episode(answered_by or task)
    for text in turns:
        if episode.step(text).done:
            break
    finished = FinishedEpisode(task, episode.trace, episode.world)
    return Played(finished, judge(finished, scenario.checks, trace_only))
