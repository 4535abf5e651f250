"""Checkpoint files: resolve a directory or hub id, and open its safetensors lazily.

Names and shapes are read at once, tensor data on access. Only safetensors and JSON are read: a pickled checkpoint could
run code.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from models.errors import CheckpointError, ModelError

INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"
COPIED_FILES = (
    "*.jinja",
    "added_tokens.json",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer*.json",
    "tokenizer.model",
    "vocab.json",
)
"""Patterns of a model's files besides weights and config: tokenizer, chat template, generation defaults."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def resolve(directory_or_hub_id: str | Path) -> Path:
    """Return the local directory of a checkpoint; a hub id that is not a path is downloaded (safetensors only).

    Raises ModelError if the directory does not exist or the download fails.
    """
    path = Path(directory_or_hub_id)
    if path.is_dir():
        return path
    if path.exists():
        raise ModelError(f"{path} is a file: name the directory that holds config.json and {SINGLE_FILE}")
    name = str(directory_or_hub_id)
    if not _HUB_ID.fullmatch(name):
        raise ModelError(
            f"no model directory {name!r}: give a directory with config.json and {SINGLE_FILE}, or a hub id (org/name)"
        )
    # Imported late: only a download needs it.
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=["*.safetensors", "*.json", *COPIED_FILES]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"no model directory {name!r}, and it cannot be downloaded from the hub: {reason}") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a checkpoint. Raises CheckpointError if the file is missing or not a JSON object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(f"{path.parent} has no {path.name}: expected a Hugging Face model directory") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not valid JSON ({error}): copy it again") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds a {type(value).__name__}: expected a JSON object")
    return value


@contextmanager
def open_tensors(directory: Path) -> Iterator[dict[str, Any]]:
    """Yield lazy slices of a checkpoint's tensors by name (`get_shape`, `get_dtype`, `[index]`), valid in the `with`.

    Raises CheckpointError for missing or truncated files, pickled weights, and a tensor that two files contain.
    """
    slices: dict[str, Any] = {}
    problems: list[str] = []
    with ExitStack() as stack:
        for path in _weight_files(directory):
            try:
                file = stack.enter_context(safe_open(path, framework="np"))
            except (SafetensorError, OSError) as error:
                problems.append(
                    f"{path.name} ({path.stat().st_size:,} bytes) is truncated or not a safetensors file: {error}"
                )
                continue
            for name in file.keys():  # noqa: SIM118 - safe_open is not a mapping
                if name in slices:
                    problems.append(f"{name} is in more than one file")
                slices[name] = file.get_slice(name)
        if problems:
            raise CheckpointError(f"{directory} cannot be read: download or write it again", problems)
        yield slices


def _weight_files(directory: Path) -> list[Path]:
    if (directory / INDEX_FILE).exists():
        paths = [directory / name for name in _files_of(directory / INDEX_FILE)]
    else:
        paths = [directory / SINGLE_FILE]
    missing = [path.name for path in paths if not path.exists()]
    if not missing and paths:
        return paths
    pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in directory.glob(pattern))
    if pickled:
        raise CheckpointError(
            f"{directory} has only pickled weights ({', '.join(pickled)}), which are never read: "
            "convert them to safetensors"
        )
    raise CheckpointError(f"{directory} lacks weights", [f"{name} is missing" for name in missing or [SINGLE_FILE]])


def _files_of(index: Path) -> list[str]:
    """Return the files that an index names. Raises CheckpointError for none, or for files outside its directory."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(
            f"{index}: weight_map is {weight_map!r}, expected an object of tensor names and file names"
        )
    invalid = [
        f"{tensor}: {file!r}"
        for tensor, file in weight_map.items()
        if not isinstance(file, str) or not file.endswith(".safetensors") or Path(file).name != file
    ]
    if invalid:
        raise CheckpointError(
            f"{index}: weight_map names files that are not safetensors files in its directory", invalid
        )
    return sorted(set(weight_map.values()))
