"""Episodes: answers to turns, and stored records that reproduce their verdicts."""

import json

import pytest

import envs
from envs import scripted_policies
from envs.reward.checks import FinishedEpisode
from envs.reward.goal import goal_of
from envs.reward.verdict import MOST_FAILURE, judge
from envs.trace import Trace

CALL = '<tool_call>\n{{"name": "{}", "arguments": {}}}\n</tool_call>'


@pytest.fixture
def task() -> envs.Task:
    return envs.SCENARIOS["jira_transition_ticket"].sample(4, "train")


def test_step__a_turn_without_a_call_ends_the_episode(task):
    episode = envs.Episode(task)
    assert episode.step("Done.") == envs.Reply(True, ())
    assert episode.trace.stopped and len(episode.trace) == 0


def test_step__several_calls_are_answered_in_order(task):
    episode = envs.Episode(task)
    reply = episode.step(scripted_policies.turn(task.oracle[0]) + scripted_policies.turn(task.oracle[1]))
    assert not reply.done and reply.answers[0].startswith('{"transitions"') and reply.answers[1] == '{"status": 204}'
    assert [call.name for call in episode.trace] == ["getTransitions", "doTransition"]


@pytest.mark.parametrize(
    ("turn", "error", "answer"),
    [
        (CALL.format("getIssues", "{}"), "unknown_tool", "the tools are getTransitions, doTransition"),
        (CALL.format("createIssue", "{}"), "unknown_tool", "there is no tool 'createIssue'"),
        (CALL.format("getTransitions", "[]"), "malformed_call", "must be an object"),
        ("<tool_call>{</tool_call>", "malformed_json", "not valid JSON"),
        (CALL.format("getTransitions", '{"issueIdOrKey": 3}'), "refused", '"status": 400'),
    ],
)
def test_step__a_mistake_is_answered_and_recorded(task, turn, error, answer):
    episode = envs.Episode(task)
    reply = episode.step(turn)
    assert not reply.done and answer in reply.answers[0]
    assert [call.error for call in episode.trace] == [error]


def test_to_dict__a_stored_episode_scores_the_same(task):
    for turns in (
        scripted_policies.oracle(task),
        scripted_policies.read_only(task),
        scripted_policies.duplicate_spam(task),
        [CALL.format("x", "{}"), "<tool_call>"],
    ):
        episode = envs.Episode(task)
        for turn in turns:
            episode.step(turn)
        stored = json.loads(json.dumps(episode.to_dict()))
        assert envs.rescore(stored) == episode.verdict()
        assert json.loads(json.dumps(episode.verdict().to_dict()))["reward"] == episode.verdict().reward


def test_verdict__asking_twice_changes_nothing(task):
    episode = envs.Episode(task)
    episode.step(scripted_policies.turn(task.oracle[0]))
    assert episode.verdict() == episode.verdict()
    assert episode.verdict().reward < 1.0


@pytest.mark.parametrize(
    "broken", [{}, {"task": {}}, {"task": {"scenario": "x", "seed": 0, "split": "train"}, "calls": [], "stopped": True}]
)
def test_rescore__refuses_what_is_no_episode(broken):
    with pytest.raises(envs.EnvError):
        envs.rescore(broken)


def test_demonstrate__stops_at_the_turn_without_a_call(task):
    shown = scripted_policies.demonstrate(task, ["Done.", scripted_policies.turn(task.oracle[0])])
    assert shown.turns == (("Done.", ()),)


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_trace_only__the_final_site_decides_success_and_not_the_reward(scenario):
    checks = envs.SCENARIOS[scenario].checks
    for seed in range(4):
        task = envs.SCENARIOS[scenario].sample(seed, "train")
        episode = envs.Episode(task, trace_only=True)
        for turn in scripted_policies.oracle(task):
            episode.step(turn)
        assert episode.verdict().reward == 1.0 and episode.verdict().success
        assert envs.rescore(json.loads(json.dumps(episode.to_dict()))) == episode.verdict()
        # As if the model's calls had not changed the site.
        untouched = FinishedEpisode(task, episode.trace, goal_of(task).contested)
        judged = judge(untouched, checks, trace_only=True)
        assert judged.reward == 1.0
        assert judged.success is not bool(goal_of(task).changes)
        if goal_of(task).changes:
            assert judge(untouched, checks).reward <= MOST_FAILURE
            assert judge(FinishedEpisode(task, Trace(stopped=True), task.world), checks, trace_only=True).reward == 0
