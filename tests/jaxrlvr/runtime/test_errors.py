"""Laws of errors of a command: bad input is one line and exit code 2, a bug keeps its traceback."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import envs
import models
from jaxrlvr.runtime.errors import Parser, RunStopped, UserError, command

ROOT = Path(__file__).parents[3]


def raising(error):
    def main(arguments):
        raise error

    return main


@pytest.mark.parametrize("kind", [UserError, models.ModelError, models.CheckpointError, envs.EnvError])
def test_command__bad_input_is_one_line_and_exit_code_2(kind, capsys):
    with pytest.raises(SystemExit) as ended:
        command(raising(kind("steps is -1: expected 1 or more")))
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", "error: steps is -1: expected 1 or more\n")


def test_command__a_bug_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        command(raising(ZeroDivisionError("ours")))


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (130, 130)])
def test_command__exits_with_what_main_returns(returned, code):
    with pytest.raises(SystemExit) as ended:
        command(lambda arguments: returned)
    assert ended.value.code == code


def test_command__ctrl_c_ends_without_a_traceback(capsys):
    with pytest.raises(SystemExit) as ended:
        command(raising(KeyboardInterrupt()))
    assert ended.value.code == 130
    assert "Traceback" not in capsys.readouterr().err


def test_parser__complains_in_one_line():
    with pytest.raises(UserError, match="required: --out; see --help") as raised:
        parser = Parser(prog="x")
        parser.add_argument("--out", required=True)
        parser.parse_args([])
    assert "\n" not in str(raised.value)


def test_command__gets_the_arguments_of_the_process(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train", "--steps", "3"])
    seen = []
    with pytest.raises(SystemExit):
        command(seen.extend)
    assert seen == ["--steps", "3"]


def test_process__with_bad_input_says_one_line_and_exits_with_2(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "jaxrlvr.train", "--model", str(tmp_path / "no-such-model"), "--steps", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1 and ended.stderr.startswith("error: ") and "no-such-model" in ended.stderr
    assert "Traceback" not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    ("program", "options"),
    [
        ("train", ("CONFIG.py", "--model", "--resume", "--dry-run", "--tasks.per-step")),
        ("sft", ("CONFIG.py", "--first-stage", "--resume", "--force", "--checkpoint-every")),
        ("evaluate", ("--model", "--config", "--out")),
        ("export", ("RUN", "--out")),
    ],
)
def test_help__names_what_a_command_takes(program, options, capsys):
    with pytest.raises(SystemExit) as ended:
        importlib.import_module(f"jaxrlvr.{program}").main(["--help"])
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert [name for name in options if name not in printed] == []


def test_command__a_reader_that_leaves_gets_no_traceback():
    piped = f"{sys.executable} -m jaxrlvr.train --help | head -1"
    ran = subprocess.run(piped, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.startswith("usage: ")
    assert ran.stderr == ""


def test_command__a_run_that_a_guard_stopped_says_why_and_exits_with_1(capsys):
    with pytest.raises(SystemExit) as ended:
        command(raising(RunStopped("the disk is full: make room")))
    assert ended.value.code == 1
    assert capsys.readouterr() == ("", "stopped: the disk is full: make room\n")
