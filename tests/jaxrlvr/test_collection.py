"""Laws of sampling one step ahead: who sampled what is exact, and no figure depends on the threads' timing.

As in test_train a random model calls no tool; every turn that ends is answered, and writing more is better.
"""

import json
import signal
import threading
import time
from dataclasses import replace

import chex
import jax
import numpy as np
import pytest

import envs
import models
from jaxrlvr import collection, train
from jaxrlvr.collection import policy_lag, version
from jaxrlvr.evaluation.held_out import EvaluationConfig
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import Learner
from jaxrlvr.monitoring import metrics
from jaxrlvr.monitoring.guards import GuardConfig
from jaxrlvr.preflight.dry_run import describe
from jaxrlvr.preflight.load_trained import load_trained
from jaxrlvr.preflight.validation import check
from jaxrlvr.rollout.policy import load_policy, make_placement
from jaxrlvr.runtime.devices import MeshConfig
from jaxrlvr.runtime.errors import RunStopped, UserError
from jaxrlvr.runtime.interrupt import Interruption
from jaxrlvr.runtime.settings import to_json
from jaxrlvr.sampling.sampler import Sampler
from jaxrlvr.storage.run_directory import RunDirectory

STEPS = 5


@pytest.fixture(scope="module", autouse=True)
def graded():
    """Every turn is answered; the more characters were written, the better."""
    verdict = envs.Episode.verdict

    def step(self, text):
        self.written = getattr(self, "written", "") + text
        return envs.Reply(False, ('{"id": "12"}',))

    def graded_verdict(self):
        return replace(verdict(self), reward=min(1.0, len(getattr(self, "written", "")) / 100))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(envs.Episode, "step", step)
        patch.setattr(envs.Episode, "verdict", graded_verdict)
        yield


@pytest.fixture(scope="module")
def config(tiny_run, acting):
    return replace(
        tiny_run,
        seed=1,
        steps=STEPS,
        checkpoint_every=2,
        tasks=replace(tiny_run.tasks, curriculum=True),
        rollout=replace(acting, prefix_buckets=(192,), asynchronous=True),
        grpo=GRPOConfig(correction="token"),
        evaluation=EvaluationConfig(tasks=2, batch=2, every=3),
        guards=GuardConfig(mismatch_gap=1e-4),
    )


def begun(config, path):
    run = RunDirectory.reserve(str(path), "x")
    run.begin(to_json(config))
    return run


def run_training(config, run):
    return train.train(config, load_policy(config.policy), run, Interruption())


def figures(run):
    """Those that do not depend on the machine's speed, nor on what was compiled before."""
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    return [
        {name: value for name, value in line.items() if not name.startswith(metrics.MACHINE_DEPENDENT)}
        for line in lines
    ]


def weights(run):
    return jax.device_get(load_trained(str(run.path)).params)


def assert_equal(run, whole):
    assert figures(run) == figures(whole)
    chex.assert_trees_all_equal(weights(run), weights(whole))
    assert run.read_lines("evaluations") == whole.read_lines("evaluations") and len(run.read_lines("evaluations")) == 3
    for file in whole.episodes.iterdir():
        assert (run.episodes / file.name).read_text() == file.read_text(), file.name


@pytest.fixture(scope="module")
def seen():
    """Of the whole run: the weights that sampled each step, those after each update, and the programs compiled."""
    return {"acting": {}, "learnt": {}, "warm": 0, "end": 0}


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory, seen):
    """A run that was never stopped."""
    run = begun(config, tmp_path_factory.mktemp("whole"))
    counter, warm_up, rollout, update = metrics.CompileCounter(), train.warm_up, collection.rollout, Learner.update

    def warmed(*arguments):
        state = warm_up(*arguments)
        seen["warm"], seen["learnt"][0] = counter.count, jax.device_get(state.params)
        return state

    def playing(actor, tasks, config, key, should_stop):
        seen["acting"][key.step] = jax.device_get(actor.params), threading.current_thread().name
        return rollout(actor, tasks, config, key, should_stop)

    def updated(self, *arguments):
        state, stats = update(self, *arguments)
        seen["learnt"][len(seen["learnt"])] = jax.device_get(state.params)
        return state, stats

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "warm_up", warmed)
        patch.setattr(collection, "rollout", playing)
        patch.setattr(Learner, "update", updated)
        assert run_training(config, run) == STEPS
    seen["end"] = counter.count
    return run


