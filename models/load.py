"""Loading a decoder from a Hugging Face directory, shard by shard onto the devices.

All problems of a checkpoint are found in the headers of its files and reported at once, before any weight is read.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import Mesh, Sharding, SingleDeviceSharding
from jax.typing import DTypeLike

from models.adapters import adapters, initial_value
from models.checkpoint_files import open_tensors, read_json, resolve
from models.config import ModelConfig
from models.decoder import Compute, Decoder
from models.errors import CheckpointError, ModelError
from models.lora import Lora
from models.sharding import padded, sharding
from models.weight_table import Index, Tensor, is_passed_through, tensors

_DTYPES = {"F32": jnp.float32, "BF16": jnp.bfloat16, "F16": jnp.float16}
_UNEMBEDDING = "lm_head.weight"
# Buffers that old exporters also wrote; they follow from the config.
_DERIVED = re.compile(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")


def load(
    directory_or_hub_id: str | Path,
    mesh: Mesh | None = None,
    dtype: DTypeLike | None = jnp.float32,
    lora: Lora | None = None,
    compute: Compute | None = None,
) -> Decoder:
    """Load a decoder from a directory or hub id with config.json and safetensors.

    Args:
        directory_or_hub_id: the checkpoint; a hub id is downloaded.
        mesh: the mesh that parameters are sharded over; None for one device.
        dtype: dtype of the parameters; None: as in the files.
        lora: adapters (float32) to add to the weights.
        compute: settings of the computation. Its dtype defaults to the parameters' (the embedding's if they differ).

    Raises:
        ModelError: for an unsupported config or setting, and a mesh that does not divide the model.
        CheckpointError: listing every unexpected, missing or misshapen tensor, or naming an unembedding that differs
            from the embedding in a model that ties them.
    """
    directory = resolve(directory_or_hub_id)
    config = replace(read_config(directory), lora=lora or Lora())
    if mesh is not None:
        config = padded(config, mesh)
    with open_tensors(directory) as slices:
        check_tensors(directory, config, slices)
        _check_tied(directory, config, slices)
        dtypes = {tensor.path: jnp.dtype(dtype or _dtype_of(tensor, config, slices)) for tensor in tensors(config)}
        dtype = dtypes[tensors(config)[0].path]
        decoder: Decoder = nnx.eval_shape(
            lambda: Decoder(
                config,
                rngs=nnx.Rngs(0),
                param_dtype=dtype,
                mesh=mesh,
                compute=compute,
            )
        )
        for tensor in tensors(config):
            decoder.param(tensor.path).set_value(_read(tensor, config, slices, mesh, dtypes[tensor.path]))
    for _, *pair in adapters(config):
        for tensor in pair:
            decoder.param(tensor.path).set_value(_put(initial_value(config, tensor), _sharding(tensor, mesh)))
    return decoder


def read_config(directory: Path) -> ModelConfig:
    """Read the architecture from a config.json. Raises CheckpointError or ModelError naming the directory."""
    try:
        return ModelConfig.from_hf(read_json(directory / "config.json"))
    except CheckpointError:
        raise
    except ModelError as error:
        raise ModelError(f"{directory}: {error}") from error


def check_files(directory: Path) -> None:
    """Check a directory's weight headers against its config.json, as `load` does first.

    Raises ModelError for an unsupported config and CheckpointError for tensors that do not match it.
    """
    with open_tensors(directory) as slices:
        check_tensors(directory, read_config(directory), slices)


def check_tensors(directory: Path, config: ModelConfig, slices: dict[str, Any]) -> None:
    """Raise one CheckpointError listing every tensor whose header does not match `config`."""
    expected = {name: tensor.hf_shape(config) for tensor in tensors(config) for name in tensor.hf_names(config)}
    problems = [f"missing: {name} {list(shape)}" for name, shape in expected.items() if name not in slices]
    for name, slice_ in slices.items():
        shape, dtype = tuple(slice_.get_shape()), slice_.get_dtype()
        if name not in expected:
            # Some exporters write a tied embedding twice; `load` compares the copies.
            is_copy = config.tie_embeddings and name == _UNEMBEDDING
            if not _DERIVED.fullmatch(name) and not is_copy and not is_passed_through(config, name):
                problems.append(f"unexpected: {name} {list(shape)}")
        elif shape != expected[name]:
            problems.append(f"misshapen: {name} is {list(shape)}, config.json says {list(expected[name])}")
        elif dtype not in _DTYPES:
            problems.append(f"unsupported dtype: {name} is {dtype}, expected one of {', '.join(_DTYPES)}")
    if problems:
        raise CheckpointError(
            f"the tensors in {directory} do not match its config.json ({len(problems)} problems)", problems
        )


def _dtype_of(tensor: Tensor, config: ModelConfig, slices: dict[str, Any]) -> np.dtype:
    """Return the dtype of a tensor in the files; if layers differ, one that represents all of them."""
    return jnp.dtype(jnp.result_type(*{_DTYPES[slices[name].get_dtype()] for name in tensor.hf_names(config)}))


# Rows of two matrices that are compared at a time.
_ROWS = 4096


def _check_tied(directory: Path, config: ModelConfig, slices: dict[str, Any]) -> None:
    """Raise CheckpointError if a tied model's files contain an unembedding that differs from its embedding."""
    if not config.tie_embeddings or _UNEMBEDDING not in slices:
        return
    embedding, unembedding = slices[tensors(config)[0].name], slices[_UNEMBEDDING]
    shape = tuple(unembedding.get_shape())
    same = shape == tuple(embedding.get_shape()) and all(
        np.array_equal(embedding[first:end], unembedding[first:end])
        for first, end in ((row, min(row + _ROWS, config.vocab_size)) for row in range(0, config.vocab_size, _ROWS))
    )
    if not same:
        raise CheckpointError(
            f"{directory}: config.json ties the embeddings, but {_UNEMBEDDING} {list(shape)} differs "
            f"from {tensors(config)[0].name}: set tie_word_embeddings to false, or remove the tensor"
        )


def _read(tensor: Tensor, config: ModelConfig, slices: dict[str, Any], mesh: Mesh | None, dtype: np.dtype) -> jax.Array:
    """Read a parameter, only the shards of this process's devices."""
    shape, lead = tensor.shape(config), len(tensor.stacked)
    names: Any = np.array(tensor.hf_names(config), object).reshape(shape[:lead])

    def read_shard(index: Index | None) -> np.ndarray:
        index = index or ()
        lengths = tuple(len(range(*part.indices(size))) for part, size in zip(index, shape, strict=True))
        hf_index = tensor.hf_index(config, index[lead:])
        chosen: Any = np.asarray(names[index[:lead]], object)
        shard = np.empty(lengths, dtype)
        if config.vocab_padding and tensor.outputs == ("vocab",):
            rows = range(*hf_index[0].indices(config.vocab_size))
            if rows:
                shard[: len(rows)] = slices[chosen[()]][hf_index]
            shard[len(rows) :] = 0
            return shard
        for layer in np.ndindex(*lengths[:lead]):
            shard[layer] = tensor.from_hf(slices[chosen[layer]][hf_index], lengths[lead:])
        return shard

    return jax.make_array_from_callback(shape, _sharding(tensor, mesh), read_shard)


def _sharding(tensor: Tensor, mesh: Mesh | None) -> Sharding:
    return SingleDeviceSharding(jax.devices()[0]) if mesh is None else sharding(mesh, tensor.axes)


def _put(value: np.ndarray, target: Sharding) -> jax.Array:
    return jax.make_array_from_callback(value.shape, target, lambda index: value[index])
