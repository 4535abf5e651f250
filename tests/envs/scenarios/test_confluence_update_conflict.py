"""Laws of a version conflict: the version read is out of date, and only reading again shows the current one."""

from collections import Counter
from dataclasses import replace

import pytest

import envs
from envs.audit.held_out import shape
from envs.scripted_policies import DONE, turn
from envs.task import Task


def tasks(count: int = 80, split: str = "train") -> list[Task]:
    return [envs.sample("confluence_update_conflict", seed, split) for seed in range(count)]


def play(task: Task, plan) -> envs.Episode:
    episode = envs.Episode(task)
    for text in (*map(turn, plan), DONE):
        episode.step(text)
    return episode


def first(task: Task):
    """Return the update that fits the first read."""
    return task.oracle[2].arguments


def last(task: Task):
    """Return the update that is right after the conflict."""
    return task.oracle[-1].arguments


def renamed(task: Task) -> bool:
    return first(task)["title"] != last(task)["title"]


def test_rival__writes_in_three_tasks_of_four_and_renames_at_times():
    kinds = Counter((len(task.oracle), renamed(task)) for task in tasks(400))
    assert set(kinds) == {(3, False), (5, False), (5, True)}
    assert 60 < kinds[3, False] < 140 and 60 < kinds[5, True] < 140
    jumps = Counter(last(task)["version"]["number"] - first(task)["version"]["number"] for task in tasks(400))
    assert set(jumps) == {0, 1, 2}


def test_conflict__is_the_sites_response_to_a_stale_version():
    for task in tasks():
        if not task.faults:
            continue
        episode = play(task, task.oracle[:3])
        failed = episode.trace.calls[-1]
        assert (failed.status, failed.error) == (409, "conflict")
        page = episode.world.table("pages")[last(task)["id"]]
        assert page["title"] == last(task)["title"] and page["version"] == last(task)["version"]["number"] - 1
        assert f"Current Version: [{page['version']}]" in str(failed.body)


def test_insisting__every_repetition_is_refused():
    for task in tasks():
        if task.faults:
            episode = play(task, [*task.oracle[:3], task.oracle[2]])
            assert episode.trace.calls[-1].error == "refused"
            assert not episode.verdict().success


def test_counting_on__restores_an_old_title():
    """The refusal names the current version; only reading again shows a new title."""
    for task in tasks():
        if not task.faults:
            continue
        old = {**first(task), "version": last(task)["version"]}
        verdict = play(task, [*task.oracle[:3], replace(task.oracle[4], arguments=old)]).verdict()
        assert verdict.success is not renamed(task)
        assert verdict.reward == 1 if verdict.success else verdict.reward <= 0.7


def test_rename__by_the_rival_survives():
    for task in tasks():
        if renamed(task):
            final = play(task, task.oracle).world.table("pages")[last(task)["id"]]
            assert final["title"] == last(task)["title"] and final["body"] == last(task)["body"]


def test_reading_again__without_a_conflict_costs():
    for task in tasks():
        if not task.faults:
            verdict = play(task, [task.oracle[0], task.oracle[1], task.oracle[1], task.oracle[2]]).verdict()
            assert verdict.success and verdict.reward == pytest.approx(0.98)


def test_phrasings__are_hundreds():
    assert len({shape(task.request) for task in tasks(500)}) >= 200
