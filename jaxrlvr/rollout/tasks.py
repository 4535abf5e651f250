"""Training tasks of a step and held-out tasks of an evaluation: pure functions of the run's seed."""

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

import envs
from jaxrlvr.rollout import curriculum
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import setting


@dataclass(frozen=True)
class TaskConfig:
    """The tasks of a run."""

    scenarios: tuple[str, ...] = ("jira_create_issue", "jira_transition_ticket", "confluence_create_page")
    """Names from `envs.SCENARIOS`; each step draws tasks from them in turn."""
    per_step: int = setting(12, at_least=1)
    """Tasks, and so groups, per step."""
    difficulty: int = setting(1, at_least=1)
    """1 (easiest) to 5."""
    tools: int = setting(0, at_least=0)
    """Number of tools to offer, as far as the scenario's API has them; 0 offers only those that the task needs."""
    curriculum: bool = False
    """Draw scenarios, at all difficulties up to `difficulty`, by their success rates instead of in turn."""
    band: tuple[float, float] = (0.2, 0.8)
    """With curriculum: the range of success rates that is drawn most."""


def check(config: TaskConfig) -> None:
    """Raise UserError for a scenario that does not exist or a step without tasks."""
    for name in config.scenarios:
        if name not in envs.SCENARIOS:
            raise UserError(f"unknown scenario {name!r}; there are {', '.join(envs.SCENARIOS)}")
    if not config.scenarios or config.per_step < 1:
        raise UserError("--tasks.scenarios must name at least one scenario, and --tasks.per-step must be at least 1")
    if len(config.band) != 2 or not 0 < config.band[0] <= config.band[1] < 1:
        raise UserError(f"--tasks.band {config.band} must be two success rates, 0 < low <= high < 1")


def training_tasks(
    config: TaskConfig, seed: int, step: int, refill: int = 0, rates: curriculum.Rates | None = None
) -> list[Any]:
    """Draw the tasks of a step, or of its n-th refill: the scenarios in turn, continuing from the previous step.

    With a curriculum, `rates` are the successes and attempts so far of each kind of task.
    """
    first, again = step * config.per_step, f"/refill-{refill}" if refill else ""
    numbers = range(first, first + config.per_step)
    seeds = [random.Random(f"{seed}/{number}{again}").randrange(2**31) for number in numbers]
    if config.curriculum:
        known = kinds(config)
        names = [curriculum.kind(scenario, difficulty) for scenario, difficulty in known]
        rng = random.Random(f"{seed}/{step}{again}/curriculum")
        indices = curriculum.draw(names, curriculum.weights(names, rates or {}, config.band), config.per_step, rng)
        chosen = [known[index] for index in indices]
    else:
        chosen = [(config.scenarios[number % len(config.scenarios)], config.difficulty) for number in numbers]
    return [
        envs.SCENARIOS[scenario].sample(task_seed, "train", difficulty, config.tools)
        for (scenario, difficulty), task_seed in zip(chosen, seeds, strict=True)
    ]


def kinds(config: TaskConfig) -> list[tuple[str, int]]:
    """List every scenario at each difficulty that it has, up to the config's."""
    return [
        (scenario, difficulty)
        for scenario in config.scenarios
        for difficulty in range(1, config.difficulty + 1)
        if _exists(scenario, difficulty)
    ]


@cache
def _exists(scenario: str, difficulty: int) -> bool:
    try:
        envs.SCENARIOS[scenario].sample(0, "train", difficulty)
    except envs.EnvError:
        return False
    return True


def heldout_tasks(config: TaskConfig, scenario: str, count: int) -> list[Any]:
    """Return the first `count` held-out tasks of a scenario: the same for every run, so that runs can be compared."""
    return [envs.SCENARIOS[scenario].sample(seed, "heldout", config.difficulty, config.tools) for seed in range(count)]
