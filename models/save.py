"""Saving a decoder as a Hugging Face directory: config.json, safetensors, and the source model's tokenizer files.

Only one layer's tensor is on the host at a time; files are written under a temporary name and renamed when complete.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from models.adapters import layer_weight
from models.checkpoint_files import COPIED_FILES, INDEX_FILE, SINGLE_FILE, open_tensors
from models.config import ModelConfig
from models.decoder import Decoder
from models.errors import ModelError
from models.safetensors_writer import CODES, Entry, write
from models.weight_table import Tensor, is_passed_through, tensors

DEFAULT_MAX_SHARD_BYTES = 5 * 10**9


def save(
    model: Decoder | tuple[Any, Any],
    directory: str | Path,
    source_dir: str | Path | None = None,
    max_shard_bytes: int = DEFAULT_MAX_SHARD_BYTES,
    dtype: DTypeLike | None = None,
) -> Path:
    """Write a model directory that `models.load` and transformers read, replacing older weights; return its path.

    Args:
        model: a decoder or its (graphdef, params). Adapters are added to the weights.
        directory: the directory to write.
        source_dir: the model directory to copy tokenizer, template and generation files from, and tensors that the
            decoder does not read (a vision tower).
        max_shard_bytes: limit of a weight file (a single larger tensor gets its own); several files get an index.
        dtype: dtype of the written weights; None: each parameter's own.

    Raises:
        ModelError: for a `max_shard_bytes` below 1.
        OSError: if a file cannot be written.
    """
    decoder: Decoder
    if isinstance(model, tuple):
        graphdef, params = model
        decoder = nnx.merge(graphdef, params)
    else:
        decoder = model
    out = Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    config_dtype = jnp.dtype(dtype or decoder.embedding_VD[...].dtype)
    _write_json(out / "config.json", _with_dtype(decoder.config.to_hf(), config_dtype.name))
    with ExitStack() as stack:
        entries = [*_entries(decoder, dtype), *_passed_through(decoder.config, source_dir, stack)]
        groups = _split(entries, max_shard_bytes)
        written = [_write(out, number, len(groups), group) for number, group in enumerate(groups, start=1)]
    for stale in [*out.glob("model*.safetensors"), *out.glob(INDEX_FILE)]:
        stale.unlink()
    for unfinished, final in written:
        unfinished.rename(final)
    if len(groups) > 1:
        weight_map = {
            entry.name: final.name for group, (_, final) in zip(groups, written, strict=True) for entry in group
        }
        size = sum(entry.size for entry in entries)
        _write_json(out / INDEX_FILE, {"metadata": {"total_size": size}, "weight_map": weight_map})
    if source_dir is not None:
        _copy_files(Path(source_dir), out)
    return out


def _write(out: Path, number: int, count: int, group: list[Entry]) -> tuple[Path, Path]:
    """Write one file of weights under a temporary name; return this path and the final one."""
    name = SINGLE_FILE if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"
    unfinished = out / f".{name}.partial"
    write(unfinished, group, metadata={"format": "pt"})
    return unfinished, out / name


def _split(entries: list[Entry], limit: int) -> list[list[Entry]]:
    """Group tensors into files of at most `limit` bytes, in order."""
    if limit < 1:
        raise ModelError(f"max_shard_bytes is {limit}: expected a positive number of bytes")
    files: list[list[Entry]] = [[]]
    free = limit
    for entry in entries:
        if files[-1] and entry.size > free:
            files.append([])
            free = limit
        files[-1].append(entry)
        free -= entry.size
    return files


def _entries(decoder: Decoder, dtype: DTypeLike | None) -> Iterator[Entry]:
    """Yield the decoder's tensors layer by layer, so that a file holds neighbours."""
    config = decoder.config
    stacked: list[list[Entry]] = [[] for _ in range(config.num_layers)]
    for tensor in tensors(config):
        written = jnp.dtype(dtype or decoder.param(tensor.path)[...].dtype)
        indices = np.ndindex(*tensor.shape(config)[: len(tensor.stacked)])
        layers = tensor.layer_numbers(config)
        for name, index in zip(tensor.hf_names(config), indices, strict=True):
            shape, read = tensor.hf_shape(config), partial(_value, decoder, tensor, index, written)
            entry = Entry(name, CODES[written.name], shape, read)
            if not index:
                yield entry
            else:
                stacked[layers[index[0]]].append(entry)
    for entries in stacked:
        yield from entries


def _value(decoder: Decoder, tensor: Tensor, index: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    host = np.asarray(jax.device_get(layer_weight(decoder, tensor, index)))
    return tensor.to_hf(decoder.config, host).astype(dtype, copy=False)


def _passed_through(config: ModelConfig, source_dir: str | Path | None, stack: ExitStack) -> Iterator[Entry]:
    """Yield the source's tensors that the decoder does not read, unchanged; readable while `stack` is open."""
    if source_dir is None or not config.is_hybrid or not list(Path(source_dir).glob("*.safetensors")):
        return
    for name, slice_ in sorted(stack.enter_context(open_tensors(Path(source_dir))).items()):
        if is_passed_through(config, name):
            yield Entry(name, slice_.get_dtype(), tuple(slice_.get_shape()), partial(_whole, slice_))


def _whole(slice_: Any) -> np.ndarray:
    return slice_[...]


def _with_dtype(hf: dict[str, Any], dtype: str) -> dict[str, Any]:
    # Older configs spell the key torch_dtype.
    key = "torch_dtype" if "torch_dtype" in hf else "dtype"
    text = hf.get("text_config")
    return {**hf, key: dtype, **({"text_config": {**text, key: dtype}} if text and key in text else {})}


def _copy_files(source: Path, out: Path) -> None:
    for pattern in COPIED_FILES:
        for path in source.glob(pattern):
            if path.resolve().parent != out.resolve():
                shutil.copyfile(path, out / path.name)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
