"""Laws of requests on sites where calls fail, others move the issue, or one transition does not suffice."""

import random

import pytest

import envs
from envs.scripted_policies import DONE, demonstrate, oracle, turn
from envs.task import Task

SCENARIOS = ("jira_recover", "jira_transition_conflict", "jira_resolve_ticket", "jira_move_three_hops")


def tasks(scenario: str, count: int = 40) -> list[Task]:
    return [envs.sample(scenario, seed, ("train", "heldout")[seed % 2], 2 + seed // 2 % 4) for seed in range(count)]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_oracle__earns_all_and_each_mistake_less_on_average(scenario):
    drawn = tasks(scenario)
    assert all(demonstrate(task, oracle(task)).verdict.reward == 1 for task in drawn)
    for name, mistake in envs.SCENARIOS[scenario].mistakes.items():
        plans = [mistake(task.oracle, task, random.Random(task.seed)) for task in drawn]
        rewards = [
            demonstrate(task, [*map(turn, plan), DONE]).verdict.reward
            for task, plan in zip(drawn, plans, strict=True)
            if tuple(plan) != task.oracle
        ]
        assert rewards and max(rewards) < 1, name


def test_recover__most_tasks_meet_a_fault_on_each_operation():
    drawn = tasks("jira_recover", 150)
    failing = {call.name for task in drawn for call in task.oracle if call.fails}
    assert failing == {"getTransitions", "doTransition", "createIssue"}
    assert 0.7 < sum(task.faults is not None for task in drawn) / len(drawn) < 0.9


def test_conflict__most_tasks_are_raced_and_lead_on_by_another_transition():
    drawn = tasks("jira_transition_conflict", 150)
    raced = [task for task in drawn if task.faults]
    assert 0.65 < len(raced) / len(drawn) < 0.85
    for task in raced:
        refused, made = (call.arguments["transition"]["id"] for call in task.oracle if call.name == "doTransition")
        assert refused != made


def test_resolve__half_of_the_screens_ask_for_a_version():
    drawn = tasks("jira_resolve_ticket", 150)
    screens = [set(call.arguments["fields"]) for task in drawn for call in task.oracle if "fields" in call.arguments]
    screens = [screen for screen in screens if "resolution" in screen]
    assert len(screens) == len(drawn) and 0.3 < sum("fixVersions" in screen for screen in screens) / len(drawn) < 0.7


def test_three_hops__the_misleading_transition_leaves_every_status_in_held_out_tasks_alone():
    for task in tasks("jira_move_three_hops"):
        named = [
            step
            for flow in task.world.find("workflows")
            for step in flow["transitions"]
            if step["name"] == task.goal["status"]
        ]
        assert (len(named), not named[0]["from"]) == ((1, True) if task.split == "heldout" else (3, False))
