"""Laws of judging a policy: every held-out task once, whatever the batch, and every episode scored again alike."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

import envs
from jaxrlvr.evaluation.episode_files import episode_lines, write_episodes
from jaxrlvr.evaluation.held_out import EvaluationConfig, HeldOut, evaluate, evaluate_at, score
from jaxrlvr.rollout.rollout import Actor, RolloutKey, rollout
from jaxrlvr.rollout.tasks import TaskConfig, heldout_tasks
from jaxrlvr.rollout.trajectory import Group, Trajectory

TASKS = TaskConfig(scenarios=("jira_create_issue", "jira_transition_ticket"))


def actor_of(loaded, acting):
    return Actor(loaded.sampler(acting), loaded.params, loaded.chat)


def held_out(acting, count, batch):
    return HeldOut(TASKS, EvaluationConfig(tasks=count, batch=batch), acting, seed=0)


def judged(loaded, acting, count, batch, temperature=1.0):
    """Scores, and what each episode wrote."""
    members = []

    def keep(groups):
        members.extend((group.task.scenario, group.task.seed, group.members[0].tokens) for group in groups)

    scores = evaluate_at(temperature, actor_of(loaded, acting), held_out(acting, count, batch), keep)
    return scores, members


def test_evaluate__attempts_every_heldout_task_once(loaded, acting):
    scores, members = judged(loaded, acting, 5, 3)
    assert [(scenario, seed) for scenario, seed, _ in members] == [
        (name, n) for name in TASKS.scenarios for n in range(5)
    ]
    assert {name: score["tasks"] for name, score in scores.items()} == dict.fromkeys(TASKS.scenarios, 5)


def test_evaluate__says_after_every_batch_that_it_moved(loaded, acting):
    moves = []
    evaluate(actor_of(loaded, acting), held_out(acting, 5, 3), lambda way, groups: None, lambda: moves.append(1))
    assert len(moves) == 2 * len(TASKS.scenarios) * 2, "two ways, and two batches of each scenario"


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_evaluate__does_not_depend_on_the_batch(loaded, acting, temperature):
    # 3 leaves a last batch of two; 7 is more than there are.
    expected = judged(loaded, acting, 5, 5, temperature)
    for batch in (3, 7):
        assert judged(loaded, acting, 5, batch, temperature) == expected


def test_evaluate__samples_greedily_and_at_the_training_temperature(loaded, acting):
    ways = {}
    evaluate(
        actor_of(loaded, acting),
        held_out(replace(acting, temperature=1.5), 2, 2),
        on_groups=lambda way, groups: ways.setdefault(way, []).extend(g.members[0].tokens for g in groups),
    )
    assert ways["greedy"] == [tokens for _, _, tokens in judged(loaded, acting, 2, 2, 0.0)[1]]
    hot = replace(acting, temperature=1.5)
    assert ways["sampled"] == [tokens for _, _, tokens in judged(loaded, hot, 2, 2, 1.5)[1]]


def member(reward, stop="done"):
    verdict = None if reward is None else SimpleNamespace(reward=reward, success=reward == 1.0)
    return Trajectory(None, stop=stop, verdict=verdict)


def test_score__is_the_mean_over_members_whose_simulator_worked():
    groups = [Group(None, [], [trajectory]) for trajectory in (member(1.0), member(0.5), member(None, "fault"))]
    assert score(groups) == {"reward": 0.75, "success": 0.5, "tasks": 2}
    assert score([Group(None, [], [member(None, "fault")])]) == {"reward": 0, "success": 0, "tasks": 0}


@pytest.fixture
def mixed(loaded, acting, scripted, oracle_script):
    """Two tasks, each done right by one member and not at all by the other."""
    tasks = heldout_tasks(TASKS, "jira_transition_ticket", 2)
    oracle = oracle_script(tasks)
    scripted(lambda b, g, turn: oracle(b, g, turn) if g else loaded.chat.turn("Done. \u2028 <|endoftext|>"))
    roomy = replace(acting, group_size=2, turn_tokens=120, suffix_buckets=(128, 288))
    return rollout(actor_of(loaded, roomy), tasks, roomy, RolloutKey(0, 0, range(2))).groups


def test_episodes__can_be_scored_again_from_their_file(mixed, chat, tmp_path):
    path = tmp_path / "new" / "episodes.jsonl"
    write_episodes(path, mixed[:1], chat, {"step": 3})
    write_episodes(path, mixed[1:], chat, {"step": 4})
    with path.open(encoding="utf-8", newline="\n") as lines:
        records = [json.loads(line) for line in lines]
    assert [(line["step"], line["member"]) for line in records] == [(3, 0), (3, 1), (4, 0), (4, 1)]
    assert [line["verdict"]["success"] for line in records] == [False, True, False, True]
    for record in records:
        again = envs.rescore(record["episode"])
        assert (again.reward, again.success) == (record["verdict"]["reward"], record["verdict"]["success"])


def test_episodes__hold_the_text_as_the_model_wrote_it(mixed, chat):
    idle, done = (json.loads(line) for line in episode_lines(mixed[:1], chat, {}))
    assert idle["text"].startswith("Done. \u2028 <|endoftext|>") and idle["stop"] == done["stop"] == "done"
    assert done["text"].count("<tool_call>") == 2 and done["text"].count("<tool_response>") == 2
