"""The run directory: the files of one run, for `train` and `sft` alike.

    config.json  metrics.jsonl  tensorboard/  checkpoints/            every run
    episodes/  evaluations.jsonl  diagnosis.jsonl  summary.json  scoring_rules.json   runs of `train`

A new run never writes into another run's directory; a resumed run reads the config that the directory contains.
"""

import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, TypeVar

from jaxrlvr.runtime import distributed
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.runtime.settings import from_json
from jaxrlvr.storage import lock
from jaxrlvr.storage.atomic_files import keep_steps, records, write_whole

T = TypeVar("T")
SCORING_RULES = "scoring_rules"
"""Name of the result that holds the version of the rules by which a run's episodes are scored."""


class RunDirectory:
    """Paths and files of one run."""

    def __init__(self, path: Path, option: str = "--run-dir") -> None:
        """`option` is the command's option that sets the path, for error messages."""
        self.path = path
        self.config_file = path / "config.json"
        self.episodes = path / "episodes"
        self.checkpoints = path / "checkpoints"
        self.summary = path / "summary.json"
        self._option = option

    @classmethod
    def reserve(cls, path: str, name: str) -> "RunDirectory":
        """Choose the directory of a new run, `path` or else runs/NAME-TIME, without writing anything.

        Raises UserError if the directory contains a run or other files, or is not writable.
        """
        chosen = Path(path) if path else _unused(Path("runs"), f"{name}-{time.strftime('%Y%m%d-%H%M%S')}")
        if chosen.is_dir() and any(file.name != lock.NAME for file in chosen.iterdir()):
            reason = "holds another run" if (chosen / "config.json").exists() else "is not empty"
            raise UserError(
                f"run directory {chosen} {reason}: choose another --run-dir, or continue with --resume {chosen}"
            )
        parent = next(folder for folder in (chosen, *chosen.absolute().parents) if folder.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            reason = "is not writable" if parent.is_dir() else "is a file"
            raise UserError(f"cannot write run directory {chosen}: {parent} {reason}; choose another --run-dir")
        return cls(chosen)

    @classmethod
    def open(cls, path: str) -> "RunDirectory":
        """Return the directory of an existing run. Raises UserError if it has no config.json."""
        run = cls(Path(path))
        if not run.config_file.is_file():
            raise UserError(f"{path} is not a run directory: it has no config.json")
        return run

    def begin(self, config: str) -> None:
        """Create the directory and write config.json. Raises UserError if that fails."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.write_config(config)
        except OSError as error:
            raise self._not_writable(error) from error

    def for_this_process(self) -> "RunDirectory":
        """Return this directory on the first process; on others a temporary one that shares its checkpoints.

        Raises UserError if the processes do not see the same directory.
        """
        distributed.allgather(None)  # waits until the first process has written the config
        sees = distributed.allgather(self.config_file.is_file())
        if not all(sees):
            raise UserError(
                f"{self.path} is not one directory for all processes: process {sees.index(False)} "
                "sees no config.json in it; use a --run-dir on a file system that all hosts have"
            )
        if distributed.is_first():
            return self
        temporary = RunDirectory(Path(tempfile.mkdtemp(prefix="jaxrlvr-records-")))
        temporary.checkpoints = self.checkpoints
        return temporary

    def lock(self) -> IO[str]:
        """Create the directory and lock it until the returned file is closed. Raises UserError if another process
        trains the run, or the directory is not writable.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            return lock.acquire(self.path)
        except OSError as error:
            raise self._not_writable(error) from error

    def write_config(self, config: str) -> None:
        """Write config.json, given its text."""
        write_whole(self.config_file, config)

    def read_config(self, kind: type[T]) -> T:
        """Return the config in config.json. Raises UserError if it is not one of this `kind`."""
        try:
            return from_json(self.config_file.read_text(encoding="utf-8"), kind)
        except (ValueError, TypeError) as error:
            raise UserError(f"{self.config_file} is not a run's config: {error}") from error

    def forget_after(self, step: int) -> None:
        """Delete the records of later steps: the resumed run makes them again."""
        for file in (self.episodes / "train.jsonl", self.path / "evaluations.jsonl", self.path / "diagnosis.jsonl"):
            keep_steps(file, step)

    def append_line(self, name: str, record: Mapping[str, Any]) -> None:
        """Append a record, which includes its step, to NAME.jsonl."""
        with (self.path / f"{name}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, default=asdict) + "\n")

    def read_lines(self, name: str) -> list[dict[str, Any]]:
        """Return the records of NAME.jsonl."""
        return records(self.path / f"{name}.jsonl")

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        """Write summary.json."""
        write_whole(self.summary, json.dumps(summary, indent=2) + "\n")

    def save_result(self, name: str, value: Any) -> None:
        """Write a small result (such as the evaluation before training) to NAME.json, for a resumed run."""
        write_whole(self.path / f"{name}.json", json.dumps(value, default=asdict) + "\n")

    def load_result(self, name: str) -> Any:
        """Return what `save_result` wrote, or None if the file is missing or broken."""
        file = self.path / f"{name}.json"
        try:
            return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
        except ValueError:  # neither JSON nor UTF-8
            return None

    def _not_writable(self, error: OSError) -> UserError:
        return UserError(f"cannot write run directory {self.path}: {error.strerror}; choose another {self._option}")


def _unused(parent: Path, name: str) -> Path:
    path, number = parent / name, 2
    while path.exists():
        path, number = parent / f"{name}-{number}", number + 1
    return path


def is_run(path: Path) -> bool:
    """Whether a directory is a run directory rather than a model directory."""
    return (path / "checkpoints").is_dir()
