"""Atomic file writes, and JSONL files of steps that stay readable after a kill."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def keep_steps(file: Path, last: int) -> None:
    """Rewrite a JSONL file without the steps after `last` and without lines that a kill or a power cut broke."""
    if file.exists():
        write_whole(file, "".join(line for line, record in _whole_lines(file) if record["step"] <= last))


def records(file: Path) -> list[dict[str, Any]]:
    """Return the records of a JSONL file of steps, without broken lines; an empty list if the file does not exist."""
    return [record for _, record in _whole_lines(file)] if file.exists() else []


def _whole_lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    # Split at line feeds only: texts may contain other characters at which str.splitlines splits.
    with file.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if line.endswith("\n") and isinstance(record, dict) and isinstance(record.get("step"), int):
                yield line, record


def write_whole(file: Path, text: str) -> None:
    """Write a file atomically: after a kill it has either its old content or the new."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(file)
