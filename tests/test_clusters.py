"""Laws of the GKE manifest and the SLURM script: the manifest is a valid JobSet; an interrupted job resumes."""

import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parent.parent
GKE = [
    *("--run-name", "first", "--image", "example.com/it:1", "--accelerator", "tpu-v5-lite-podslice"),
    *("--topology", "4x4", "--hosts", "4", "--chips", "4", "--bucket", "my-bucket"),
]


def record(required: str, optional: str = "", **fields: Any) -> dict[str, Any]:
    """Return the schema of an object of exactly these keys; a key without a schema may have any value."""
    names = required.split() + optional.split()
    known = {name: fields.get(name, {}) for name in names}
    return {"type": "object", "required": required.split(), "properties": known, "additionalProperties": False}


def array(items: Any) -> dict[str, Any]:
    """Return the schema of a list that is not empty."""
    return {"type": "array", "items": items, "minItems": 1}


TEXT, COUNT = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 1}
LABELS = {"type": "object", "additionalProperties": TEXT}
CONTAINER = record(
    "name image command args resources volumeMounts",
    "ports",
    image=TEXT,
    command=array(TEXT),
    args=array(TEXT),
    ports=array(record("containerPort", containerPort=COUNT)),
    resources=record("limits", limits=record("google.com/tpu", **{"google.com/tpu": COUNT})),
    volumeMounts=array(record("name mountPath", mountPath=TEXT)),
)
POD = record(
    "restartPolicy serviceAccountName nodeSelector containers volumes",
    "tolerations terminationGracePeriodSeconds",
    restartPolicy={"const": "Never"},  # the Job API requires it with a podFailurePolicy
    nodeSelector=LABELS,
    tolerations=array(record("key operator", operator={"enum": ["Exists", "Equal"]})),
    terminationGracePeriodSeconds=COUNT,
    containers=array(CONTAINER),
    volumes=array(record("name csi", csi=record("driver volumeAttributes", volumeAttributes=LABELS))),
)
EXIT = record("operator values", "containerName", operator={"enum": ["In", "NotIn"]}, values=array({"type": "integer"}))
JOB = record(
    "parallelism completions backoffLimit template",
    "completionMode podFailurePolicy",
    completionMode={"enum": ["Indexed", "NonIndexed"]},
    parallelism=COUNT,
    completions=COUNT,
    backoffLimit={"type": "integer", "minimum": 0},
    podFailurePolicy=record("rules", rules=array(record("action onExitCodes", onExitCodes=EXIT))),
    template=record("spec", "metadata", metadata=record("annotations", annotations=LABELS), spec=POD),
)
RULE = record(
    "name action",
    "onJobFailureReasons",
    name={"pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"},
    action={"enum": ["FailJobSet", "RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts"]},
    onJobFailureReasons=array(TEXT),
)
JOBSET = record(
    "apiVersion kind metadata spec",
    apiVersion={"const": "jobset.x-k8s.io/v1alpha2"},
    kind={"const": "JobSet"},
    metadata=record("name", "labels annotations", name={"pattern": "^[a-z]([a-z0-9-]*[a-z0-9])?$"}, labels=LABELS),
    spec=record(
        "replicatedJobs",
        "failurePolicy",
        failurePolicy=record("maxRestarts", "rules", maxRestarts=COUNT, rules=array(RULE)),
        replicatedJobs=array(record("name replicas template", replicas=COUNT, template=record("spec", spec=JOB))),
    ),
)
"""Schema of the part of JobSet v1alpha2 (and of the Job inside) that the manifest uses."""


def run(script: str, arguments: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script of tpu_scripts/ in `folder`."""
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", str(ROOT / "tpu_scripts" / script), *arguments]
    variables = {**os.environ, "PATH": path, **environment}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=30)


def stand_in(folder: Path, name: str, body: str) -> None:
    """Write a program of this name, first in PATH."""
    (folder / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("words", [[], ["--model", 'a "b" c', "--policy.mesh.fsdp", "16"]])
def test_jobset__filled_in_is_one(words: list[str], tmp_path: Path) -> None:
    result = run("gke.sh", [*GKE, "--dry-run", "--", *words], tmp_path)
    assert result.returncode == 0, result.stderr
    command, manifest = result.stdout.split("\n", 1)
    assert command == "+ kubectl apply -f -"
    jobset = yaml.safe_load(manifest)
    jsonschema.validate(jobset, JOBSET)
    job = jobset["spec"]["replicatedJobs"][0]["template"]["spec"]
    train = job["template"]["spec"]["containers"][0]
    assert job["parallelism"] == job["completions"] == 4
    assert train["args"] == ["configs/qwen3_1p7b.py", *words]
    assert {mount["name"] for mount in train["volumeMounts"]} == {v["name"] for v in job["template"]["spec"]["volumes"]}
    assert "{" not in manifest.replace("{ echo", "")


def test_jobset__its_command_starts_then_resumes(tmp_path: Path) -> None:
    """The container's command, run here with a stand-in for Python."""
    train = yaml.safe_load(run("gke.sh", [*GKE, "--dry-run"], tmp_path).stdout.split("\n", 1)[1])["spec"][
        "replicatedJobs"
    ][0]["template"]["spec"]["template"]["spec"]["containers"][0]
    stand_in(tmp_path, "python", 'echo "$@"')
    path = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}

    def start() -> str:
        command = [*train["command"], *train["args"], "--seed", "1"]
        return subprocess.run(command, cwd=tmp_path, env=path, capture_output=True, text=True, check=True).stdout

    assert start() == "-m jaxrlvr.train configs/qwen3_1p7b.py --run-dir runs/first --seed 1\n"
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "config.json").touch()
    assert start() == "-m jaxrlvr.train --resume runs/first --seed 1\n"


