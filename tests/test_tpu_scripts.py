"""Laws of the TPU scripts: a dry run prints and does nothing, what is missing is named, a repetition is harmless."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "tpu_scripts"
WHERE = ["--name", "my-tpu", "--zone", "my-zone", "--project", "my-project"]
KIND = ["--type", "v5litepod-8", "--runtime", "v2-alpha-tpuv5-lite"]
ARGUMENTS = {
    "create": [*WHERE, *KIND],
    "setup": [*WHERE, "--git", "https://example.com/it.git"],
    "run": [*WHERE, "--run-name", "first"],
    "watch": [*WHERE, "--run-name", "first"],
    "keep": [*WHERE, *KIND, "--git", "https://example.com/it.git", "--bucket", "my-bucket", "--run-name", "first"],
    "fetch": [*WHERE, "--path", "runs/first", "--out", "results"],
    "delete": WHERE,
}
SCRIPTS = [*sorted(FOLDER.glob("*.sh")), FOLDER / "slurm.sbatch"]
REQUIRED = [
    (script, flag) for script, given in ARGUMENTS.items() for flag in given if flag.startswith("--") and flag != "--git"
]


@pytest.fixture
def gcloud(tmp_path: Path) -> Path:
    """A stand-in for gcloud, first in PATH: notes its arguments in calls.txt, and lists the names in there.txt."""
    binary = tmp_path / "bin" / "gcloud"
    binary.parent.mkdir()
    note = f'printf "%s\\n" "$*" >>"{tmp_path}/calls.txt"'
    listing = f'if [ "$4" = list ]; then cat "{tmp_path}/there.txt"; fi'
    binary.write_text(f"#!/usr/bin/env bash\n{note}\n{listing}\n")
    binary.chmod(0o755)
    return tmp_path


def run(script: str, arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script in an empty working directory with the stand-in in PATH."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    return subprocess.run(
        ["bash", str(FOLDER / f"{script}.sh"), *arguments],
        cwd=work,
        env={**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}", "TMPDIR": str(work)},
        capture_output=True,
        text=True,
        timeout=30,
    )


def calls(folder: Path) -> list[str]:
    """Return the verbs of the recorded gcloud calls."""
    noted = folder / "calls.txt"
    return [line.split()[3] for line in noted.read_text().splitlines() if "tpu-vm" in line] if noted.exists() else []


@pytest.mark.parametrize("script", ARGUMENTS)
def test_dry_run__prints_commands_and_runs_none(script: str, gcloud: Path) -> None:
    result = run(script, [*ARGUMENTS[script], "--dry-run"], gcloud)
    assert result.returncode == 0, result.stderr
    assert "+ gcloud compute tpus tpu-vm " in result.stdout
    assert all(line.startswith("+ ") for line in result.stdout.splitlines())
    assert "--zone my-zone --project my-project" in result.stdout
    assert calls(gcloud) == [] and list((gcloud / "work").iterdir()) == []


def test_dry_run__shows_what_the_arguments_ask_for(gcloud: Path) -> None:
    command = run("create", [*ARGUMENTS["create"], "--spot", "yes", "--dry-run"], gcloud).stdout
    assert "create my-tpu --accelerator-type v5litepod-8 --version v2-alpha-tpuv5-lite --spot" in command
    more = ["--dry-run", "--", "--model", "a b", "--policy.mesh.fsdp", "8"]
    trained = run("run", [*ARGUMENTS["run"], *more], gcloud).stdout
    assert "--worker=all" in trained and "configs/qwen3_1p7b.py --run-dir runs/first" in trained
    assert "-m jaxrlvr.train" in trained and "--policy.mesh.fsdp 8" in trained
    copied = run("setup", [*WHERE, "--local", str(FOLDER.parent), "--dry-run"], gcloud).stdout.splitlines()
    assert ["git", "gcloud", "gcloud"] == [line.split()[1] for line in copied if line.startswith("+ ")]
    assert " scp " in copied[1] and "--worker=all" in copied[1]


@pytest.mark.parametrize("script, flag", REQUIRED)
def test_arguments__a_missing_one_is_named_with_exit_code_2(script: str, flag: str, gcloud: Path) -> None:
    given = ARGUMENTS[script]
    index = given.index(flag)
    result = run(script, given[:index] + given[index + 2 :], gcloud)
    assert result.returncode == 2 and result.stderr.startswith(f"error: {flag} is required")
    assert calls(gcloud) == []


@pytest.mark.parametrize(
    "script, more, message",
    [
        ("create", ["--nmae", "x"], "unknown argument --nmae"),
        ("create", ["extra"], "unknown argument extra"),
        ("create", ["--spot"], "--spot needs a value"),
        ("create", ["--spot", "maybe"], "--spot is yes or no"),
        ("setup", ["--local", "."], "name one source"),
        ("run", ["--run-name", "a b; rm"], "use letters"),
        ("fetch", ["--path", "../secrets"], "must be a path below"),
    ],
)
def test_arguments__that_cannot_be_are_refused(script: str, more: list[str], message: str, gcloud: Path) -> None:
    result = run(script, [*ARGUMENTS[script], *more], gcloud)
    assert result.returncode == 2 and message in result.stderr and len(result.stderr.splitlines()) == 1
    assert calls(gcloud) == []


def test_setup__takes_exactly_one_source_that_is_a_checkout(gcloud: Path) -> None:
    assert "name one source" in run("setup", WHERE, gcloud).stderr
    result = run("setup", [*WHERE, "--local", str(gcloud)], gcloud)
    assert result.returncode == 2 and "no pyproject.toml" in result.stderr


@pytest.mark.parametrize(
    "script, there, wanted",
    [
        ("create", "other READY\n", ["list", "create"]),
        ("create", "other READY\nmy-tpu READY\n", ["list"]),
        ("create", "my-tpu-2 READY\n", ["list", "create"]),
        ("create", "my-tpu PREEMPTED\n", ["list", "delete", "create"]),
        ("create", "my-tpu STOPPED\n", ["list", "start"]),
        ("delete", "my-tpu READY\n", ["list", "delete"]),
        ("delete", "my-tpu-2 READY\n", ["list"]),
        ("watch", "my-tpu PREEMPTED\n", ["list"]),
    ],
)
def test_repetition__creates_and_deletes_once(script: str, there: str, wanted: list[str], gcloud: Path) -> None:
    (gcloud / "there.txt").write_text(there)
    assert run(script, ARGUMENTS[script], gcloud).returncode == 0
    assert calls(gcloud) == wanted


@pytest.mark.parametrize("script", ["create", "delete"])
def test_repetition__a_failing_list_is_not_taken_for_an_empty_one(script: str, gcloud: Path) -> None:
    (gcloud / "bin" / "gcloud").write_text("#!/usr/bin/env bash\necho 'not logged in' >&2\nexit 1\n")
    result = run(script, ARGUMENTS[script], gcloud)
    assert result.returncode == 1 and "not logged in" in result.stderr and "gone" not in result.stdout


@pytest.mark.skipif(shutil.which("ps") is None, reason="ps is not installed")
def test_run__starts_then_leaves_alone_then_resumes(gcloud: Path) -> None:
    """The command meant for the hosts, run here: gcloud's stand-in runs it, and another one stands in for Python."""
    (gcloud / "bin" / "gcloud").write_text('#!/usr/bin/env bash\nbash -c "$8"\n')
    python = gcloud / "work" / "jaxrlvr" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/usr/bin/env bash\necho "$@" >>args.txt\nwhile [ ! -f stop ]; do sleep 0.05; done\n')
    python.chmod(0o755)
    home = gcloud / "work" / "jaxrlvr"
    arguments = [*ARGUMENTS["run"], "--", "--model", "a b"]

    try:
        assert _last(run("run", arguments, gcloud)).startswith("started")
        _until(lambda: (home / "args.txt").exists() and (home / "args.txt").read_text() != "")
        assert _last(run("run", arguments, gcloud)) == "first is running already"
    finally:
        (home / "stop").touch()
    pid = int((home / "logs" / "first.pid").read_text())
    _until(lambda: not _alive(pid))
    (home / "runs" / "first").mkdir(parents=True)
    (home / "runs" / "first" / "config.json").touch()
    assert _last(run("run", arguments, gcloud)).startswith("started")
    _until(lambda: len((home / "args.txt").read_text().splitlines()) == 2)
    assert (home / "args.txt").read_text().splitlines() == [
        "-m jaxrlvr.train configs/qwen3_1p7b.py --run-dir runs/first --model a b",
        "-m jaxrlvr.train --resume runs/first --model a b",
    ]


