"""Laws of a whole run, on a random model: what it leaves behind, and that stopping it changes nothing.

A random model calls no tool, so here every turn that ends is answered and the reward follows from what was written.
"""

import errno
import json
import math
import os
import shutil
import signal
from dataclasses import replace

import chex
import jax
import numpy as np
import pytest
from flax import nnx

import envs
import models
from jaxrlvr import collection, evaluate, export, train
from jaxrlvr.config import RunConfig
from jaxrlvr.learning import grpo
from jaxrlvr.monitoring import metrics
from jaxrlvr.monitoring.guards import GuardConfig
from jaxrlvr.preflight.load_trained import load_trained
from jaxrlvr.rollout.policy import load_policy
from jaxrlvr.rollout.trajectory import STOPS
from jaxrlvr.runtime.errors import RunStopped, UserError
from jaxrlvr.runtime.interrupt import Interruption
from jaxrlvr.runtime.settings import from_json, to_json
from jaxrlvr.sampling.sampler import Sampler
from jaxrlvr.storage.run_directory import RunDirectory

STEPS = 4


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
    # Every run here is stopped if sampler and learner ever differ by more than 1e-4.
    guards = GuardConfig(mismatch_gap=1e-4)
    acting = replace(acting, prefix_buckets=(192,))
    # With this seed an untrained model writes members of unlike length in every step.
    return replace(tiny_run, seed=1, steps=STEPS, checkpoint_every=2, rollout=acting, guards=guards)


def run_training(config, run):
    return train.train(config, load_policy(config.policy), run, Interruption())


def begun(config, path):
    """A new run's directory."""
    run = RunDirectory.reserve(str(path), "x")
    run.begin(to_json(config))
    return run


@pytest.fixture(scope="module")
def compiled():
    """Numbers of programs compiled by the end of the whole run's warm-up, and by its end."""
    return {}


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory, compiled):
    """A run that was never stopped."""
    run = begun(config, tmp_path_factory.mktemp("whole"))
    counter, warm_up = metrics.CompileCounter(), train.warm_up

    def noted(*arguments):
        state = warm_up(*arguments)
        compiled["warm"] = counter.count
        return state

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "warm_up", noted)
        assert run_training(config, run) == STEPS
    compiled["end"] = counter.count
    return run


class Killed(Exception):
    """Stands for a kill at any instant."""


@pytest.fixture(scope="module")
def killed(config, tmp_path_factory):
    """The same run, killed in step 4; its last checkpoint is of step 2."""
    run = begun(config, tmp_path_factory.mktemp("killed"))
    draw, logs = collection.training_tasks, []

    class Log(metrics.MetricsLog):
        def __init__(self, *arguments, **settings):
            super().__init__(*arguments, **settings)
            logs.append(self)

    def kill(tasks, seed, step, *more):
        if step == STEPS:
            raise Killed
        return draw(tasks, seed, step, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collection, "training_tasks", kill)
        patch.setattr(metrics, "MetricsLog", Log)
        with pytest.raises(Killed):
            run_training(config, run)
    logs[0].close()  # as the end of the process would
    return run


def figures(run):
    return [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]


def without_clock(lines):
    """Return the metrics that depend neither on the machine's speed nor on earlier compilations."""
    return [
        {name: value for name, value in line.items() if not name.startswith(metrics.MACHINE_DEPENDENT)}
        for line in lines
    ]


def test_run__leaves_everything_behind(whole):
    names = {path.name for path in whole.path.iterdir()}
    assert names >= {"config.json", "metrics.jsonl", "tensorboard", "episodes", "checkpoints"}
    assert list((whole.path / "tensorboard").glob("events*"))
    files = {path.name for path in whole.episodes.iterdir()}
    ways = {f"step-{step:05d}-{way}.jsonl" for step in (0, STEPS) for way in ("greedy", "sampled")}
    assert files == ways | {"train.jsonl"}
    for name in ways:
        assert len((whole.episodes / name).read_text().splitlines()) == 2 * 3


def test_metrics__have_a_line_for_every_step(whole):
    lines = figures(whole)
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(line.keys() == lines[0].keys() for line in lines)
    assert all(math.isfinite(value) for line in lines for value in line.values())
    for line in lines:
        assert line["update/skipped"] == 0 and line["groups/useful"] > 0 and line["update/grad_norm"] > 0
        assert line["turns"] > 1, "no answer was ever read"