def test_step__is_sampled_by_the_policy_before_the_update_before_it(whole, seen):
    assert sorted(seen["acting"]) == list(range(1, STEPS + 1)) and sorted(seen["learnt"]) == list(range(STEPS + 1))
    for step, (params, thread) in seen["acting"].items():
        assert version(step) == max(0, step - 2) and thread.startswith("sampling")
        chex.assert_trees_all_equal(params, seen["learnt"][version(step)])
    moved = [jax.tree.leaves(seen["learnt"][n])[0] for n in range(STEPS + 1)]
    assert all((a != b).any() for a, b in zip(moved[:-1], moved[1:], strict=True)), "every update moves the weights"


def test_versions__are_in_the_episodes_and_their_lag_in_the_metrics(whole):
    records = [json.loads(line) for line in (whole.episodes / "train.jsonl").read_text().splitlines()]
    assert {(record["step"], record["policy_version"]) for record in records} == {
        (n, version(n)) for n in range(1, STEPS + 1)
    }
    assert [line["policy_lag"] for line in figures(whole)] == [0, 1, 1, 1, 1]
    judged = [json.loads(line) for line in (whole.episodes / "step-00003-greedy.jsonl").read_text().splitlines()]
    assert judged and not any("policy_version" in record for record in judged)


def test_mismatch__is_judged_against_the_policy_that_sampled(whole):
    for line in figures(whole):
        assert line["mismatch/gap_max"] <= 1e-4 and line["mismatch/kl"] < 1e-8
        lagging = line["policy_lag"] > 0
        assert (line["update/behaviour_gap_max"] > 1e-3) is lagging, "the lag shows in the update alone"


def test_mismatch__of_the_sampler_itself_stops_the_run(config, tmp_path, monkeypatch):
    def off(self, *arguments, decode=Sampler.decode):
        state, turn = decode(self, *arguments)
        return state, turn._replace(logprob_BGS=turn.logprob_BGS + 0.01)

    monkeypatch.setattr(Sampler, "decode", off)
    with pytest.raises(RunStopped, match="sampler and learner disagree.*in 3 steps in a row"):
        run_training(config, begun(config, tmp_path / "run"))


def test_compilations__stand_still_after_warm_up(whole, seen):
    assert seen["end"] == seen["warm"] > 0


def test_run__does_not_depend_on_which_thread_is_slower(config, whole, tmp_path, monkeypatch):
    update, read, begun_updates = Learner.update, Sampler.append, []

    def late_update(self, *arguments):
        begun_updates.append(1)
        time.sleep(0.5 * (len(begun_updates) % 2))
        return update(self, *arguments)

    def late_read(self, *arguments):
        time.sleep(0.3 * (len(begun_updates) % 2 == 0))
        return read(self, *arguments)

    monkeypatch.setattr(Learner, "update", late_update)
    monkeypatch.setattr(Sampler, "append", late_read)
    run = begun(config, tmp_path / "run")
    assert run_training(config, run) == STEPS
    assert_equal(run, whole)


class Killed(Exception):
    """Stands for a kill at any instant."""


@pytest.mark.parametrize("instant", [4, *(pytest.param(instant, marks=pytest.mark.slow) for instant in (3, 5))])
def test_resume__after_a_kill_equals_the_run_never_killed(config, whole, tmp_path, monkeypatch, instant):
    run, draw = begun(config, tmp_path / "run"), collection.training_tasks

    def kill(tasks, seed, step, *more):
        if step == instant:
            raise Killed
        return draw(tasks, seed, step, *more)

    with monkeypatch.context() as patch:
        patch.setattr(collection, "training_tasks", kill)
        with pytest.raises(Killed):
            run_training(config, run)
    assert [line["step"] for line in figures(run)] == list(range(1, instant))
    assert run_training(config, run) == STEPS
    assert_equal(run, whole)


@pytest.mark.slow
def test_steps__may_be_added_to_a_run_that_has_ended(config, whole, tmp_path):
    run = begun(config, tmp_path / "run")
    assert run_training(replace(config, steps=STEPS - 1), run) == STEPS - 1
    assert run_training(config, run) == STEPS
    assert figures(run) == figures(whole)
    chex.assert_trees_all_equal(weights(run), weights(whole))


