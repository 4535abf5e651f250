"""Checks on several calls of one operation, and on values seen in earlier responses."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from envs.api.json_paths import leafwise
from envs.reward.checks import FinishedEpisode, at, exactly
from envs.reward.provenance import all_named, each_call, read_argument, seen_before
from envs.trace import Call, Trace, answered_before

GOAL = {"records": [["A-1", "101"], ["A-2", "102"], ["A-3", "103"]], "value": "high", "account": "7f"}
READ = Call("find", {}, 200, {"found": [{"id": "101"}, {"key": "A-2", "id": "102"}, {"id": "103"}]})


def edit(name, value="high", status=204):
    return Call("edit", {"record": name, "field": {"name": value}}, status, None, "" if status < 400 else "refused")


def in_turns(*calls):
    """Return the calls, one per turn."""
    return tuple(replace(call, turn=index) for index, call in enumerate(calls))


def attempt(*calls):
    return FinishedEpisode(SimpleNamespace(goal=GOAL), Trace(in_turns(*calls)), None)


def named(*calls):
    return all_named("edit", "record", "records", 1.0).score(attempt(*calls))


def right(episode, index):
    return exactly(at(episode.trace.calls[index].arguments, "field.name"), episode.task.goal["value"])


def valued(*calls):
    return each_call("edit", "argument/value", "records", 1.0, right, "").score(attempt(*calls))


@pytest.mark.parametrize(
    ("names", "score"),
    [
        (["101", "102", "103"], 1),
        (["103", "A-2", "101"], 1),
        (["a-2", "101", "103"], 1),
        (["101", "101", "A-2", "102", "103"], 1),
        (["101"], 1 / 3),
        (["101", "102", "103", "999"], 3 / 4),
        (["999"], 0),
        ([None], 0),
        ([], 0),
    ],
)
def test_all_named__is_what_is_common_over_all(names, score):
    assert named(READ, *map(edit, names)) == pytest.approx(score)


def test_all_named__a_name_that_no_answer_contained_is_a_guess():
    assert named(edit("101"), edit("102"), edit("103")) == named(edit("101"), READ) == 0
    assert named(READ, edit("A-1")) == 0 and named(READ, edit("A-2")) == pytest.approx(1 / 3)


def test_all_named__a_refused_call_still_names():
    assert named(READ, edit("101", status=400)) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("values", "score"),
    [
        (["high"] * 3, 1),
        (["high"] * 2, 2 / 3),
        (["high", "low", "high"], 2 / 3),
        (["high"] * 3 + ["low"], 3 / 4),
        (["low"], 0),
        ([], 0),
    ],
)
def test_each_call__is_a_mean_and_a_missing_call_is_a_wrong_one(values, score):
    assert valued(READ, *(edit("101", value) for value in values)) == pytest.approx(score)


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ({"a": {"b": [1, "x"]}, "c": "y"}, 1),
        ({"a": {"b": [1, "z"]}, "c": "y"}, 1 / 2),
        ({"a": {"b": [1, "x"]}}, 2 / 3),
        ({"a": {"b": [1, "x"]}, "c": "y", "d": "more"}, 3 / 4),
        ({"a": {"b": [True, "x"]}, "c": "y"}, 1 / 2),
        ({}, 0),
        ("y", 0),
        (None, 0),
    ],
)
def test_leafwise__is_leaves_in_common_over_all(value, score):
    assert leafwise(value, {"a": {"b": [1, "x"]}, "c": "y"}) == pytest.approx(score)


def test_seen_before__only_in_earlier_answers_that_were_no_refusals():
    refused = Call("find", {}, 404, {"id": "7f"}, "refused")
    read = Call("find", {}, 200, [{"account": "7f"}])
    use = Call("write", {"to": {"id": "7f"}}, 201, {})
    assert seen_before(in_turns(read, use), 1, "7f") and not seen_before(in_turns(use, read), 0, "7f")
    assert not seen_before(in_turns(refused, use), 1, "7f") and not seen_before((), 0, "7f")
    check = read_argument("write", "to.id", "account", 1.0)
    scores = [check.score(attempt(*calls)) for calls in ((read, use), (use, read), (refused, use), (use,), (read,))]
    assert scores == [1, 0, 0, 0, 0]


def test_seen_before__not_in_an_answer_to_a_call_of_the_same_turn():
    read, use = Call("find", {}, 200, [{"account": "7f"}], turn=3), Call("write", {"to": {"id": "7f"}}, 201, {}, turn=3)
    assert not seen_before((read, use), 1, "7f") and seen_before((read, replace(use, turn=4)), 1, "7f")
    assert answered_before((read, use, replace(use, turn=4)), 2) == [read, use]
    assert answered_before((read, use), 1) == answered_before((read,), 0) == answered_before((read,), -1) == []