UPDATE = ("entropy", "kl", "clipped_low", "clipped_high", "behaviour_kl")


def test_metrics__of_scenarios_weighted_by_their_tokens_or_members_are_those_of_the_step(whole, config):
    """Members and groups are equally many in each scenario here."""
    for line in figures(whole):
        weights = np.array([line[f"tokens/learned/{name}"] for name in config.tasks.scenarios])
        assert weights.sum() == line["tokens/sampled"] and (weights > 0).all()
        for figure in UPDATE:
            parts = np.array([line[f"update/{figure}/{name}"] for name in config.tasks.scenarios])
            assert parts @ weights / weights.sum() == pytest.approx(line[f"update/{figure}"], rel=1e-5, abs=1e-9)
        gaps = [line[f"update/behaviour_gap_max/{name}"] for name in config.tasks.scenarios]
        assert max(gaps) == line["update/behaviour_gap_max"]
        alike = ("reward", "success", "advantage", "truncated", "turns", "length", "calls", "calls/failed")
        for figure in (*alike, *(f"stop/{stop}" for stop in STOPS), "groups/useful"):
            parts = [line[f"{figure}/{name}"] for name in config.tasks.scenarios]
            assert np.mean(parts) == pytest.approx(line[figure], rel=1e-5), figure
        kinds = {name for name in line if name.startswith("call_error/") and name.count("/") == 1}
        for kind in kinds:
            assert line[kind] == sum(line.get(f"{kind}/{name}", 0) for name in config.tasks.scenarios)


def test_metrics__sampler_and_learner_agree_at_every_step(whole):
    # One update per step, so the first look at a step's tokens is with the weights that sampled them.
    assert max(line["update/behaviour_gap_max"] for line in figures(whole)) <= 1e-4


def test_compilations__stand_still_after_warm_up(whole, compiled):
    lines = figures(whole)
    assert len({line["compiles"] for line in lines}) == 1
    assert compiled["end"] == compiled["warm"] > 0, "steps, evaluations and checkpoints compile nothing more"
    assert len({line["tokens/suffix"] for line in lines}) == STEPS, "the steps should differ in length"


def weights(run):
    return jax.device_get(load_trained(str(run.path)).params)


def test_resume__after_a_kill_equals_the_run_never_killed(whole, killed, config, tmp_path):
    shutil.copytree(killed.path, tmp_path / "run")
    run = RunDirectory.open(str(tmp_path / "run"))
    stored = run.read_config(RunConfig)
    assert [line["step"] for line in figures(run)] == [1, 2, 3]
    assert replace(stored, run_dir="") == config
    assert run_training(stored, run) == STEPS
    assert without_clock(figures(run)) == without_clock(figures(whole))
    chex.assert_trees_all_equal(weights(run), weights(whole))
    for name in ("before", "after"):
        assert run.load_result(name) == whole.load_result(name)
    for file in whole.episodes.iterdir():
        assert (run.episodes / file.name).read_text() == file.read_text(), file.name


def test_training__moves_the_weights(whole, loaded):
    moved = jax.tree.map(lambda a, b: float(np.abs(a - b).max()), weights(whole), jax.device_get(loaded.params))
    assert min(jax.tree.leaves(moved)) > 1e-4


def test_resume__with_fewer_steps_than_were_made_ends_with_its_summary(killed, tmp_path):
    shutil.copytree(killed.path, tmp_path / "run")
    assert train.main(["--resume", str(tmp_path / "run"), "--steps", "1"]) == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["steps"] == 2
    assert json.loads((tmp_path / "run" / "config.json").read_text())["steps"] == 1


def test_resume__that_cannot_go_on_leaves_the_run_as_it_was(killed, tmp_path):
    shutil.copytree(killed.path, tmp_path / "run")
    file = tmp_path / "run" / "config.json"
    before = file.read_text()
    with pytest.raises(UserError, match="does not fit"):
        train.main(["--resume", str(tmp_path / "run"), "--force", "--policy.lora.rank", "2"])
    assert file.read_text() == before


