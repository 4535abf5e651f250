"""Files of records that a kill leaves old or new, never half."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def keep_steps(file: Path, last: int) -> None:
    """Drop the lines of steps after `last` from a JSONL file, and those that a kill or a power cut left broken."""
    if file.exists():
        write_whole(file, "".join(line for line, record in _whole_lines(file) if record["step"] <= last))


def records(file: Path) -> list[dict[str, Any]]:
    """The records of steps in a JSONL file; none if it does not exist."""
    return [record for _, record in _whole_lines(file)] if file.exists() else []


def _whole_lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    # Read by line feeds alone: texts may hold characters that str.splitlines takes for line ends.
    with file.open(encoding="utf-8", errors="replace", newline="\n") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if line.endswith("\n") and isinstance(record, dict) and isinstance(record.get("step"), int):
                yield line, record


def write_whole(file: Path, text: str) -> None:
    """Write a file so that a kill leaves the old one or the new one, never a half."""
    whole = file.with_name(f".{file.name}.partial")
    whole.write_text(text, encoding="utf-8")
    whole.replace(file)
