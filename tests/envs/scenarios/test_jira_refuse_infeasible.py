"""Laws of refusing: only reading shows whether a task is possible; always refusing or always trying does not pay."""

from collections import Counter
from statistics import fmean

import pytest

import envs
from envs import scripted_policies
from envs.audit.held_out import shape
from envs.scenarios.jira.infeasible import RequestKind
from envs.scenarios.jira.refuse_infeasible import KINDS, kind_of
from envs.scripted_policies import DONE, answers_shown, turn
from envs.task import PlannedCall, Task


def tasks(count: int = 120, split: str = "train", difficulty: int = 1) -> list[Task]:
    return [envs.sample("jira_refuse_infeasible", seed, split, difficulty) for seed in range(count)]


def verdict(task: Task, *turns: str) -> envs.Verdict:
    return scripted_policies.demonstrate(task, turns).verdict


def infeasible(count: int = 120) -> list[Task]:
    return [task for task in tasks(count) if task.goal["missing"]]


def what(task: Task) -> str:
    """Return which part of the request is missing."""
    return next(name for name in kind_of(task).parts if task.goal[name] == task.goal["missing"])


def name_of(task: Task) -> str:
    return next(name for name, kind in KINDS.items() if kind is kind_of(task))


def attempt(task: Task) -> PlannedCall:
    """Return the right write or, if the task is impossible, a write with guessed values."""
    kind: RequestKind = kind_of(task)
    if not task.goal["missing"]:
        return task.oracle[1]
    step = task.world.find("workflows")[0]["transitions"][0]
    account = task.world.find("users")[-1]["accountId"]
    read = {"move": step["id"], "assign": account, "create": task.goal.get("type", "")}[name_of(task)]
    return kind.write(task.goal, read)


def test_tasks__half_are_possible_and_each_part_is_missing_at_times():
    drawn = tasks(600)
    share = fmean(not task.goal["missing"] for task in drawn)
    assert 0.4 < share < 0.6
    missing = Counter((name_of(task), what(task)) for task in drawn if task.goal["missing"])
    assert set(missing) == {(name, part) for name, kind in KINDS.items() for part in kind.can_miss}
    assert min(missing.values()) > 25


@pytest.mark.parametrize("difficulty", [1, 3, 5])
def test_missing__is_absent_from_the_site_at_every_difficulty(difficulty):
    for task in tasks(150, "heldout", difficulty):
        if not task.goal["missing"]:
            continue
        name, value, world = what(task), task.goal["missing"], task.world
        table = {"issue": "issues", "project": "projects"}.get(name)
        if table:
            assert not world.find(table, key=value) and not world.find(table, name=value)
        if name == "user":
            assert not world.find("users", displayName=value)
        if name == "status":
            (issue,) = world.find("issues", key=task.goal["issue"])
            flow = world.table("workflows")[world.table("projects")[issue["project"]]["workflow"]]
            reachable = {step["to"] for step in flow["transitions"]}
            assert value not in {world.table("statuses")[one]["name"] for one in reachable}


def test_refusal__a_copy_of_the_response_is_none():
    for task in infeasible():
        shown = answers_shown(task, task.oracle)
        copied = verdict(task, *map(turn, task.oracle), "\n".join(shown))
        assert not copied.success and copied.reward <= 0.25


def test_policy__that_always_refuses_earns_less_than_half():
    """Even if it reads first and always names the part that is most often missing."""
    worst = {"move": "status", "assign": "user", "create": "project"}
    rewards, won = [], []
    for task in tasks():
        said = f'There is no "{task.goal[worst[name_of(task)]]}".'
        shown = verdict(task, turn(task.oracle[0]), said)
        rewards.append(shown.reward)
        won.append(shown.success)
        unread = verdict(task, said)
        assert unread.reward <= 0.7 and not unread.success
    assert fmean(rewards) < 0.5 and fmean(won) < 0.45


def test_policy__that_always_tries_earns_little_more_than_half():
    rewards = [verdict(task, turn(task.oracle[0]), turn(attempt(task)), DONE).reward for task in tasks()]
    assert fmean(rewards) < 0.7


@pytest.mark.parametrize(
    "wording",
    ["There is no {}.", "Sorry, I looked: {} is not there!", "NOT FOUND: '{}'", "{} does not exist"],
)
def test_answer__needs_no_particular_words(wording):
    for task in infeasible(60):
        for name in (task.goal["missing"], task.goal["missing"].upper()):
            shown = verdict(task, turn(task.oracle[0]), wording.format(name))
            assert shown.reward == 1 and shown.success


def test_answer__that_names_more_or_something_else_is_no_refusal():
    for task in infeasible():
        names = [task.goal[name] for name in kind_of(task).parts]
        other = next(name for name in names if name != task.goal["missing"])
        for said in (" or ".join(names), f'There is no "{other}".', "That cannot be done.", task.request):
            shown = verdict(task, turn(task.oracle[0]), said)
            assert not shown.success and shown.reward <= 0.25


def test_write__a_refused_attempt_costs_and_an_accepted_one_is_no_success():
    for task in infeasible():
        vain = verdict(task, turn(task.oracle[0]), turn(attempt(task)), task.answer)
        if vain.success:
            assert [fault.name for fault in vain.penalties] == ["refused_call"] and vain.reward == pytest.approx(0.95)
        else:
            assert vain.reward <= 0.7


def test_user__of_the_same_first_name_exists_and_is_not_the_requested_one():
    for task in tasks():
        if name_of(task) != "assign":
            continue
        first = task.goal["user"].split()[0]
        near = [user for user in task.world.find("users") if user["displayName"].split()[0] == first]
        assert len(near) == 2
        for user in near:
            if user["displayName"] != task.goal["user"]:
                wrong = {"issueIdOrKey": task.goal["issue"], "accountId": user["accountId"]}
                write = turn(envs.task.PlannedCall("assignIssue", wrong))
                shown = verdict(task, turn(task.oracle[0]), write, DONE)
                assert not shown.success and shown.reward <= 0.5


def test_phrasings__are_hundreds():
    assert len({shape(task.request) for task in tasks(500)}) >= 200
