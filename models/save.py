"""Decoder -> Hugging Face directory: config.json, safetensors, and the tokenizer's files of the model it came from.

One layer's tensor is on the host at a time; a file that is being written bears another name until it is whole.
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

from models.adapters import layer_of
from models.checkpoint_files import CARRIED_FILES, INDEX_FILE, SINGLE_FILE, open_tensors
from models.config import ModelConfig
from models.decoder import Decoder
from models.errors import ModelError
from models.safetensors_writer import CODES, Entry, write
from models.weight_table import Tensor, carried, tensors

DEFAULT_MAX_SHARD_BYTES = 5 * 10**9


def save(
    model: Decoder | tuple[Any, Any],
    directory: str | Path,
    source_dir: str | Path | None = None,
    max_shard_bytes: int = DEFAULT_MAX_SHARD_BYTES,
    dtype: DTypeLike | None = None,
) -> Path:
    """Write a directory that `models.load` and transformers read; returns it.

    `model` is a decoder or its (graphdef, params). Tokenizer, template and generation files are copied from
    `source_dir`, and so are tensors that the decoder does not read (a vision tower). Weights are written in `dtype`
    (None: each in its parameter's), adapters added to them, in files of at most `max_shard_bytes` (a single larger
    tensor gets its own), with an index if there are several. Weights that stood in the directory before are replaced.
    Raises OSError if it cannot be written.
    """
    decoder: Decoder = nnx.merge(*model) if isinstance(model, tuple) else model
    out = Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    stated = jnp.dtype(dtype or decoder.embedding_VD[...].dtype)
    _write_json(out / "config.json", _with_dtype(decoder.config.to_hf(), stated.name))
    with ExitStack() as stack:
        entries = [*_entries(decoder, dtype), *_carried(decoder.config, source_dir, stack)]
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
        _carry(Path(source_dir), out)
    return out


def _write(out: Path, number: int, count: int, group: list[Entry]) -> tuple[Path, Path]:
    """Write one file of weights; returns where it lies and where it belongs."""
    name = SINGLE_FILE if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"
    unfinished = out / f".{name}.partial"
    write(unfinished, group, metadata={"format": "pt"})
    return unfinished, out / name


def _split(entries: list[Entry], limit: int) -> list[list[Entry]]:
    """The tensors in files, in their order."""
    if limit < 1:
        raise ModelError(f"max_shard_bytes is {limit}: expected a positive number of bytes")
    files: list[list[Entry]] = [[]]
    room = limit
    for entry in entries:
        if files[-1] and entry.size > room:
            files.append([])
            room = limit
        files[-1].append(entry)
        room -= entry.size
    return files


def _entries(decoder: Decoder, dtype: DTypeLike | None) -> Iterator[Entry]:
    """The decoder's tensors, layer after layer so that a file holds neighbours."""
    config = decoder.config
    stacked: list[list[Entry]] = [[] for _ in range(config.num_layers)]
    for tensor in tensors(config):
        written = jnp.dtype(dtype or decoder.param(tensor.path)[...].dtype)
        places = np.ndindex(*tensor.shape(config)[: len(tensor.stacked)])
        layers = tensor.layer_numbers(config)
        for name, place in zip(tensor.hf_names(config), places, strict=True):
            shape, read = tensor.hf_shape(config), partial(_value, decoder, tensor, place, written)
            entry = Entry(name, CODES[written.name], shape, read)
            if not place:
                yield entry
            else:
                stacked[layers[place[0]]].append(entry)
    for entries in stacked:
        yield from entries


def _value(decoder: Decoder, tensor: Tensor, place: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    host = np.asarray(jax.device_get(layer_of(decoder, tensor, place)))
    return tensor.to_hf(decoder.config, host).astype(dtype, copy=False)


def _carried(config: ModelConfig, source_dir: str | Path | None, stack: ExitStack) -> Iterator[Entry]:
    """Tensors of the source that the decoder does not read, as they are; readable while `stack` is open."""
    if source_dir is None or not config.is_hybrid or not list(Path(source_dir).glob("*.safetensors")):
        return
    for name, slice_ in sorted(stack.enter_context(open_tensors(Path(source_dir))).items()):
        if carried(config, name):
            yield Entry(name, slice_.get_dtype(), tuple(slice_.get_shape()), partial(_whole, slice_))


def _whole(slice_: Any) -> np.ndarray:
    return slice_[...]


def _with_dtype(hf: dict[str, Any], dtype: str) -> dict[str, Any]:
    # Older configs spell the key torch_dtype.
    key = "torch_dtype" if "torch_dtype" in hf else "dtype"
    text = hf.get("text_config")
    return {**hf, key: dtype, **({"text_config": {**text, key: dtype}} if text and key in text else {})}


def _carry(source: Path, out: Path) -> None:
    for pattern in CARRIED_FILES:
        for path in source.glob(pattern):
            if path.resolve().parent != out.resolve():
                shutil.copyfile(path, out / path.name)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
