"""Laws of recovery: each failed call is retried, and no successful call is repeated."""

from collections import Counter

import pytest

import envs
from envs import scripted_policies
from envs.audit.held_out import shape
from envs.reward.penalties import COSTS
from envs.scripted_policies import DONE, turn
from envs.task import PlannedCall, Task


def tasks(count: int = 100, split: str = "train") -> list[Task]:
    return [envs.sample("jira_recover", seed, split) for seed in range(count)]


def verdict(task: Task, plan) -> envs.Verdict:
    return scripted_policies.demonstrate(task, [*map(turn, plan), DONE]).verdict


def test_faults__cover_each_operation_and_status_and_spare_some_tasks():
    met = Counter(fault for task in tasks(400) for fault in (task.faults.on if task.faults else ("none",)))
    firsts = {(name, status) for fault in met if fault != "none" for name, index, status in [fault] if index == 1}
    calls = ("getTransitions", "doTransition", "createIssue")
    assert firsts == {(name, status) for name in calls for status in (429, 500)} | {("doTransition", 409)}
    assert 40 < met["none"] < 120 and any(fault[1] == 2 for fault in met if fault != "none")


def test_retry__repeating_a_successful_write_makes_two_issues_and_is_no_success():
    for task in tasks():
        twice = verdict(task, [*task.oracle, task.oracle[-1]])
        assert not twice.success and twice.reward < 0.6


def test_retry__not_repeating_a_failed_call_is_no_success():
    faulty = [task for task in tasks() if task.faults]
    for task in faulty:
        first = next(index for index, call in enumerate(task.oracle) if call.fails)
        assert not verdict(task, task.oracle[: first + 1]).success
        skipped = verdict(task, [call for call in task.oracle if call.fails or call.name != task.oracle[first].name])
        if task.oracle[first].name == "getTransitions":
            # The id of a transition that was not read is a guess here.
            assert skipped.success and skipped.reward == pytest.approx(1 - COSTS["guessed_value"])
        else:
            assert not skipped.success and skipped.reward <= 0.7
    assert len(faulty) > 60


def test_retry__doing_something_else_first_costs():
    other = PlannedCall("getTransitions", {"issueIdOrKey": "nope-1"})
    for task in tasks():
        indices = [index for index, call in enumerate(task.oracle) if call.fails]
        for index in indices:
            plan = (*task.oracle[: index + 1], other, *task.oracle[index + 1 :])
            between = verdict(task, plan)
            # It may meet the second failure in the place of the right read, which is then repeated in vain.
            instead = task.oracle[index].name == other.name and index != indices[-1]
            assert between.success and between.reward == pytest.approx(0.98 if instead else 0.95)


def test_turns__a_write_before_its_read_is_answered_is_a_guess_unless_it_fails():
    for task in tasks(60):
        plan = task.oracle
        index = next(index for index, call in enumerate(plan) if call.name == "doTransition")
        read_and_try = "\n".join(map(turn, plan[index - 1 : index + 1]))
        turns = [*map(turn, plan[: index - 1]), read_and_try, *map(turn, plan[index + 1 :]), DONE]
        guessed = scripted_policies.demonstrate(task, turns).verdict
        assert guessed.success and guessed.reward == pytest.approx(
            1 if plan[index].fails else 1 - COSTS["guessed_value"]
        )


def test_order__of_the_two_writes_is_free():
    for task in tasks():
        moved = [call for call in task.oracle if call.name != "createIssue"]
        creation = [call for call in task.oracle if call.name == "createIssue"]
        assert verdict(task, [*creation, *moved]).reward == 1


def test_phrasings__are_hundreds():
    assert len({shape(task.request) for task in tasks(500)}) >= 200