def test_resume__without_a_checkpoint_says_that_it_begins_again(killed, whole, tmp_path, capsys):
    shutil.copytree(killed.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    (tmp_path / "run" / "checkpoints").mkdir()
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write("\0\0\n")
    assert train.main(["--resume", str(tmp_path / "run")]) == 0
    assert "there is no checkpoint: starting again from the first step" in capsys.readouterr().out
    assert without_clock(figures(RunDirectory(tmp_path / "run"))) == without_clock(figures(whole))


def test_summary__says_what_is_not_known_of_before(killed, tmp_path, capsys):
    shutil.copytree(killed.path, tmp_path / "run")
    (tmp_path / "run" / "before.json").write_text("{")
    assert train.main(["--resume", str(tmp_path / "run"), "--steps", "2"]) == 0
    out = capsys.readouterr().out
    assert "jira_create_issue: nothing judged before training and 3 after it" in out and "?→" in out
    scenarios = json.loads((tmp_path / "run" / "summary.json").read_text())["scenarios"]
    assert [list(both) for both in scenarios.values()] == [["after"], ["after"]]


def test_resume__of_a_damaged_checkpoint_takes_the_one_before_and_equals_the_run_never_killed(
    killed, whole, tmp_path, capsys
):
    shutil.copytree(killed.path, tmp_path / "run")
    run = RunDirectory.open(str(tmp_path / "run"))
    stored = run.read_config(RunConfig)
    stored = replace(stored, steps=3, checkpoint_every=1)
    run_training(stored, run)
    for file in (run.checkpoints / "3").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes()[:20])
    capsys.readouterr()
    assert run_training(replace(stored, steps=STEPS), run) == STEPS
    assert f"{run.checkpoints / '3'} is damaged" in capsys.readouterr().out
    assert without_clock(figures(run)) == without_clock(figures(whole))
    chex.assert_trees_all_equal(weights(run), weights(whole))


def test_run__in_which_sampler_and_learner_disagree_warns_and_then_stops(config, tmp_path, capsys, monkeypatch):
    def off(self, *arguments, decode=Sampler.decode):
        state, turn = decode(self, *arguments)
        return state, turn._replace(logprob_BGS=turn.logprob_BGS + 0.01)

    monkeypatch.setattr(Sampler, "decode", off)
    run = begun(config, tmp_path / "run")
    with pytest.raises(RunStopped, match="in 3 steps in a row. Check"):
        run_training(config, run)
    assert capsys.readouterr().out.count("warning: sampler and learner disagree") == 2
    assert len(figures(run)) == 3


def test_run__whose_simulators_fail_stops_with_the_first_traceback(config, tmp_path, monkeypatch):
    def broken(self, text):
        raise KeyError("the simulator's own")

    monkeypatch.setattr(envs.Episode, "step", broken)
    with pytest.raises(RunStopped, match='(?s)simulators failed, more than .*KeyError: "the simulator\'s own"'):
        run_training(config, begun(config, tmp_path / "run"))


def test_run__keeps_the_batches_of_a_skipped_update_and_goes_on(config, tmp_path, monkeypatch, capsys):
    relative = grpo.group_relative

    def broken(reward_BG, *rest):
        monkeypatch.setattr(grpo, "group_relative", relative)
        return np.full_like(relative(reward_BG, *rest), np.nan)

    monkeypatch.setattr(grpo, "group_relative", broken)
    run = begun(config, tmp_path / "run")
    run_training(replace(config, steps=2), run)
    assert [line["update/skipped"] for line in figures(run)] == [1, 0]
    assert "step 1: update skipped, its gradient norm nan is not finite" in capsys.readouterr().out
    with np.load(run.path / "skipped" / "step-00001.npz") as skipped:
        assert np.isnan(skipped["0/advantage_BG"]).any()


def test_stop__during_an_evaluation_abandons_it_and_the_resumed_run_makes_it(config, whole, tmp_path, monkeypatch):
    run = begun(config, tmp_path / "run")
    interruption, write = Interruption(), train.write_episodes

    def interrupted(*arguments, **about):
        write(*arguments, **about)
        interruption.signal = signal.SIGTERM

    monkeypatch.setattr(train, "write_episodes", interrupted)
    assert train.train(config, load_policy(config.policy), run, interruption) == 0
    assert run.load_result("before") is None
    monkeypatch.undo()
    assert run_training(replace(config, steps=1), run) == 1
    assert run.load_result("before") == whole.load_result("before")


