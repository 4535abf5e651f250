"""Laws of supervised runs that are stopped or killed: the resumed run equals the run that was never stopped."""

import errno
import hashlib
import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

import models
from jaxrlvr import sft
from jaxrlvr.imitation.stages import SFTConfig, Stage
from jaxrlvr.learning.learner import Learner
from jaxrlvr.learning.optimizer import OptimizerConfig
from jaxrlvr.monitoring.metrics import MACHINE_DEPENDENT, MetricsLog
from jaxrlvr.runtime.errors import RunStopped, UserError
from jaxrlvr.runtime.settings import from_json, to_json

UPDATES = 7


@pytest.fixture(scope="module")
def config(model_directory):
    """Four updates, then three with another optimizer and other demonstrations; a checkpoint after every second one."""
    able = Stage("able", 4, OptimizerConfig(learning_rate=3e-3, warmup_steps=3), ("jira_create_issue",), episodes=2)
    sloppy = replace(
        able,
        name="sloppy",
        steps=3,
        optimizer=OptimizerConfig(1e-3, kind="adafactor"),
        mistakes=(("drop_labels", 0.5),),
    )
    return SFTConfig(
        (able, sloppy),
        model=str(model_directory),
        micro_batch=2,
        prefix_buckets=(160,),
        suffix_buckets=(160,),
        checkpoint_every=2,
    )


@pytest.fixture(scope="module")
def config_file(config, tmp_path_factory):
    file = tmp_path_factory.mktemp("config") / "mine.py"
    file.write_text(
        "from jaxrlvr.imitation.stages import SFTConfig\nfrom jaxrlvr.runtime.settings import from_json\n\n\n"
        f"def config():\n    return from_json('''{to_json(config)}''', SFTConfig)\n"
    )
    return str(file)


