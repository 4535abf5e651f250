"""Laws of what the model says at the end: only the truth counts, if it was read, and what was done is not denied."""

from dataclasses import replace

import pytest

import envs
from envs import scripted_policies
from envs.claims.facts import FieldValues
from envs.claims.impossible import Impossible
from envs.reward.checks import FinishedEpisode
from envs.reward.truthfulness import founded, truthfulness
from envs.reward.verdict import FOUND, MOST_FAILURE
from envs.task import PlannedCall, Task
from envs.trace import Call, Trace

DENIAL = "I could not do it."
SCENARIOS = pytest.mark.parametrize("scenario", envs.SCENARIOS)


def tasks(scenario: str, count: int = 6, hardest: int = 5) -> list[Task]:
    """Return tasks of all splits and of the difficulties up to `hardest`."""
    return [
        envs.sample(scenario, seed, ("train", "heldout", "synthetic")[seed % 3], 1 + seed % hardest)
        for seed in range(count)
    ]


def finished(task: Task, *turns: str) -> FinishedEpisode:
    episode = envs.Episode(task)
    for turn in turns:
        episode.step(turn)
    return FinishedEpisode(task, episode.trace, episode.world)


def verdict(task: Task, plan, *answer: str) -> envs.Verdict:
    return scripted_policies.demonstrate(task, [*map(scripted_policies.turn, plan), *answer]).verdict


@SCENARIOS
def test_truth__a_denial_of_what_was_done_is_a_failure_that_earns_no_more_than_reading(scenario):
    for task in tasks(scenario):
        if task.claim is None:
            denied = verdict(task, task.oracle, DENIAL)
            found = sum(part.weight for part in denied.checks if part.name.startswith("found/"))
            assert not denied.success and denied.reward == pytest.approx(MOST_FAILURE * found)
            assert found in (0, pytest.approx(FOUND))
            # In the thoughts it is no denial.
            assert verdict(task, task.oracle, f"<think>{DENIAL}</think>Done.").reward == 1


@SCENARIOS
def test_truth__a_denial_of_what_was_not_done_is_no_falsehood(scenario):
    for task in tasks(scenario):
        if task.claim is None:
            reads = [call for call in task.oracle if not task.api.by_name()[call.name].writes]
            assert verdict(task, reads, DENIAL).reward == verdict(task, reads, "Done.").reward


@SCENARIOS
def test_truth__the_oracle_says_it_and_silence_does_not_where_words_are_asked_for(scenario):
    for task in tasks(scenario):
        turns = scripted_policies.oracle(task)
        said, unsaid = finished(task, *turns), finished(task, *turns[:-1])
        assert truthfulness(said, True) == 1
        assert truthfulness(unsaid, True) == (1 if task.claim is None else 0)
        assert truthfulness(replace(said, trace=replace(said.trace, answer="Done.")), True) == (task.claim is None)


@SCENARIOS
def test_truth__grades_lie_between_zero_and_one_whatever_is_said(scenario):
    for task in tasks(scenario):
        episode = finished(task, *scripted_policies.oracle(task))
        for answer in (
            "",
            "Done.",
            task.request,
            DENIAL,
            task.answer,
            " ".join(scripted_policies.quoted(task.request)),
        ):
            for same_site in (True, False):
                said = replace(episode, trace=replace(episode.trace, answer=answer))
                assert 0 <= truthfulness(said, same_site) <= 1


def test_founded__the_facts_of_a_record_have_to_be_read_of_that_record():
    for task in tasks("jira_read_issue", 20, hardest=1):
        assert isinstance(task.claim, FieldValues)
        (read,) = task.oracle
        other = next(
            issue["key"] for issue in task.world.find("issues") if issue["key"] != read.arguments["issueIdOrKey"]
        )
        elsewhere = scripted_policies.turn(PlannedCall("getIssue", {"issueIdOrKey": other}))
        right = scripted_policies.turn(read)
        for turns, expected in (((), False), ((right,), True), ((elsewhere, right), True), ((elsewhere,), False)):
            episode = finished(task, *turns, task.answer)
            assert founded(episode) is expected and (truthfulness(episode, True) == 1) is expected
            assert verdict(task, [], *turns, task.answer).success is expected


def claimed(body: object) -> FinishedEpisode:
    """Return an episode of one read with this response, about the fact that A-1 is in the status Open."""
    task = replace(envs.sample("jira_read_issue", 0, "train"), claim=FieldValues("A-1", {"status": "Open"}, {}, {}))
    trace = Trace((Call("getIssue", {}, 200, body),), True, "Open")
    return FinishedEpisode(task, trace, task.world)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"key": "A-1", "fields": {"status": {"name": "Open"}}}, True),
        ({"issues": [{"key": "A-1", "status": "Open"}, {"key": "A-2", "status": "Shut"}]}, True),
        ({"issues": [{"key": "A-1", "status": "Shut"}, {"key": "A-2", "status": "Open"}]}, False),
        ({"status": "Open"}, False),
        ({"key": "A-1"}, False),
        ({"keys": ["A-1"], "status": "Open"}, False),
        ("A-1 Open", False),
        (None, False),
    ],
)
def test_founded__in_the_innermost_object_that_names_the_record(body, expected):
    assert founded(claimed(body)) is expected


def test_founded__a_refused_read_shows_nothing():
    episode = claimed({"key": "A-1", "status": "Open"})
    (call,) = episode.trace
    assert not founded(replace(episode, trace=replace(episode.trace, calls=(replace(call, error="refused"),))))


def test_impossible__to_say_so_of_what_is_possible_earns_no_more_than_reading():
    for task in tasks("jira_refuse_infeasible", 30):
        if task.claim is None:
            reads = task.oracle[:1]
            refused = verdict(task, reads, "There is no such thing.")
            assert not refused.success and refused.reward == verdict(task, reads, "Done.").reward
        else:
            assert isinstance(task.claim, Impossible)
            unread = verdict(task, [], task.answer)
            assert not unread.success and unread.reward <= MOST_FAILURE
