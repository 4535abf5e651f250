"""Finished episodes, and what a scenario demands beyond what follows from its oracle."""

from collections.abc import Callable
from dataclasses import dataclass

from envs.api.world import World
from envs.parsing.thoughts import without_thoughts
from envs.task import Task
from envs.trace import Trace


@dataclass(frozen=True)
class FinishedEpisode:
    """Everything that a reward may depend on."""

    task: Task
    trace: Trace
    final: World

    @property
    def answer(self) -> str:
        """The words of the last turn after its thoughts; empty if the model did not stop."""
        return without_thoughts(self.trace.answer).strip()


@dataclass(frozen=True)
class Check:
    """A demand that does not follow from the oracle. Its score counts like that of a needed read."""

    name: str
    score: Callable[[FinishedEpisode], float | None]
    """Returns a score in [0, 1], or None if the task makes no such demand."""
    sentence: str
    """The meaning of score 1, for people."""
    required: bool = False
    """Whether there is no success below score 1."""
