"""Decoder -> Hugging Face directory: config.json, safetensors, and the tokenizer's files of the model it came from.

One layer's tensor is on the host at a time per file; a file that is being written bears another name until it is whole.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx
from safetensors.numpy import save_file

from models.checkpoint_files import CARRIED_FILES, INDEX_FILE, SINGLE_FILE
from models.config import ModelConfig
from models.decoder import Decoder
from models.errors import ModelError
from models.tensors import Tensor, tensors

DEFAULT_MAX_SHARD_BYTES = 5 * 10**9


def save(
    model: Decoder | tuple[Any, Any],
    directory: str | Path,
    source_dir: str | Path | None = None,
    max_shard_bytes: int = DEFAULT_MAX_SHARD_BYTES,
) -> Path:
    """Write a directory that `models.load` and transformers read; returns it.

    `model` is a decoder or its (graphdef, params). Tokenizer, template and generation files are copied from
    `source_dir`. Weights are written in the parameters' dtype, in files of at most `max_shard_bytes` (a single larger
    tensor gets its own), with an index if there are several. Weights that stood in the directory before are replaced.
    Raises OSError if it cannot be written.
    """
    decoder: Decoder = nnx.merge(*model) if isinstance(model, tuple) else model
    out = Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    config = decoder.config
    dtype = decoder.embedding_VD[...].dtype
    groups = _split(config, dtype.itemsize, max_shard_bytes)
    _write_json(out / "config.json", {**config.to_hf(), **_dtype_key(config, dtype.name)})
    written = []
    for number, group in enumerate(groups, start=1):
        name = SINGLE_FILE if len(groups) == 1 else f"model-{number:05d}-of-{len(groups):05d}.safetensors"
        values = {hf_name: _value(decoder, tensor, layer) for hf_name, tensor, layer in group}
        partial = out / f".{name}.partial"
        save_file(values, partial, metadata={"format": "pt"})
        # safetensors makes files that only their owner may read.
        shutil.copymode(out / "config.json", partial)
        written.append((partial, out / name))
    for stale in [*out.glob("model*.safetensors"), *out.glob(INDEX_FILE)]:
        stale.unlink()
    for partial, final in written:
        partial.rename(final)
    if len(groups) > 1:
        weight_map = {
            hf_name: final.name for group, (_, final) in zip(groups, written, strict=True) for hf_name, _, _ in group
        }
        size = sum(_bytes(config, tensor, dtype.itemsize) for group in groups for _, tensor, _ in group)
        _write_json(out / INDEX_FILE, {"metadata": {"total_size": size}, "weight_map": weight_map})
    if source_dir is not None:
        _carry(Path(source_dir), out)
    return out


def _split(config: ModelConfig, itemsize: int, limit: int) -> list[list[tuple[str, Tensor, int | None]]]:
    """Checkpoint tensors in files: (name, table row, layer), layer after layer so that a file holds neighbours."""
    if limit < 1:
        raise ModelError(f"max_shard_bytes is {limit}: expected a positive number of bytes")
    files: list[list[tuple[str, Tensor, int | None]]] = [[]]
    room = limit
    for entry in _entries(config):
        size = _bytes(config, entry[1], itemsize)
        if files[-1] and size > room:
            files.append([])
            room = limit
        files[-1].append(entry)
        room -= size
    return files


def _entries(config: ModelConfig) -> Iterator[tuple[str, Tensor, int | None]]:
    table = tensors(config)
    for tensor in table:
        if not tensor.is_stacked:
            yield tensor.name, tensor, None
    for layer in range(config.num_layers):
        for tensor in table:
            if tensor.is_stacked:
                yield tensor.hf_names(config)[layer], tensor, layer


def _bytes(config: ModelConfig, tensor: Tensor, itemsize: int) -> int:
    return int(np.prod(tensor.hf_shape(config))) * itemsize


def _value(decoder: Decoder, tensor: Tensor, layer: int | None) -> np.ndarray:
    array = decoder.param(tensor.path)[...]
    host = np.asarray(jax.device_get(array if layer is None else array[layer]))
    # safetensors writes the buffer as it lies in memory.
    return np.ascontiguousarray(tensor.to_hf(decoder.config, host))


def _dtype_key(config: ModelConfig, dtype: str) -> dict[str, str]:
    # Older configs spell the key torch_dtype.
    return {"torch_dtype" if "torch_dtype" in json.loads(config.extra) else "dtype": dtype}


def _carry(source: Path, out: Path) -> None:
    for pattern in CARRIED_FILES:
        for path in source.glob(pattern):
            if path.resolve().parent != out.resolve():
                shutil.copyfile(path, out / path.name)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
