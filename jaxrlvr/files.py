"""Files of records that a kill leaves old or new, never half."""

import json
from pathlib import Path


def keep_steps(file: Path, last: int) -> None:
    """Drop the lines of steps after `last` from a JSONL file, and a line that was cut off by a kill."""
    if not file.exists():
        return
    # Read by line feeds alone: texts may hold characters that str.splitlines takes for line ends.
    with file.open(encoding="utf-8", newline="\n") as lines:
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= last]
    write_whole(file, "".join(kept))


def write_whole(file: Path, text: str) -> None:
    """Write a file so that a kill leaves the old one or the new one, never a half."""
    whole = file.with_name(f".{file.name}.partial")
    whole.write_text(text, encoding="utf-8")
    whole.replace(file)