@pytest.mark.parametrize(
    "more, message",
    [
        (["--run-name", "Big"], "lower-case"),
        (["--topology", "16"], "like 4x4"),
        (["--hosts", "0"], "whole number"),
        (["--bucket", "gs://x"], "use letters"),
        (["--image", "a b"], "--image a b"),
    ],
)
def test_jobset__what_cannot_be_is_refused(more: list[str], message: str, tmp_path: Path) -> None:
    result = run("gke.sh", [*GKE, *more, "--dry-run"], tmp_path)
    assert result.returncode == 2 and message in result.stderr and result.stdout == ""


def test_jobset__is_given_to_kubectl(tmp_path: Path) -> None:
    stand_in(tmp_path, "kubectl", f'echo "$@" >{tmp_path}/said; cat >{tmp_path}/given')
    assert run("gke.sh", [*GKE, "--out", "kept.yaml"], tmp_path).returncode == 0
    assert (tmp_path / "said").read_text() == "apply -f -\n"
    assert (tmp_path / "given").read_text() == (tmp_path / "kept.yaml").read_text() != ""


def test_slurm__dry_run_prints_the_command_with_all_gpus(tmp_path: Path) -> None:
    result = run(
        "slurm.sbatch", ["first", "--dry-run", "--", "--policy.mesh.fsdp", "4"], tmp_path, SLURM_GPUS_ON_NODE="4"
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == (
        "+ JAX_LOCAL_DEVICE_IDS=0,1,2,3 srun --kill-on-bad-exit=1 .venv/bin/python -m jaxrlvr.train "
        "configs/qwen3_1p7b.py --run-dir runs/first --policy.mesh.fsdp 4\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "code, restarts, requeued", [(0, 0, False), (2, 0, False), (143, 99, True), (1, 3, True), (1, 10, False)]
)
def test_slurm__an_interrupted_job_queues_again(code: int, restarts: int, requeued: bool, tmp_path: Path) -> None:
    stand_in(tmp_path, "srun", f"exit {code}")
    stand_in(tmp_path, "scontrol", f'echo "$@" >{tmp_path}/said')
    result = run("slurm.sbatch", ["first"], tmp_path, SLURM_JOB_ID="7", SLURM_RESTART_COUNT=str(restarts))
    assert result.returncode == code
    assert (tmp_path / "said").exists() == requeued


def test_slurm__resumes_a_run_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "runs" / "first").mkdir(parents=True)
    (tmp_path / "runs" / "first" / "config.json").touch()
    assert "--resume runs/first" in run("slurm.sbatch", ["first", "--dry-run"], tmp_path).stdout


@pytest.mark.parametrize(
    "words, message",
    [([], "name the run"), (["a b"], "name the run"), (["x", "--nodes"], "--nodes"), (["x", "y"], "name one run")],
)
def test_slurm__what_cannot_be_is_refused(words: list[str], message: str, tmp_path: Path) -> None:
    result = run("slurm.sbatch", words, tmp_path)
    assert result.returncode == 2 and message in result.stderr


def test_slurm__directives_are_known_ones() -> None:
    lines = (ROOT / "tpu_scripts" / "slurm.sbatch").read_text().splitlines()
    given = [line.removeprefix("#SBATCH --").split("=")[0] for line in lines if line.startswith("#SBATCH")]
    known = {"job-name", "nodes", "ntasks-per-node", "gpus-per-node", "exclusive", "requeue", "open-mode", "output"}
    assert set(given) <= known | {"signal"} and "requeue" in given
    first_command = next(n for n, line in enumerate(lines) if line and not line.startswith("#"))
    assert all(n < first_command for n, line in enumerate(lines) if line.startswith("#SBATCH"))
