"""Directory or hub id -> the safetensors of a checkpoint, opened lazily: names and shapes now, bytes when asked for.

Only safetensors and JSON are ever read: a pickled checkpoint could run code.
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
CARRIED_FILES = (
    "*.jinja",
    "added_tokens.json",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer*.json",
    "tokenizer.model",
    "vocab.json",
)
"""What belongs to a model beside weights and config: tokenizer, chat template, generation defaults."""

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


def resolve(directory_or_hub_id: str | Path) -> Path:
    """The local directory of a checkpoint; a hub id that is no path is downloaded (weights as safetensors only).

    Raises ModelError if there is no such directory, or the download fails.
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
        return Path(huggingface_hub.snapshot_download(name, allow_patterns=["*.safetensors", "*.json", *CARRIED_FILES]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"no model directory {name!r}, and it cannot be fetched from the hub: {reason}") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a checkpoint. Raises CheckpointError if it is not there or not JSON."""
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
    """Lazy slices of a checkpoint's tensors by name (`get_shape`, `get_dtype`, `[index]`), valid inside the `with`.

    Raises CheckpointError for no weights, pickled weights, missing or truncated files, and a tensor that two files
    hold.
    """
    slices: dict[str, Any] = {}
    problems: list[str] = []
    with ExitStack() as stack:
        for path in _weight_files(directory):
            try:
                file = stack.enter_context(safe_open(path, framework="np"))
            except (SafetensorError, OSError) as error:
                problems.append(
                    f"{path.name} ({path.stat().st_size:,} bytes) is truncated or no safetensors file: {error}"
                )
                continue
            for name in file.keys():  # noqa: SIM118 - a safe_open is no mapping
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
            f"{directory} has weights only as pickle ({', '.join(pickled)}), which is never read: "
            "convert them to safetensors"
        )
    raise CheckpointError(f"{directory} lacks weights", [f"{name} is not there" for name in missing or [SINGLE_FILE]])


def _files_of(index: Path) -> list[str]:
    """The files that an index names. Raises CheckpointError if they are none, or not beside it."""
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index}: weight_map is {weight_map!r}, expected an object of tensors' names and files")
    strange = [
        f"{tensor}: {file!r}"
        for tensor, file in weight_map.items()
        if not isinstance(file, str) or not file.endswith(".safetensors") or Path(file).name != file
    ]
    if strange:
        raise CheckpointError(f"{index}: weight_map names what is no safetensors file beside it", strange)
    return sorted(set(weight_map.values()))
