"""Trials of one scenario: its tasks, the episodes played on them, and the findings about its laws."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from envs.api.errors import EnvError
from envs.audit.play import Played, play
from envs.scenarios.vocabulary.scenario import HARDEST, Scenario
from envs.task import Task
from envs.words import SPLITS

SHOWN = 3
"""Examples reported per failure."""
TOLERANCE = 1e-9
"""Difference between rewards that counts as none."""


@dataclass(frozen=True)
class Finding:
    """The result of one criterion of a law."""

    criterion: str
    value: str
    """The measurement, for the table."""
    failures: tuple[str, ...] = ()
    """The first few violations, for people."""
    number: float | None = None
    """The measurement as a number, if it is one."""

    @property
    def ok(self) -> bool:
        """Whether the scenario satisfies the law."""
        return not self.failures


@dataclass(frozen=True)
class Report:
    """The findings about one scenario."""

    scenario: str
    findings: tuple[Finding, ...]
    episodes: int
    """Number of episodes played."""

    @property
    def ok(self) -> bool:
        """Whether the scenario satisfies every law."""
        return all(finding.ok for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"ok": self.ok, **asdict(self)}


class Trial:
    """Episodes of one scenario, played and counted."""

    def __init__(self, scenario: Scenario) -> None:
        """Begin with no episode."""
        self.scenario = scenario
        self.episodes = 0

    def play(
        self, task: Task, turns: Sequence[str], answered_by: Task | None = None, trace_only: bool = False
    ) -> Played:
        """Play one episode."""
        self.episodes += 1
        return play(self.scenario, task, turns, answered_by, trace_only)


def tasks(scenario: Scenario, count: int, splits: Sequence[str] = SPLITS) -> Iterator[Task]:
    """Yield the tasks of the first `count` seeds, cycling through the splits and difficulties."""
    levels = difficulties(scenario)
    for seed in range(count):
        yield scenario.sample(seed, splits[seed % len(splits)], levels[seed // len(splits) % len(levels)])


def difficulties(scenario: Scenario) -> list[int]:
    """Return the difficulties that the scenario supports. Raises EnvError if there is none."""
    supported = []
    for level in range(1, HARDEST + 1):
        try:
            scenario.sample(0, "train", level)
            supported.append(level)
        except EnvError:
            continue
    if not supported:
        raise EnvError(f"{scenario.name} has no task of any difficulty from 1 to {HARDEST}")
    return supported


def where(task: Task) -> str:
    """Name a task within its scenario, for people."""
    return f"seed {task.seed}, {task.split}, difficulty {task.difficulty}"
