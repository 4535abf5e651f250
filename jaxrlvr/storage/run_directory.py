"""The run directory: everything a run leaves behind, and how it is taken up again.

    config.json  metrics.jsonl  tensorboard/  episodes/  checkpoints/  summary.json

A new run never writes into another run's directory; `--resume` takes up the config that the directory holds.
"""

import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from jaxrlvr.config import RunConfig
from jaxrlvr.runtime import distributed
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import from_json, to_json
from jaxrlvr.storage import lock
from jaxrlvr.storage.atomic_files import keep_steps, records, write_whole


class RunDirectory:
    """Paths and files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.episodes = path / "episodes"
        self.checkpoints = path / "checkpoints"
        self.summary = path / "summary.json"

    @classmethod
    def reserve(cls, config: RunConfig, name: str) -> "RunDirectory":
        """The directory of a new run; nothing is written yet. Raises UserError if it holds a run or other files, or
        could not be written.
        """
        path = (
            Path(config.run_dir)
            if config.run_dir
            else _unused(Path("runs"), f"{name}-{time.strftime('%Y%m%d-%H%M%S')}")
        )
        if path.is_dir() and any(file.name != lock.NAME for file in path.iterdir()):
            what = "holds another run" if (path / "config.json").exists() else "is not empty"
            raise UserError(f"run directory {path} {what}: choose another --run-dir, or go on with --resume {path}")
        standing = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
        if not standing.is_dir() or not os.access(standing, os.W_OK):
            why = "cannot be written to" if standing.is_dir() else "is a file"
            raise UserError(f"cannot write run directory {path}: {standing} {why}; choose another --run-dir")
        return cls(path)

    def begin(self, config: RunConfig) -> None:
        """Make the directory and write the config. Raises UserError if that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.write_config(config)
        except OSError as error:
            raise UserError(
                f"cannot write run directory {self.path}: {error.strerror}; choose another --run-dir"
            ) from error

    def own_records(self) -> "RunDirectory":
        """Where this process writes: here if it is the first one, else a temporary directory beside shared checkpoints.

        Raises UserError if the run's directory is not the same for all.
        """
        distributed.exchange(None)  # the first process has written the config
        sees = distributed.exchange((self.path / "config.json").is_file())
        if not all(sees):
            raise UserError(
                f"{self.path} is not one directory for all processes: process {sees.index(False)} "
                "sees no config.json in it; use a --run-dir on a file system that all hosts have"
            )
        if distributed.is_first():
            return self
        own = RunDirectory(Path(tempfile.mkdtemp(prefix="jaxrlvr-records-")))
        own.checkpoints = self.checkpoints
        return own

    def lock(self) -> IO[str]:
        """Keep other processes from training this run until the returned file is closed; UserError if one does."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            return lock.locked(self.path)
        except OSError as error:
            raise UserError(
                f"cannot write run directory {self.path}: {error.strerror}; choose another --run-dir"
            ) from error

    def write_config(self, config: RunConfig) -> None:
        """Write config.json."""
        write_whole(self.path / "config.json", to_json(config))

    @classmethod
    def open(cls, path: str) -> tuple["RunDirectory", RunConfig]:
        """An existing run and its config. Raises UserError if there is none."""
        file = Path(path) / "config.json"
        if not file.is_file():
            raise UserError(f"{path} is not a run directory: it has no config.json")
        try:
            return cls(Path(path)), from_json(file.read_text(encoding="utf-8"), RunConfig)
        except (ValueError, TypeError) as error:
            raise UserError(f"{file} is not a run's config: {error}") from error

    def forget_after(self, step: int) -> None:
        """Drop what is recorded of later steps: they will be made again."""
        for file in (self.episodes / "train.jsonl", self.path / "evaluations.jsonl", self.path / "diagnosis.jsonl"):
            keep_steps(file, step)

    def append_line(self, name: str, record: Mapping[str, Any]) -> None:
        """Append a line to NAME.jsonl; `record` has its step."""
        with (self.path / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, default=asdict) + "\n")

    def read_lines(self, name: str) -> list[dict[str, Any]]:
        """The lines of NAME.jsonl."""
        return records(self.path / f"{name}.jsonl")

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json."""
        write_whole(self.summary, json.dumps(summary, indent=2) + "\n")

    def save_result(self, name: str, value: Any) -> None:
        """Keep a small result (the evaluation before training) for a later process of the same run."""
        write_whole(self.path / f"{name}.json", json.dumps(value, default=asdict) + "\n")

    def load_result(self, name: str) -> Any:
        """What `remember` kept, or None if it is not there or broken."""
        file = self.path / f"{name}.json"
        try:
            return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
        except ValueError:  # no JSON, no UTF-8
            return None


def _unused(parent: Path, name: str) -> Path:
    path, number = parent / name, 2
    while path.exists():
        path, number = parent / f"{name}-{number}", number + 1
    return path


def is_run(path: Path) -> bool:
    """Whether a directory holds a run rather than a model."""
    return (path / "checkpoints").is_dir()