@pytest.fixture(scope="module")
def whole(config_file, tmp_path_factory):
    """The results of a run that was never stopped."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert sft.main([config_file, "--out", str(out)]) == 0
    return left_behind(out)


def left_behind(out):
    """Return every update's metrics but times, and hashes of all weights and tokenizers."""
    lines = [json.loads(line) for line in (out / "training" / "metrics.jsonl").read_text().splitlines()]
    files = sorted(file for file in out.rglob("*") if file.is_file() and "training" not in file.parts)
    return {
        "figures": [
            {name: value for name, value in line.items() if not name.startswith(MACHINE_DEPENDENT)} for line in lines
        ],
        "files": {str(file.relative_to(out)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    }


class Killed(Exception):
    """In place of a kill at any instant."""


def acting(patch, number, act):
    """Call `act` before the n-th update from now on."""
    update, updates = Learner.update, []

    def acts(self, *arguments):
        updates.append(1)
        if len(updates) == number:
            act()
        return update(self, *arguments)

    patch.setattr(Learner, "update", acts)


def kill():
    raise Killed


def test_whole__moves_the_weights_and_records_every_update(whole):
    assert [line["step"] for line in whole["figures"]] == list(range(1, UPDATES + 1))
    assert all(line["update/grad_norm"] > 0 and line["update/skipped"] == 0 for line in whole["figures"])
    assert {"model.safetensors", "tokenizer.json", "stages/able/model.safetensors"} <= set(whole["files"])
    assert whole["files"]["model.safetensors"] != whole["files"]["stages/able/model.safetensors"]


@pytest.mark.parametrize(("number", "sent"), [(1, signal.SIGINT), (4, signal.SIGTERM)], ids=str)
def test_signal__finishes_the_update_and_the_resumed_run_equals_the_whole_one(
    whole, config_file, tmp_path, monkeypatch, capsys, number, sent
):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        acting(patch, number, lambda: signal.raise_signal(sent))
        assert sft.main([config_file, "--out", str(out)]) == 128 + sent
    printed = capsys.readouterr().out
    assert f"stopped after update {number}; continue with: python -m jaxrlvr.sft --resume {out}" in printed
    assert (out / "training" / "checkpoints" / str(number)).is_dir()
    assert not (out / "model.safetensors").exists()
    assert (out / "stages" / "able").exists() == (number >= 4)

    assert sft.main(["--resume", str(out)]) == 0
    assert f"continuing after update {number}" in capsys.readouterr().out
    assert left_behind(out) == whole


@pytest.mark.parametrize("number", [2, 5])
def test_kill__loses_the_updates_after_the_last_checkpoint_and_changes_nothing(
    whole, config_file, tmp_path, monkeypatch, capsys, number
):
    out = tmp_path / "out"
    with monkeypatch.context() as patch, pytest.raises(Killed):
        acting(patch, number, kill)
        sft.main([config_file, "--out", str(out)])
    assert sft.main(["--resume", str(out)]) == 0
    before = {2: "no checkpoint yet: starting from update 1", 5: "continuing after update 4"}
    assert before[number] in capsys.readouterr().out
    assert left_behind(out) == whole


@pytest.fixture(scope="module")
def once_stopped(config_file, tmp_path_factory):
    out = tmp_path_factory.mktemp("stopped") / "out"
    with pytest.MonkeyPatch.context() as patch:
        acting(patch, 6, lambda: signal.raise_signal(signal.SIGTERM))
        assert sft.main([config_file, "--out", str(out)]) == 143
    return out


@pytest.fixture
def stopped(once_stopped, tmp_path):
    """A run stopped after its sixth update; its checkpoints are of the fourth, of another stage, and the sixth."""
    return Path(shutil.copytree(once_stopped, tmp_path / "stopped"))


def test_resume__of_a_damaged_checkpoint_takes_the_one_before_of_another_stage(whole, stopped, capsys):
    largest = max((stopped / "training" / "checkpoints" / "6").rglob("d/*"), key=lambda file: file.stat().st_size)
    data = bytearray(largest.read_bytes())
    data[len(data) // 2] ^= 1
    largest.write_bytes(data)
    assert sft.main(["--resume", str(stopped)]) == 0
    printed = capsys.readouterr().out
    assert "checkpoints/6 is damaged" in printed and "continuing after update 4" in printed
    assert left_behind(stopped) == whole


def test_resume__of_a_finished_run_writes_its_result_again_and_can_make_it_longer(whole, stopped, capsys):
    assert sft.main(["--resume", str(stopped)]) == 0
    shutil.rmtree(stopped / "stages")
    (stopped / "model.safetensors").unlink()
    assert sft.main(["--resume", str(stopped)]) == 0
    outputs = left_behind(stopped)
    assert outputs["figures"] == whole["figures"]
    assert outputs["files"]["model.safetensors"] == whole["files"]["model.safetensors"]
    assert sft.main(["--resume", str(stopped), "--stages.1.steps", "4"]) == 0
    assert "continuing with a different stages.1.steps" in capsys.readouterr().out
    assert left_behind(stopped)["figures"][:UPDATES] == whole["figures"]
    assert len(left_behind(stopped)["figures"]) == UPDATES + 1


def refused(*arguments):
    with pytest.raises(UserError) as raised:
        sft.main([str(argument) for argument in arguments])
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_resume__refuses_what_makes_it_another_run(stopped, config_file, tmp_path, capsys):
    message = refused("--resume", stopped, "--stages.0.steps", "9", "--seed", "3")
    assert "cannot continue with a different stages.0.steps, seed: start a new run" in message
    assert "leave out --out" in refused("--resume", stopped, "--out", tmp_path)
    assert "takes the config from the run" in refused(config_file, "--resume", stopped)
    assert "--force needs --resume" in refused(config_file, "--force")
    assert "--resume needs a value" in refused("--resume")
    assert sft.main(["--resume", str(stopped), "--seed", "3", "--force", "--micro-batch", "1"]) == 0
    printed = capsys.readouterr().out
    assert "forced: from here on, seed make it a different run" in printed
    stored = from_json((stopped / "training" / "config.json").read_text(), SFTConfig)
    assert stored.seed == 3 and stored.micro_batch == 1


def test_resume__of_what_is_no_run_is_refused(tmp_path, model_directory):
    for path in (tmp_path / "nothing", model_directory):
        assert "has no run of this command to continue" in refused("--resume", path)
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "config.json").write_text('{"stages": 3}')
    assert "is not a run's config: config.json: stages is 3" in refused("--resume", tmp_path)


def test_sft__refuses_a_run_that_another_process_trains(stopped):
    with sft.run_directory(stopped).lock():
        assert f"being trained by process {os.getpid()} on " in refused("--resume", stopped)


def test_sft__refuses_a_directory_in_use_and_says_how_to_go_on(stopped, config_file, tmp_path):
    assert f"is not an empty directory: choose another --out, or continue with --resume {stopped}" in refused(
        config_file, "--out", stopped
    )
    (tmp_path / "file").write_text("x")
    assert refused(config_file, "--out", tmp_path / "file").endswith("choose another --out")
    (tmp_path / "locked" / "training").mkdir(parents=True)
    (tmp_path / "locked" / "training" / "lock").write_text("process 1 on x\n")
    sft.check_unused(tmp_path / "locked")  # as a process leaves it that is killed before it begins


def test_sft__on_a_full_disk_says_how_to_go_on(stopped, monkeypatch):
    def full(self, step, figures):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(MetricsLog, "write", full)
    with pytest.raises(
        RunStopped, match=f"No space left on device.*: make room, then continue with --resume {stopped}"
    ):
        sft.main(["--resume", str(stopped)])


def test_resume__of_adapters_and_chats_equals_the_whole_run(config, tmp_path, monkeypatch):
    """Frozen weights are not in a checkpoint; chats are drawn in an order that goes on over epochs."""
    file = tmp_path / "chats.jsonl"
    messages = [{"role": "user", "content": "say it"}, {"role": "assistant", "content": "it"}]
    chats = [{"messages": [*messages[:1], {"role": "assistant", "content": word}]} for word in ("one", "two", "three")]
    file.write_text("".join(json.dumps(chat) + "\n" for chat in chats))
    stage = Stage("chats", 4, OptimizerConfig(learning_rate=1e-2), chats=str(file), episodes=2)
    single_stage = replace(config, stages=(stage,), lora=models.Lora(rank=2), checkpoint_every=9)
    straight = replace(single_stage, out=str(tmp_path / "straight"))
    assert sft.run(straight, sft.Interruption())
    stopping, cut = sft.Interruption(), replace(single_stage, out=str(tmp_path / "cut"))
    with monkeypatch.context() as patch:
        acting(patch, 3, lambda: setattr(stopping, "signal", signal.SIGTERM))
        assert not sft.run(cut, stopping)
    assert sft.run(cut, sft.Interruption(), resume=True)
    assert left_behind(Path(cut.out)) == left_behind(Path(straight.out))
    assert (Path(cut.out) / "adapter" / "adapter_model.safetensors").exists()


def test_resume__of_a_model_from_nothing_makes_it_once(config, tmp_path, monkeypatch):
    shape = models.ModelConfig(
        vocab_size=512, hidden_size=64, num_layers=3, num_heads=6, num_kv_heads=2, head_dim=8, mlp_size=32
    )
    nothing = replace(config, model="", shape=shape, tokenizer_texts=90, stages=config.stages[:1])
    straight, cut = (replace(nothing, out=str(tmp_path / name)) for name in ("straight", "cut"))
    assert sft.run(straight, sft.Interruption())
    with monkeypatch.context() as patch, pytest.raises(Killed):
        acting(patch, 3, kill)
        sft.run(cut, sft.Interruption())
    start = Path(cut.out) / "stages" / "start" / "model.safetensors"
    modified = start.stat().st_mtime_ns
    assert sft.run(cut, sft.Interruption(), resume=True)
    assert start.stat().st_mtime_ns == modified
    assert left_behind(Path(cut.out)) == left_behind(Path(straight.out))


def test_frozen__name_of_nothing_in_a_late_stage_is_refused_before_the_first_update(config, tmp_path):
    late = replace(config.stages[1], optimizer=OptimizerConfig(frozen=("head",)))
    with pytest.raises(UserError, match="--optimizer.frozen 'head' is in no parameter's name"):
        sft.run(replace(config, stages=(config.stages[0], late), out=str(tmp_path / "out")), sft.Interruption())
    sft.check_unused(tmp_path / "out")


def test_chats__that_no_bucket_holds_are_refused_before_the_first_update(config, tmp_path):
    file = tmp_path / "chats.jsonl"
    short = [{"role": "user", "content": "say it"}, {"role": "assistant", "content": "it"}]
    long = [short[0], {"role": "assistant", "content": "word " * 300}]
    file.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in (short, long)))
    stage = Stage("chats", 1, OptimizerConfig(), chats=str(file), episodes=1)
    late = replace(config, stages=(config.stages[0], stage), out=str(tmp_path / "out"))
    with pytest.raises(UserError, match=r"chats.jsonl, chat 2: its part after the prompt of \d+ tokens"):
        sft.run(late, sft.Interruption())
    sft.check_unused(tmp_path / "out")
