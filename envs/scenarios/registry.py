"""The scenarios by name."""

from envs.api.errors import EnvError
from envs.scenarios import both, confluence, jira
from envs.scenarios.vocabulary.scenario import Scenario
from envs.task import Task

_ALL = (*jira.SCENARIOS, *confluence.SCENARIOS, *both.SCENARIOS)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}


def sample(scenario: str, seed: int, split: str, difficulty: int = 1, tools: int = 0) -> Task:
    """Return a task by its coordinates, see `Scenario.sample`. Raises EnvError for an unknown scenario."""
    if scenario not in SCENARIOS:
        raise EnvError(f"unknown scenario {scenario!r}; there are {', '.join(SCENARIOS)}")
    return SCENARIOS[scenario].sample(seed, split, difficulty, tools)