HOSTS = """#!/usr/bin/env bash
printf '%s\\n' "$*" >>"{folder}/calls.txt"
case $4 in
  list) cat "{folder}/there.txt" ;;
  create) echo "my-tpu READY" >"{folder}/there.txt" ;;
  delete) : >"{folder}/there.txt" ;;
  ssh) if [[ $* == *"echo finished"* ]]; then bash "{folder}/fate.sh"; fi ;;
esac
"""


def test_keep__replaces_a_machine_that_was_taken_away_and_ends_with_the_run(gcloud: Path) -> None:
    """Running, then preempted; on the new machine finished."""
    (gcloud / "bin" / "gcloud").write_text(HOSTS.format(folder=gcloud))
    (gcloud / "there.txt").touch()
    fate = f"cd {gcloud}; if [ -f second ]; then echo finished; else touch second; echo running\n"
    (gcloud / "fate.sh").write_text(fate + "echo my-tpu PREEMPTED >there.txt; fi\n")
    result = run("keep", [*ARGUMENTS["keep"], "--spot", "yes", "--every", "0"], gcloud)
    assert result.returncode == 0, result.stderr
    assert [verb for verb in calls(gcloud) if verb != "list"] == ["create", "ssh", "ssh", "ssh", "delete"] + [
        "create", "ssh", "ssh", "ssh"
    ]  # fmt: skip


def test_keep__gives_up_on_a_run_that_stops_by_itself(gcloud: Path) -> None:
    (gcloud / "bin" / "gcloud").write_text(HOSTS.format(folder=gcloud))
    (gcloud / "there.txt").touch()
    (gcloud / "fate.sh").write_text("echo error: no such model; echo stopped\n")
    result = run("keep", [*ARGUMENTS["keep"], "--every", "0", "--tries", "2"], gcloud)
    assert result.returncode == 1 and "stopped 2 times" in result.stderr and "no such model" in result.stdout
    assert calls(gcloud).count("create") == 1


def _last(result: subprocess.CompletedProcess[str]) -> str:
    return result.stdout.splitlines()[-1]


def _alive(pid: int) -> bool:
    result = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True)
    return "jaxrlvr.train" in result.stdout


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("waited 20 s in vain")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_script__is_short_and_executable(script: Path) -> None:
    assert len(script.read_text().splitlines()) < 70
    assert os.access(script, os.X_OK) or script.name == "arguments.sh"


def test_scripts__pass_shellcheck() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    result = subprocess.run(["shellcheck", "-x", *map(str, SCRIPTS)], cwd=FOLDER, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
