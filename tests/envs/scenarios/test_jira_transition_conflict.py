"""Laws of a race: the refused transition stays refused, and another leads on from the current status."""

import pytest

import envs
from envs.audit.held_out import shape
from envs.reward.penalties import COSTS
from envs.scenarios.vocabulary.jira_moves import planned_move, planned_read
from envs.scripted_policies import DONE, turn
from envs.task import Task


def tasks(count: int = 80, split: str = "train") -> list[Task]:
    return [envs.sample("jira_transition_conflict", seed, split) for seed in range(count)]


def play(task: Task, *plan) -> envs.Episode:
    episode = envs.Episode(task)
    for text in (*map(turn, plan), DONE):
        episode.step(text)
    return episode


def made_by(task: Task, number: int) -> str:
    """Return the transition of an oracle's call."""
    return task.oracle[number].arguments["transition"]["id"]


def test_rival__moves_in_most_tasks_to_where_another_id_leads_on():
    drawn = tasks(400)
    raced = [task for task in drawn if task.faults]
    assert 0.65 < len(raced) / len(drawn) < 0.85
    assert all(made_by(task, 1) != made_by(task, -1) for task in raced)
    assert all(len(task.oracle) == 2 for task in drawn if not task.faults)


def test_conflict__is_the_sites_refusal_and_the_rivals_move_remains():
    for task in tasks():
        if task.faults:
            episode = play(task, *task.oracle[:2])
            failed = episode.trace.calls[-1]
            assert (failed.status, failed.error) == (400, "conflict")
            issue = episode.world.find("issues", key=task.oracle[0].arguments["issueIdOrKey"])[0]
            assert [entry["author"] for entry in issue["history"]] == [task.faults.rival.account]


def test_insisting__every_repetition_is_refused():
    for task in tasks():
        if task.faults:
            verdict = play(task, *task.oracle[:2], task.oracle[1]).verdict()
            assert not verdict.success and verdict.reward <= 0.21


def test_guessing__the_new_id_earns_less_than_reading_it():
    for task in tasks():
        if task.faults:
            verdict = play(task, *task.oracle[:2], task.oracle[3]).verdict()
            assert verdict.success and verdict.reward == pytest.approx(1 - COSTS["guessed_value"])


def test_reading_twice__where_nobody_interferes_costs():
    for task in tasks():
        if not task.faults:
            verdict = play(task, task.oracle[0], task.oracle[0], task.oracle[1]).verdict()
            assert verdict.success and verdict.reward == pytest.approx(1 - COSTS["repeated_read"])


def test_wrong_move__by_the_model_meets_the_rival_too_and_can_be_corrected():
    for task in tasks():
        if not task.faults:
            continue
        issue = task.oracle[0].arguments["issueIdOrKey"]
        flow = next(flow for flow in task.world.find("workflows") if len(flow["transitions"]) == 7)
        start = task.world.find("issues", key=issue)[0]["status"]
        wrong = next(s["id"] for s in flow["transitions"] if s["from"] == [start] and s["id"] != made_by(task, 1))
        episode = play(task, planned_read(issue), planned_move(issue, wrong), *task.oracle[2:])
        assert episode.trace.calls[1].error == "conflict"
        assert episode.verdict().success and episode.verdict().reward == 1


def test_phrasings__are_hundreds():
    assert len({shape(task.request) for task in tasks(500)}) >= 200
