"""Laws of three hops: each hop needs a read, names mislead, and a detour costs without failing."""

import json

import pytest

import envs
from envs import scripted_policies
from envs.audit.held_out import shape
from envs.reward.penalties import COSTS
from envs.scenarios.vocabulary.jira_moves import moved_issue, planned_move, planned_read
from envs.scripted_policies import DONE, turn
from envs.task import Task


def tasks(count: int = 60, split: str = "train") -> list[Task]:
    return [envs.sample("jira_move_three_hops", seed, split) for seed in range(count)]


def verdict(task: Task, *plan) -> envs.Verdict:
    return scripted_policies.demonstrate(task, [*map(turn, plan), DONE]).verdict


def offered(task: Task, moved: int, detail="full") -> list[dict]:
    """Return the transitions available after this many hops of the route."""
    shown = scripted_policies.demonstrate(task, map(turn, task.oracle[: 2 * moved + 1]), detail)
    return json.loads(shown.turns[-1][1][0])["transitions"]


def hops(task: Task) -> list[str]:
    """Return the transitions of the route, in order."""
    return [call.arguments["transition"]["id"] for call in task.oracle if call.name == "doTransition"]


def workflow(task: Task) -> list[dict]:
    project = task.world.find("projects", key=moved_issue(task).split("-")[0])[0]
    return task.world.table("workflows")[project["workflow"]]["transitions"]


def test_workflow__of_heldout_tasks_differs_from_other_splits():
    for split in ("train", "synthetic", "heldout"):
        for task in tasks(20, split):
            anywhere = [step for step in workflow(task) if not step["from"]]
            looped = [step for step in workflow(task) if step["to"] in step["from"]]
            assert len(anywhere) == len(looped) == (split == "heldout")


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_names__at_each_hop_a_transition_with_the_targets_name_leads_elsewhere(split):
    for task in tasks(60, split):
        for hop in range(3):
            named = [step for step in offered(task, hop) if step["name"] == task.goal["status"]]
            assert len(named) == 1 and named[0]["to"]["name"] != task.goal["status"]
        last = {step["to"]["name"] for step in offered(task, 2)}
        shared = set(task.goal["status"].lower().split())
        assert any(shared & set(name.lower().split()) for name in last - {task.goal["status"]})


def test_compact__view_shows_where_a_transition_leads():
    for task in tasks(10):
        reached = []
        for hop in range(3):
            to = {step["id"]: step["to"]["name"] for step in offered(task, hop, "compact")}
            reached.append(to[hops(task)[hop]])
            assert f'"{reached[-1]}"' in task.request
        assert len(set(reached)) == 3 and reached[-1] == task.goal["status"]


def test_hops__are_offered_one_at_a_time_and_at_any_position():
    places = set()
    for task in tasks():
        for hop in range(3):
            ids = [step["id"] for step in offered(task, hop)]
            places.add((hop, ids.index(hops(task)[hop])))
            assert not set(ids) & {*hops(task)} - {hops(task)[hop]}
    assert len(places) >= 7


def test_ids__of_another_task_do_not_fit():
    assert len({transition for task in tasks() for transition in hops(task)}) > 60


def test_detour__and_back_is_a_success_that_costs():
    for task in tasks():
        issue = moved_issue(task)
        flow = next(flow for flow in task.world.find("workflows") if len(flow["transitions"]) == 9)
        astray = next(step for step in offered(task, 0) if step["name"] == task.goal["status"])
        back = next(step for step in flow["transitions"] if step["from"] == [astray["to"]["id"]])
        way = [
            planned_read(issue),
            planned_move(issue, astray["id"]),
            planned_read(issue),
            planned_move(issue, back["id"]),
            *task.oracle,
        ]
        shown = verdict(task, *way)
        assert shown.success and shown.reward == pytest.approx(1 - 2 * COSTS["excessive_write"])
        assert [(penalty.name, penalty.count) for penalty in shown.penalties] == [("excessive_write", 2)]


def test_guessing__later_ids_earns_less_than_reading_them():
    for task in tasks(20):
        guessed = verdict(task, *(call for index, call in enumerate(task.oracle) if index in (0, 1, 3, 5)))
        assert guessed.success and guessed.reward == pytest.approx(1 - COSTS["guessed_value"])


def test_phrasings__are_hundreds():
    assert len({shape(task.request) for task in tasks(500)}) >= 200
