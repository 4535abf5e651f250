"""Laws of which tasks train and which judge."""

import pytest

import envs
from jaxrlvr.rollout.tasks import TaskConfig, check, heldout_tasks, training_tasks
from jaxrlvr.runtime.errors import UserError

CONFIG = TaskConfig(per_step=4)


def identity(task):
    return task.scenario, task.seed, task.split


def test_training_tasks__follow_from_seed_and_step():
    once, again = (list(map(identity, training_tasks(CONFIG, 5, 3))) for _ in range(2))
    assert once == again
    assert once != list(map(identity, training_tasks(CONFIG, 6, 3)))
    assert not set(once) & set(map(identity, training_tasks(CONFIG, 5, 4)))


def test_training_tasks__take_the_scenarios_in_turn_across_steps():
    drawn = [task.scenario for step in range(3) for task in training_tasks(CONFIG, 0, step)]
    assert drawn == list(CONFIG.scenarios) * 4


def test_training_tasks__are_never_held_out():
    assert {task.split for step in range(4) for task in training_tasks(CONFIG, 0, step)} == {"train"}


def test_heldout_tasks__are_the_same_for_every_run():
    for name in CONFIG.scenarios:
        tasks = heldout_tasks(CONFIG, name, 5)
        assert [identity(task) for task in tasks] == [(name, seed, "heldout") for seed in range(5)]
        assert [identity(task) for task in heldout_tasks(CONFIG, name, 3)] == [identity(task) for task in tasks[:3]]


def test_check__names_an_unknown_scenario_and_those_there_are():
    with pytest.raises(UserError, match=f"unknown scenario 'jira'; there are {', '.join(envs.SCENARIOS)}"):
        check(TaskConfig(scenarios=("jira",)))


@pytest.mark.parametrize("config", [TaskConfig(scenarios=()), TaskConfig(per_step=0)])
def test_check__refuses_a_step_without_tasks(config):
    with pytest.raises(UserError, match="--tasks.per-step must be at least 1"):
        check(config)
