"""Laws of several processes: together they act as one, and none waits for a lost one."""

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from jaxrlvr.monitoring.metrics import MACHINE_DEPENDENT
from jaxrlvr.runtime import distributed, heartbeat
from jaxrlvr.runtime.errors import UserError

ROOT = Path(__file__).parents[3]
SIZES = [
    *("--steps", "2", "--checkpoint-every", "1", "--tasks.per-step", "8", "--policy.mesh.fsdp", "8"),
    *("--rollout.group-size", "2", "--rollout.max-turns", "1", "--rollout.turn-tokens", "88"),
    *("--rollout.prefix-buckets", "128", "--rollout.suffix-buckets", "96", "--rollout.answer-chunk", "64"),
    *("--learner.micro-groups", "8", "--learner.suffix-buckets", "96", "--optimizer.learning-rate", "0.01"),
    *("--evaluation.tasks", "2", "--evaluation.batch", "8", "--tasks.scenarios", "jira_create_issue"),
]


def start(arguments: list[str], devices: int, folder: Path, name: str) -> subprocess.Popen[str]:
    """Start a training process with `devices` CPU devices; its output goes to a file."""
    environment = {**os.environ, "JAX_NUM_CPU_DEVICES": str(devices), "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "jaxrlvr.train", *arguments]
    with (folder / f"{name}.log").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, text=True)


def pair(arguments: list[str], folder: Path) -> list[subprocess.Popen[str]]:
    """Two processes of four devices."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    joining = ["--coordinator", f"127.0.0.1:{port}", "--processes", "2", "--process"]
    return [start([*arguments, *joining, str(k)], 4, folder, f"process{k}") for k in range(2)]


def figures(run: Path) -> list[dict[str, float]]:
    """Return a run's metrics without times and compilations."""
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in record.items() if not k.startswith(MACHINE_DEPENDENT)} for record in records]


@pytest.mark.slow
def test_processes__two_of_four_devices_are_one_of_eight_then_a_lost_one_ends_the_other(
    tmp_path: Path,
) -> None:
    """The same metrics; then one is killed, the other reports it and ends; then the run resumes from its checkpoint."""
    arguments = ["configs/tiny.py", *SIZES]
    alone = start([*arguments, "--run-dir", str(tmp_path / "alone")], 8, tmp_path, "alone")
    assert alone.wait(120) == 0, (tmp_path / "alone.log").read_text()
    both = pair([*arguments, "--run-dir", str(tmp_path / "both")], tmp_path)
    assert [process.wait(120) for process in both] == [0, 0], (tmp_path / "process0.log").read_text()
    assert any(line["update/grad_norm"] > 0 for line in figures(tmp_path / "alone"))
    for expected, ours in zip(figures(tmp_path / "alone"), figures(tmp_path / "both"), strict=True):
        assert ours == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert (tmp_path / "both" / "summary.json").is_file()
    assert "step" not in (tmp_path / "process1.log").read_text()

    both = pair(["--resume", str(tmp_path / "both"), "--steps", "100000"], tmp_path)
    metrics = tmp_path / "both" / "metrics.jsonl"
    _until(lambda: len(metrics.read_text().splitlines()) > 3, both)
    both[1].send_signal(signal.SIGKILL)
    both[1].wait(10)
    began = time.monotonic()
    assert both[0].wait(60) != 0 and time.monotonic() - began < 60
    assert "process 1 of 2 was lost" in (tmp_path / "process0.log").read_text()
    steps = len(figures(tmp_path / "both"))

    again = pair(["--resume", str(tmp_path / "both"), "--steps", str(steps + 1)], tmp_path)
    assert [process.wait(120) for process in again] == [0, 0], (tmp_path / "process0.log").read_text()
    assert [line["step"] for line in figures(tmp_path / "both")] == list(range(1, steps + 2))


def _until(holds, processes: list[subprocess.Popen[str]]) -> None:
    for _ in range(1200):
        if holds():
            return
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)
    raise AssertionError("waited 120 s in vain")


@pytest.mark.parametrize(
    "flags",
    [
        ["--processes", "2"],
        ["--coordinator", "host", "--processes", "2", "--process", "0"],
        ["--coordinator", "host:1", "--processes", "2", "--process", "2"],
    ],
)
def test_flags__that_cannot_be_are_refused(flags: list[str]) -> None:
    with pytest.raises(UserError, match="--coordinator"):
        distributed.connect(flags)


def test_flags__are_taken_off_the_arguments() -> None:
    joining = ["--coordinator", "host:1", "--processes", "1", "--process", "0"]
    assert distributed.connect(["configs/tiny.py", *joining, "--seed", "3"]) == ["configs/tiny.py", "--seed", "3"]


def test_detection__only_where_there_are_several() -> None:
    task = {"SLURM_JOB_ID": "1", "SLURM_STEP_NODELIST": "n", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
    assert distributed.in_cluster({**task, "SLURM_NTASKS": "2"})
    assert not distributed.in_cluster({**task, "SLURM_NTASKS": "1"})
    assert not distributed.in_cluster({"SLURM_JOB_ID": "1", "SLURM_NTASKS": "2"})
    assert not distributed.in_cluster({"JAX_PLATFORMS": "cpu", "TPU_WORKER_HOSTNAMES": "a,b"})


def test_alone__every_function_returns_its_argument() -> None:
    value = SimpleNamespace()
    assert distributed.allgather(value)[0] is value and distributed.is_first()
    assert distributed.shared_interruption(value) is value


@pytest.mark.parametrize("leaves", [True, False])
def test_watch__notices_who_breaks_off_and_not_who_leaves(leaves: bool) -> None:
    lost: list[tuple[str, int]] = []
    server, address = heartbeat.listen()
    noticed = threading.Event()
    near = heartbeat.connect(f"127.0.0.1:{address.rpartition(':')[2]}", 1)
    first = heartbeat.Heartbeat(heartbeat.accept(server, 1), lambda k: (lost.append(("first", k)), noticed.set()))
    if leaves:
        near[0].sendall(b"bye\n")
    near[0].close()
    assert noticed.wait(0.5) is not leaves
    assert lost == ([] if leaves else [("first", 1)])
    first.leave()
    gc.collect()  # an open connection raises its warning here, and not in another test
