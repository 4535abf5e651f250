"""Penalties for undeclared arguments, near-identical calls and too many calls, and what is free."""

import pytest

import envs
from envs import scripted_policies
from envs.reward.penalties import COSTS, FREE_MORE, FREE_TIMES
from envs.scripted_policies import turn
from envs.task import PlannedCall


def verdict(task, *calls):
    return scripted_policies.demonstrate(task, [*map(turn, calls), task.answer]).verdict


def lost(task, *calls):
    return {penalty.name: penalty.count for penalty in verdict(task, *calls).penalties}


def with_more(call: PlannedCall, **more) -> PlannedCall:
    return PlannedCall(call.name, {**call.arguments, **more})


@pytest.fixture
def task() -> envs.Task:
    return envs.sample("jira_transition_ticket", 4, "train")


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_unknown_argument__costs_each_time_wherever_it_is(scenario):
    for seed in range(4):
        task = envs.sample(scenario, seed, "train", 1 + seed)
        spoiled = verdict(task, *(with_more(call, bogus="x") for call in task.oracle))
        expected = COSTS["unknown_argument"] * len(task.oracle)
        assert [(p.name, p.cost) for p in spoiled.penalties if p.name == "unknown_argument"] == [
            ("unknown_argument", pytest.approx(expected))
        ] * bool(task.oracle)
        assert spoiled.reward <= 1 - expected + 1e-9


def test_unknown_argument__what_is_declared_is_free(task):
    read, move = task.oracle
    assert verdict(task, with_more(read, expand="transitions.fields"), move).reward == 1.0
    page = envs.sample("confluence_create_page", 4, "train")
    spaces, pages, create = page.oracle
    limited = [
        with_more(spaces, limit=25),
        with_more(pages, limit=25, sort="title"),
        with_more(create, status="current"),
    ]
    assert verdict(page, *limited).reward == 1.0


def test_duplicate__what_is_declared_nowhere_makes_no_call_another_one(task):
    read, move = task.oracle
    counts = lost(task, *(with_more(read, bogus=number) for number in range(3)), move)
    assert counts == {"unknown_argument": 3, "duplicate_call": 2}
    assert lost(task, read, with_more(read, bogus=1), move) == {"unknown_argument": 1, "duplicate_call": 1}


def test_duplicate__a_refused_call_may_be_made_again_without_what_was_made_up():
    task = envs.sample("jira_create_issue", 4, "train")
    fields = task.oracle[0].arguments["fields"]
    wrong = PlannedCall("createIssue", {"fields": {**fields, "flavour": "mint"}})
    assert lost(task, wrong, *task.oracle) == {"refused_call": 1}


def test_unknown_argument__costs_in_a_refused_read_that_is_free():
    drawn = (envs.sample("jira_refuse_infeasible", seed, "train") for seed in range(40))
    probing = next(task for task in drawn if any(call.fails for call in task.oracle))
    assert lost(probing, *probing.oracle) == {}
    assert lost(probing, *(with_more(call, bogus=1) for call in probing.oracle)) == {"unknown_argument": 1}


def test_excess__a_few_calls_more_are_free_and_each_further_one_costs(task):
    read, move = task.oracle
    free = FREE_TIMES * 2 + FREE_MORE - 2
    around = [with_more(read, expand=f"{number}") for number in range(40)]
    assert verdict(task, *around[:free], read, move).reward == 1.0
    one_more = verdict(task, *around[: free + 1], read, move)
    assert [(p.name, p.count) for p in one_more.penalties] == [("excessive_calls", 1)]
    assert one_more.success and one_more.reward == pytest.approx(1 - COSTS["excessive_calls"])
    assert verdict(task, *around, read, move).reward == 0.0
