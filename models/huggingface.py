"""Hugging Face directory <-> decoder: safetensors in and out through the one table of `tensors`.

Reading is lazy: each device's part of each parameter is read when it is placed, so that host memory holds about one parameter, not one
model. Only safetensors are read, never pickle.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, SingleDeviceSharding
from safetensors import SafetensorError, safe_open
from safetensors.flax import save_file

from models.config import ModelConfig
from models.decoder import Decoder, Settings
from models.errors import CheckpointError, ModelError
from models.sharding import check_mesh, param_shardings
from models.tensors import Tensor, tensors

INDEX = "model.safetensors.index.json"
CARRIED = ("tokenizer*", "*.jinja", "vocab.json", "merges.txt", "special_tokens_map.json", "added_tokens.json", "generation_config.json")
"""Files that an export copies from its source."""


def resolve(model: str | Path) -> Path:
    """The local directory of a model: the path itself, or a hub id's snapshot. Raises CheckpointError if there is neither."""
    path = Path(model)
    if path.is_dir():
        return path
    if path.exists() or not re.fullmatch(r"[\w.-]+/[\w.-]+", str(model)) or str(model).startswith("."):
        raise CheckpointError(f"no model directory {str(model)!r}: give a directory with config.json, or a hub id like Qwen/Qwen3-1.7B")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(str(model), allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.txt"]))
    except Exception as error:  # the hub client's own errors are many and its messages long
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(f"{str(model)!r} is no directory here, and the hub did not give it: {reason}") from error


def read_config(directory: Path) -> ModelConfig:
    """The architecture of a model directory. Raises CheckpointError or ModelError."""
    file = directory / "config.json"
    if not file.is_file():
        raise CheckpointError(f"{directory} is no model directory: it has no config.json")
    try:
        config = json.loads(file.read_text())
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{file} is not JSON: {error}") from error
    try:
        return ModelConfig.from_hf(config)
    except ModelError as error:
        raise ModelError(f"{directory}: {error}") from error


def load(
    model: str | Path, mesh: Mesh | None = None, dtype: Any = jnp.float32, compute_dtype: Any = None, remat: str = "none"
) -> Decoder:
    """Load a directory or hub id onto a mesh, parameters as `dtype`.

    Raises ModelError or CheckpointError before anything is compiled; a wrong checkpoint gives one error that lists every tensor that
    is missing, unexpected or misshapen.
    """
    directory = resolve(model)
    config = read_config(directory)
    if mesh is not None:
        check_mesh(config, mesh)
    reader = _Reader(directory)
    reader.check(config)
    shardings: Mapping[str, Any] = param_shardings(config, mesh) if mesh is not None else {}
    here = SingleDeviceSharding(jax.local_devices()[0])
    values = {
        tensor.name: _place(reader, tensor, config, shardings.get(tensor.name, here), jnp.dtype(dtype))
        for tensor in tensors(config)
    }
    return Decoder(config, values, Settings(jnp.dtype(compute_dtype or dtype), remat, mesh))


def save(
    decoder: Decoder, directory: str | Path, source: str | Path | None = None, dtype: Any = None, max_shard_bytes: int = 4 << 30
) -> None:
    """Write weights and config.json, and copy tokenizer and template from `source`.

    Weights are written as `dtype`: by default the one that the config.json names, so that what came in as bfloat16 goes out as it.
    """
    directory, config = Path(directory), decoder.config
    directory.mkdir(parents=True, exist_ok=True)
    to_write = config.to_hf()
    named = to_write.get("dtype") or to_write.get("torch_dtype") or "float32"
    dtype = jnp.dtype(dtype or named)
    to_write["torch_dtype" if "torch_dtype" in to_write else "dtype"] = dtype.name
    shards: list[dict[str, jax.Array]] = [{}]
    size = total = 0
    for tensor in tensors(config):
        value = np.asarray(jax.device_get(getattr(decoder, tensor.name)[...])).astype(dtype)
        layers = value if tensor.stacked else [value]
        for name, one in zip(tensor.hf_names(config), layers, strict=True):
            if size and size + one.nbytes > max_shard_bytes:
                shards.append({})
                size = 0
            shards[-1][name] = np.ascontiguousarray(one)
            size += one.nbytes
            total += one.nbytes
    _write_shards(directory, shards, total)
    if source is not None:
        for pattern in CARRIED:
            for file in Path(source).glob(pattern):
                if file.resolve().parent != directory.resolve():
                    shutil.copyfile(file, directory / file.name)
    (directory / "config.json").write_text(json.dumps(to_write, indent=2) + "\n")


def _write_shards(directory: Path, shards: list[dict[str, Any]], total: int) -> None:
    if len(shards) == 1:
        save_file(shards[0], directory / "model.safetensors", metadata={"format": "pt"})
        return
    weight_map = {}
    for number, shard in enumerate(shards, start=1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, directory / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(shard, file)
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (directory / INDEX).write_text(json.dumps(index, indent=2) + "\n")


class _Reader:
    """The safetensors files of a directory, opened lazily."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        files = self._files()
        self._open: dict[str, Any] = {}
        for file in files:
            try:
                handle = safe_open(file, framework="flax")
            except (SafetensorError, OSError) as error:
                raise CheckpointError(f"{file} is not a whole safetensors file ({error}): fetch or export it again") from error
            self._open |= dict.fromkeys(handle.keys(), handle)

    def _files(self) -> list[Path]:
        index = self.directory / INDEX
        if index.is_file():
            files = sorted({self.directory / name for name in json.loads(index.read_text())["weight_map"].values()})
            if lacking := [file.name for file in files if not file.is_file()]:
                raise CheckpointError(f"{self.directory} lacks {', '.join(lacking)}, named by {INDEX}: fetch it again")
            return files
        if files := sorted(self.directory.glob("*.safetensors")):
            return files
        pickled = [*self.directory.glob("*.bin"), *self.directory.glob("*.pt"), *self.directory.glob("*.pth")]
        if pickled:
            raise CheckpointError(f"{self.directory} has only pickled weights ({pickled[0].name}), which are not read: convert to safetensors")
        raise CheckpointError(f"{self.directory} has no safetensors file")

    def check(self, config: ModelConfig) -> None:
        """Raise CheckpointError listing every tensor that is missing, unexpected or misshapen."""
        wanted = {name: t.hf_shape(config) for t in tensors(config) for name in t.hf_names(config)}
        # Some tied checkpoints hold the output matrix a second time, and old ones a buffer of frequencies.
        spare = {"lm_head.weight"} if config.tie_embeddings else set()
        spare |= {name for name in self._open if name.endswith("rotary_emb.inv_freq")}
        found = {name: tuple(handle.get_slice(name).get_shape()) for name, handle in self._open.items() if name not in spare}
        problems = [f"missing {name}" for name in wanted if name not in found]
        problems += [f"unexpected {name}" for name in found if name not in wanted]
        problems += [
            f"{name} has shape {found[name]}, not {shape}" for name, shape in wanted.items() if found.get(name, shape) != shape
        ]
        if problems:
            shown = "; ".join(problems[:12]) + (f"; and {len(problems) - 12} more" if len(problems) > 12 else "")
            raise CheckpointError(f"{self.directory} does not hold the model that its config.json describes: {shown}")

    def read(self, name: str, index: tuple[slice, ...]) -> np.ndarray:
        """A part of a tensor."""
        return np.asarray(self._open[name].get_slice(name)[index])


def _place(reader: _Reader, tensor: Tensor, config: ModelConfig, sharding: NamedSharding | SingleDeviceSharding, dtype: Any) -> jax.Array:
    """Put a parameter on its devices, each one's part read for itself."""
    names = tensor.hf_names(config)

    def part(index: tuple[slice, ...]) -> np.ndarray:
        if not tensor.stacked:
            return reader.read(names[0], index).astype(dtype)
        return np.stack([reader.read(name, index[1:]) for name in names[index[0]]]).astype(dtype)

    return jax.make_array_from_callback(tensor.shape(config), sharding, part)
