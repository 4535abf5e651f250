"""Laws of the curriculum: scenarios near the band are favoured, seed, step and rates decide, and none is excluded."""

import random
from collections import Counter
from types import SimpleNamespace

import pytest

from jaxrlvr.rollout import curriculum
from jaxrlvr.rollout.tasks import TaskConfig, check, kinds, training_tasks
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime.errors import UserError

BAND = (0.2, 0.8)
CONFIG = TaskConfig(per_step=12, curriculum=True)
SOLVED = {"jira_create_issue@1": [10.0, 10.0], "jira_transition_ticket@1": [5.0, 10.0]}


def drawn(step=3, rates=SOLVED, config=CONFIG, refill=0):
    return training_tasks(config, 5, step, refill, rates)


@pytest.mark.parametrize(
    ("rate", "expected"), [(0.2, 1), (0.5, 1), (0.8, 1), (0.0, 0.1), (1.0, 0.1), (0.1, 0.55), (0.9, 0.55)]
)
def test_weight__is_full_in_the_band_and_falls_to_the_floor(rate, expected):
    assert curriculum.weight(rate, BAND) == pytest.approx(expected)


def test_weights__of_what_was_never_tried_are_full():
    assert curriculum.weights(["a@1", "b@1"], {"a@1": [0.0, 8.0]}, BAND) == [pytest.approx(0.1), 1.0]


def test_draw__takes_each_as_often_as_its_weight_says_give_or_take_one():
    for seed in range(50):
        chosen = Counter(curriculum.draw(list("abc"), [1.0, 0.1, 0.9], 20, random.Random(seed)))
        assert sum(chosen.values()) == 20
        assert all(abs(chosen[index] - share) <= 1 for index, share in enumerate((10, 1, 9)))


def test_draw__reaches_what_has_the_least_weight():
    assert any(1 in curriculum.draw(["a", "b"], [1.0, 0.1], 2, random.Random(seed)) for seed in range(100))


def test_tasks__are_drawn_toward_the_band_and_fixed_by_seed_step_and_rates():
    counts = Counter(task.scenario for step in range(20) for task in drawn(step))
    assert counts["jira_create_issue"] < 0.1 * 240 < 0.35 * 240 < counts["jira_transition_ticket"]
    assert drawn() == drawn() and [t.seed for t in drawn()] != [t.seed for t in drawn(4)]
    assert {task.split for task in drawn()} == {"train"}


def test_tasks__of_a_refill_are_others():
    seeds = [{task.seed for task in drawn(refill=refill)} for refill in range(3)]
    assert not (seeds[0] & seeds[1] or seeds[1] & seeds[2] or seeds[0] & seeds[2])


def test_tasks__without_a_curriculum_do_not_depend_on_rates():
    config = TaskConfig(per_step=12)
    assert training_tasks(config, 5, 3, 0, SOLVED) == training_tasks(config, 5, 3)


def group(scenario, successes, faults=0):
    members = [SimpleNamespace(valid=True, verdict=SimpleNamespace(success=success)) for success in successes]
    members += [SimpleNamespace(valid=False, verdict=None)] * faults
    return Group(SimpleNamespace(scenario=scenario, difficulty=1), [1], members)


def test_rates__forget_slowly_and_leave_out_faults():
    rates = curriculum.updated({"a@1": [2.0, 4.0]}, [group("a", [True, False], faults=2), group("b", [], faults=1)])
    assert rates == {"a@1": [pytest.approx(0.8 * 2 + 1), pytest.approx(0.8 * 4 + 2)]}


def test_rates__do_not_change_those_they_were_given():
    before = {"a@1": [1.0, 2.0]}
    curriculum.updated(before, [group("a", [True])])
    assert before == {"a@1": [1.0, 2.0]}


def test_kinds__are_every_scenario_at_each_difficulty_that_it_has():
    easy = TaskConfig(scenarios=("jira_create_issue",))
    assert kinds(easy) == [("jira_create_issue", 1)]
    assert kinds(TaskConfig(scenarios=("jira_create_issue",), difficulty=5))[0] == ("jira_create_issue", 1)


@pytest.mark.parametrize("band", [(0.0, 0.5), (0.5, 1.0), (0.6, 0.4), (0.5,)])
def test_check__refuses_a_band_that_is_none(band):
    with pytest.raises(UserError, match="--tasks.band"):
        check(TaskConfig(band=band))
