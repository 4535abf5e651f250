"""Laws of answering without tools: a fact that the request does not contain has to be read."""

from collections import Counter
from statistics import fmean

import pytest

import envs
from envs import scripted_policies
from envs.audit.held_out import shape
from envs.reward.penalties import FREE_READS
from envs.scripted_policies import quoted, turn
from envs.task import PlannedCall, Task


def tasks(count: int = 120, split: str = "train") -> list[Task]:
    return [envs.sample("jira_answer_without_tools", seed, split) for seed in range(count)]


def verdict(task: Task, *turns: str) -> envs.Verdict:
    return scripted_policies.demonstrate(task, turns).verdict


def read(key: str) -> str:
    return turn(PlannedCall("getIssue", {"issueIdOrKey": key}))


def test_tasks__half_need_no_call():
    drawn = tasks(600)
    assert 0.4 < fmean(not task.oracle for task in drawn) < 0.6
    answers = Counter(task.goal["listed"].index(answer(task)) for task in drawn if _is_key(task))
    assert set(answers) == set(range(5)) and min(answers.values()) > 5


def answer(task: Task) -> str:
    """Return the value to be stated."""
    (value,) = quoted(task.answer)
    return value


def _is_key(task: Task) -> bool:
    return answer(task) in task.goal["listed"]


def test_overcalling__a_few_reads_are_free_and_more_cost():
    for task in tasks():
        if not task.oracle:
            keys = task.goal["listed"]
            called = verdict(task, read(keys[0]), task.answer)
            assert called.success and called.reward == 1
            everything = verdict(task, *map(read, keys), task.answer)
            assert everything.success and everything.reward == pytest.approx(1 - 0.05 * max(0, len(keys) - FREE_READS))
            again = verdict(task, read(keys[0]), read(keys[0]), task.answer)
            assert again.success and again.reward == pytest.approx(0.98)


def test_guess__of_an_unread_fact_earns_next_to_nothing():
    for task in tasks():
        if task.oracle:
            guessed = verdict(task, task.answer)
            assert guessed.reward == 0 and not guessed.success
            other = next(key for key in task.goal["listed"] if key != task.oracle[0].arguments["issueIdOrKey"])
            assert not verdict(task, read(other), task.answer).success


def test_policies__that_never_call_or_always_read_the_first_issue_earn_less_than_the_right_one():
    never = [verdict(task, task.answer).reward for task in tasks()]
    first = [verdict(task, read(task.goal["listed"][0]), task.answer).reward for task in tasks()]
    assert fmean(never) < 0.65 and fmean(first) < 0.9


@pytest.mark.parametrize("wording", ["{}", "Answer: {}!", "That is the one you want: {}", "({})"])
def test_answer__needs_no_particular_words(wording):
    for task in tasks():
        turns = [*scripted_policies.oracle(task)[:-1], wording.format(answer(task))]
        assert verdict(task, *turns).reward == 1


def test_answer__a_number_in_words_counts_and_two_numbers_do_not():
    counted = [task for task in tasks(300) if answer(task).isdigit()]
    names = {"3": "three", "4": "four", "5": "five"}
    assert {answer(task) for task in counted} == set(names)
    for task in counted:
        listed = " and ".join(task.goal["listed"])
        assert verdict(task, f"{names[answer(task)].title()} of them: {listed}").reward == 1
        assert not verdict(task, "It is 3, or 4, or five.").success


def test_answer__naming_every_key_earns_nothing():
    for task in tasks():
        if _is_key(task):
            assert not verdict(task, " ".join(task.goal["listed"])).success


def test_answers__match_the_request():
    """Derive each answer again from the words of the request."""
    for task in tasks(400):
        keys, request = task.goal["listed"], task.request
        assert all(f'"{key}"' in request for key in keys)
        if not _is_key(task) or task.oracle:
            continue
        if "highest" in request or "lowest" in request:
            best = max if "highest" in request else min
            assert answer(task) == best(keys, key=lambda key: int(key.split("-")[1]))
        for place, key in (("first", keys[0]), ("second", keys[1]), ("third", keys[2]), ("last", keys[-1])):
            if f" {place} " in f" {request[:-1]} ":
                assert answer(task) == key


def test_phrasings__are_hundreds():
    assert len({shape(task.request) for task in tasks(500)}) >= 200