def test_stop__makes_a_checkpoint_leaves_what_is_in_flight_and_the_run_goes_on(config, whole, tmp_path, monkeypatch):
    run, interruption, update, read = begun(config, tmp_path / "run"), Interruption(), Learner.update, Sampler.append
    reads = []

    def interrupted(self, *arguments):
        interruption.signal = signal.SIGTERM
        return update(self, *arguments)

    def late(self, *arguments):
        reads.append(threading.current_thread().name)
        time.sleep(0.3 * bool(interruption.signal))
        return read(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Learner, "update", interrupted)
        patch.setattr(Sampler, "append", late)
        assert train.train(config, load_policy(config.policy), run, interruption) == 1
    assert not any(thread.name.startswith("sampling") for thread in threading.enumerate())
    assert (run.checkpoints / "1").is_dir()
    assert run_training(config, run) == STEPS
    assert_equal(run, whole)


def test_error__of_the_sampling_thread_is_the_runs(config, tmp_path, monkeypatch):
    rollout = collection.rollout

    def failing(actor, tasks, config, key, should_stop):
        if key.step == 3:
            raise UserError("a prompt has 300 tokens")
        return rollout(actor, tasks, config, key, should_stop)

    monkeypatch.setattr(collection, "rollout", failing)
    run = begun(config, tmp_path / "run")
    with pytest.raises(UserError, match="^a prompt has 300 tokens$"):
        run_training(config, run)
    assert [line["step"] for line in figures(run)] == [1, 2]


@pytest.mark.slow
def test_training__of_adapters_one_step_ahead_leaves_the_weights_under_them(config, tmp_path, loaded):
    lora = models.Lora(rank=2)
    config = replace(config, steps=3, policy=replace(config.policy, lora=lora))
    run = begun(config, tmp_path / "run")
    assert run_training(config, run) == 3
    assert [line["policy_lag"] for line in figures(run)] == [0, 1, 1]
    trained, frozen = models.split(load_trained(str(run.path)).params)
    chex.assert_trees_all_equal(jax.tree.leaves(frozen), jax.tree.leaves(jax.device_get(loaded.params)))
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(trained))


def test_training__one_step_ahead_learns(config, tmp_path, monkeypatch):
    """To write letters: of what an untrained model writes about half are."""
    monkeypatch.setattr(envs.Episode, "step", lambda self, text: setattr(self, "written", text) or envs.Reply(True, ()))
    verdict = envs.Episode.verdict

    def letters(self):
        text = getattr(self, "written", "") or " "
        return replace(verdict(self), reward=sum(map(str.isalpha, text)) / len(text))

    monkeypatch.setattr(envs.Episode, "verdict", letters)
    config = replace(
        config,
        steps=12,
        checkpoint_every=12,
        tasks=replace(config.tasks, per_step=4),
        rollout=replace(config.rollout, group_size=8, max_turns=1, suffix_buckets=(24,)),
        learner=replace(config.learner, micro_groups=4, suffix_buckets=(24,)),
        evaluation=replace(config.evaluation, every=0),
    )
    run = begun(config, tmp_path / "run")
    run_training(config, run)
    rewards = [line["reward"] for line in figures(run)]
    assert np.mean(rewards[-3:]) > np.mean(rewards[:3]) + 0.2, rewards


def test_check__says_what_sampling_ahead_needs(config):
    check(config, None)
    with pytest.raises(UserError, match="--grpo.correction is off: add --grpo.correction token"):
        check(replace(config, grpo=GRPOConfig()), None)
    spread = replace(config.policy, mesh=MeshConfig(data=2))
    with pytest.raises(UserError, match="needs a single device, and --policy.mesh has 2"):
        check(replace(config, policy=spread), None)


def test_describe__counts_the_copy(config, loaded):
    def memory(asynchronous):
        changed = replace(config, rollout=replace(config.rollout, asynchronous=asynchronous))
        text = describe(changed, "x", make_placement(changed.policy, replace(loaded.config, hidden_size=3200)), None)
        return float(text.split("per device ")[1].split(" ")[0])

    assert memory(True) > memory(False)


def test_policy_lag__is_a_mean_over_sampled_tokens(make_groups):
    first, second = make_groups
    assert policy_lag([first, second], step=5) == (1 * 6 + 3 * 2) / 8


@pytest.fixture
def make_groups(make_tasks):
    from jaxrlvr.rollout.trajectory import Group, Trajectory

    def group(task, tokens, version):
        member = Trajectory(None, [1] * tokens, [True] * tokens, [0.0] * tokens, version=version)
        member.append([2, 2])
        return Group(task, [1], [member])

    first, second = make_tasks(2)
    return group(first, 6, 3), group(second, 2, 1)