@pytest.fixture(scope="module")
def config_file(config, tmp_path_factory):
    file = tmp_path_factory.mktemp("config") / "mine.py"
    text = to_json(replace(config, steps=2))
    file.write_text(
        "from jaxrlvr.config import RunConfig\nfrom jaxrlvr.runtime.settings import from_json\n\n\n"
        f"def config():\n    return from_json('''{text}''', RunConfig)\n"
    )
    return str(file)


def test_ctrl_c__makes_a_checkpoint_and_the_run_goes_on(config_file, tmp_path, monkeypatch, capsys):
    path = tmp_path / "run"
    draw = collection.training_tasks

    def interrupted(*arguments):
        signal.raise_signal(signal.SIGINT)
        return draw(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(collection, "training_tasks", interrupted)
        assert train.main([config_file, "--run-dir", str(path)]) == 130
    printed = capsys.readouterr().out
    assert f"stopped after step 1; continue with: python -m jaxrlvr.train --resume {path}" in printed
    assert (path / "checkpoints" / "1").is_dir() and not (path / "summary.json").exists()

    assert train.main(["--resume", str(path)]) == 0
    summary = json.loads((path / "summary.json").read_text())
    assert set(summary) == {"scenarios", "seconds", "peak_rss_bytes", "steps"} and summary["steps"] == 2
    assert set(summary["scenarios"]) == {"jira_create_issue", "jira_transition_ticket"}
    for scenario in summary["scenarios"].values():
        assert set(scenario) == {"before", "after"}
        for scores in scenario.values():
            assert {"reward", "success", "tasks"} <= set(scores) and scores["tasks"] == 3
            assert 0 <= scores["success"] <= 1 and 0 <= scores["reward"] <= 1
    assert summary["seconds"] > 0 and summary["peak_rss_bytes"] > 0
    assert f"python -m jaxrlvr.export {path}" in capsys.readouterr().out


def test_train__on_a_full_disk_says_how_to_go_on_and_hides_no_other_error(config_file, tmp_path, monkeypatch):
    def failing(number):
        def train_it(*arguments):
            raise OSError(number, os.strerror(number))

        return train_it

    monkeypatch.setattr(train, "train", failing(errno.ENOSPC))
    path = tmp_path / "run"
    with pytest.raises(RunStopped, match=f"No space left on device.*: make room, then continue with --resume {path}"):
        train.main([config_file, "--run-dir", str(path)])
    monkeypatch.setattr(train, "train", failing(errno.EPERM))
    with pytest.raises(PermissionError):
        train.main([config_file, "--run-dir", str(tmp_path / "other")])


def test_dry_run__says_what_would_run_and_writes_nothing(config_file, tmp_path, capsys):
    path = tmp_path / "run"
    fits = ["--rollout.turn-tokens", "160", "--rollout.suffix-buckets", "768", "--learner.suffix-buckets", "768"]
    assert train.main([config_file, "--run-dir", str(path), "--dry-run", *fits]) == 0
    printed = capsys.readouterr().out
    assert "2 tasks x 4 members" in printed and "<|im_start|>assistant" in printed
    assert not path.exists()
    with pytest.raises(UserError, match="a turn of its oracle has [0-9]+ tokens and --rollout.turn-tokens is 12"):
        train.main([config_file, "--run-dir", str(path), "--dry-run"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--optimizer.frozen", "head"),
        (
            "--policy.mesh.data",
            "32",
            "--tasks.per-step",
            "32",
            "--learner.micro-groups",
            "32",
            "--evaluation.batch",
            "32",
        ),
    ],
    ids=["frozen", "mesh"],
)
def test_dry_run__refuses_what_the_run_refuses_and_says_the_same(config_file, tmp_path, arguments):
    messages = []
    for more in ((), ("--dry-run",)):
        with pytest.raises((UserError, models.ModelError)) as raised:
            train.main([config_file, "--run-dir", str(tmp_path / "run"), *arguments, *more])
        messages.append(str(raised.value))
    assert messages[0] == messages[1] and "\n" not in messages[0]
    assert not (tmp_path / "run").exists()


def test_train__refuses_settings_before_it_reads_a_model(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "load_policy", lambda _: pytest.fail("a model takes minutes to read"))
    with pytest.raises(UserError, match="--rollout.group-size 1 is out of range"):
        train.main(["--rollout.group-size", "1", "--run-dir", str(tmp_path / "run")])


def test_dry_run__refuses_the_directory_of_another_run(config_file, whole):
    with pytest.raises(UserError, match="holds another run"):
        train.main([config_file, "--run-dir", str(whole.path), "--dry-run"])


def test_train__refuses_a_run_that_another_process_trains(whole):
    with whole.lock(), pytest.raises(UserError, match=f"being trained by process {os.getpid()} on "):
        train.main(["--resume", str(whole.path)])


def test_train__refuses_the_directory_of_another_run(config_file, whole):
    before = sorted(path.name for path in whole.path.rglob("*"))
    with pytest.raises(UserError, match="holds another run"):
        train.main([config_file, "--run-dir", str(whole.path)])
    assert sorted(path.name for path in whole.path.rglob("*")) == before


def test_export__of_a_run_holds_its_weights_tokenizer_and_template(whole, tmp_path, capsys, loaded):
    out = tmp_path / "out"
    export.main([str(whole.path), "--out", str(out)])
    assert f"wrote {out} (step {STEPS} of {whole.path})" in capsys.readouterr().out
    chex.assert_trees_all_equal(jax.device_get(nnx.split(models.load(out))[1]), weights(whole))
    chat = load_trained(str(out)).policy.chat
    assert chat.tokenizer.get_vocab() == loaded.chat.tokenizer.get_vocab()
    assert chat.prompt("hello", ()) == loaded.chat.prompt("hello", ())


def test_export__gives_transformers_the_same_logits(whole, tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    export.main([str(whole.path), "--out", str(tmp_path / "out")])
    tokens_BP = np.random.default_rng(0).integers(0, 512, (2, 9))
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    with torch.no_grad():
        expected_BPV = theirs(torch.tensor(tokens_BP)).logits.numpy()
    trained = load_trained(str(whole.path))
    model = nnx.merge(trained.policy.graphdef, trained.params)
    hidden_BPD, _ = model.prefill(tokens_BP.astype(np.int32), np.array([9, 9]))
    np.testing.assert_allclose(model.logits(hidden_BPD), expected_BPV, atol=1e-4)


def test_export__does_not_write_over_anything(whole, tmp_path):
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path, tmp_path / "file"):
        with pytest.raises(UserError, match="is not an empty directory: choose another --out"):
            export.main([str(whole.path), "--out", str(out)])
    with pytest.raises(UserError, match="cannot write .*; choose another --out"):
        export.main([str(whole.path), "--out", str(tmp_path / "file" / "out")])
    assert (tmp_path / "file").read_text() == "kept"


def test_evaluate__of_a_run_gives_the_scores_it_ended_with(whole, tmp_path, capsys):
    out = tmp_path / "episodes.jsonl"
    evaluate.main(["--model", str(whole.path), "--out", str(out)])
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == whole.load_result("after")
    assert len(out.read_text().splitlines()) == 2 * 2 * 3
    with pytest.raises(UserError, match="exists already: choose another --out"):
        evaluate.main(["--model", str(whole.path), "--out", str(out)])


def test_evaluate__of_a_model_gives_the_scores_a_run_began_with(whole, config_file, model_directory, capsys):
    evaluate.main(["--model", str(model_directory), "--config", config_file])
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == whole.load_result("before")


def test_load_trained__of_a_run_without_checkpoints_is_the_users_error(whole, tmp_path):
    shutil.copy(whole.path / "config.json", tmp_path)
    (tmp_path / "checkpoints").mkdir()
    assert from_json((tmp_path / "config.json").read_text(), RunConfig).steps == STEPS
    with pytest.raises(UserError, match="no checkpoint to continue from"):
        load_trained(str(tmp_path))


def test_load_trained__of_no_such_model_is_one_line(tmp_path):
    with pytest.raises(models.ModelError) as raised:
        load_trained(str(tmp_path / "nothing"))
    assert "nothing" in str(raised.value) and "\n" not in str(raised.value)
