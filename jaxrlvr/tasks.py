"""Which tasks a step trains on and which ones judge it: pure functions of the run's seed."""

import random
from dataclasses import dataclass
from typing import Any

import envs
from jaxrlvr.errors import UserError


@dataclass(frozen=True)
class TaskConfig:
    """The tasks of a run."""

    scenarios: tuple[str, ...] = ("jira_create_issue", "jira_transition_ticket", "confluence_create_page")
    """Names from `envs.SCENARIOS`; every step draws from each in turn."""
    per_step: int = 12
    """Tasks, and so groups, in a step."""
    difficulty: int = 1
    """1 (easiest) to 5."""
    tools: int = 0
    """Tools offered, if the scenario's API has so many; 0 offers only those that the task needs."""


def check(config: TaskConfig) -> None:
    """Raise UserError for a scenario that does not exist or a step without tasks."""
    for name in config.scenarios:
        if name not in envs.SCENARIOS:
            raise UserError(f"unknown scenario {name!r}; there are {', '.join(envs.SCENARIOS)}")
    if not config.scenarios or config.per_step < 1:
        raise UserError("a step needs tasks: set --tasks.scenarios and --tasks.per-step to at least one")


def training_tasks(config: TaskConfig, seed: int, step: int) -> list[Any]:
    """The tasks of one step: the scenarios in turn, going on where the step before stopped."""
    first = step * config.per_step
    return [
        envs.SCENARIOS[config.scenarios[number % len(config.scenarios)]].sample(
            random.Random(f"{seed}/{number}").randrange(2**31), "train", config.difficulty, config.tools
        )
        for number in range(first, first + config.per_step)
    ]


def heldout_tasks(config: TaskConfig, scenario: str, count: int) -> list[Any]:
    """The first `count` held-out tasks of a scenario: the same for every run, so that runs compare."""
    return [envs.SCENARIOS[scenario].sample(seed, "heldout", config.difficulty, config.tools) for seed in range(count)]
