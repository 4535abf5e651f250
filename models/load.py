"""Hugging Face directory -> Decoder: safetensors are read lazily, and placed part by part on the devices.

Everything that is wrong with a checkpoint is found from the files' headers and reported at once, before any weight is
read.
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

from models.adapters import adapters, fresh
from models.checkpoint_files import open_tensors, read_json, resolve
from models.config import ModelConfig
from models.decoder import Decoder
from models.errors import CheckpointError, ModelError
from models.lora import Lora
from models.sharding import padded, sharding
from models.weight_table import Index, Tensor, carried, tensors

_DTYPES = {"F32": jnp.float32, "BF16": jnp.bfloat16, "F16": jnp.float16}
_UNEMBEDDING = "lm_head.weight"
# Buffers that old exporters wrote along; they follow from the config.
_DERIVED = re.compile(r"model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq")


def load(
    directory_or_hub_id: str | Path,
    mesh: Mesh | None = None,
    dtype: DTypeLike | None = jnp.float32,
    compute_dtype: DTypeLike | None = None,
    remat: str = "none",
    lora: Lora | None = None,
    attention: str = "auto",
) -> Decoder:
    """Read config.json and safetensors into a decoder.

    `dtype` is what parameters are kept in (None: each as in the file), `compute_dtype` what the forward pass computes
    in (None: the same, the embedding's where they differ), `mesh` where they are placed, `lora` which adapters
    (float32) are put beside the weights, and `attention` is as for `Decoder`. Raises ModelError for a config that is
    not supported or a mesh that does not divide it, and CheckpointError, listing every unknown, missing or misshapen
    tensor, or naming an unembedding that a tied model should not have.
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
                compute_dtype=compute_dtype or dtype,
                remat=remat,
                mesh=mesh,
                attention=attention,
            )
        )
        for tensor in tensors(config):
            decoder.param(tensor.path).set_value(_place(tensor, config, slices, mesh, dtypes[tensor.path]))
    for _, *pair in adapters(config):
        for tensor in pair:
            decoder.param(tensor.path).set_value(_put(fresh(config, tensor), _where(tensor, mesh)))
    return decoder


def read_config(directory: Path) -> ModelConfig:
    """The architecture that a config.json describes. Raises CheckpointError or ModelError naming the directory."""
    try:
        return ModelConfig.from_hf(read_json(directory / "config.json"))
    except CheckpointError:
        raise
    except ModelError as error:
        raise ModelError(f"{directory}: {error}") from error


def check_files(directory: Path) -> None:
    """Check a directory's config.json and the headers of its weights against each other, as `load` does first."""
    with open_tensors(directory) as slices:
        check_tensors(directory, read_config(directory), slices)


def check_tensors(directory: Path, config: ModelConfig, slices: dict[str, Any]) -> None:
    """Raise one CheckpointError listing everything in which the files' headers differ from what `config` promises."""
    expected = {name: tensor.hf_shape(config) for tensor in tensors(config) for name in tensor.hf_names(config)}
    problems = [f"missing: {name} {list(shape)}" for name, shape in expected.items() if name not in slices]
    for name, slice_ in slices.items():
        shape, dtype = tuple(slice_.get_shape()), slice_.get_dtype()
        if name not in expected:
            # A tied model's exporter may have written the embedding twice; `load` compares them.
            is_copy = config.tie_embeddings and name == _UNEMBEDDING
            if not _DERIVED.fullmatch(name) and not is_copy and not carried(config, name):
                problems.append(f"unexpected: {name} {list(shape)}")
        elif shape != expected[name]:
            problems.append(f"misshapen: {name} is {list(shape)}, config.json says {list(expected[name])}")
        elif dtype not in _DTYPES:
            problems.append(f"unsupported dtype: {name} is {dtype}, expected one of {', '.join(_DTYPES)}")
    if problems:
        raise CheckpointError(
            f"the tensors in {directory} do not fit its config.json ({len(problems)} problems)", problems
        )


def _dtype_of(tensor: Tensor, config: ModelConfig, slices: dict[str, Any]) -> np.dtype:
    """The type in which a file keeps a tensor; of layers that differ, one that holds both."""
    return jnp.dtype(jnp.result_type(*{_DTYPES[slices[name].get_dtype()] for name in tensor.hf_names(config)}))


# Rows of two matrices that are on the host at once while they are compared.
_ROWS = 4096


def _check_tied(directory: Path, config: ModelConfig, slices: dict[str, Any]) -> None:
    """Raise CheckpointError if a tied model's file has an unembedding that is not its embedding: which one is meant?"""
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
            f"{directory}: config.json ties the embeddings, but {_UNEMBEDDING} {list(shape)} is not "
            f"{tensors(config)[0].name}: set tie_word_embeddings to false, or take the tensor out"
        )


def _place(
    tensor: Tensor, config: ModelConfig, slices: dict[str, Any], mesh: Mesh | None, dtype: np.dtype
) -> jax.Array:
    """Build a parameter out of the parts that this process's devices hold."""
    shape, lead = tensor.shape(config), len(tensor.stacked)
    names: Any = np.array(tensor.hf_names(config), object).reshape(shape[:lead])

    def read(index: Index | None) -> np.ndarray:
        index = index or ()
        lengths = tuple(len(range(*cut.indices(size))) for cut, size in zip(index, shape, strict=True))
        hf_index = tensor.hf_index(config, index[lead:])
        chosen: Any = np.asarray(names[index[:lead]], object)
        part = np.empty(lengths, dtype)
        if config.vocab_padding and tensor.outputs == ("vocab",):
            rows = range(*hf_index[0].indices(config.vocab_size))
            if rows:
                part[: len(rows)] = slices[chosen[()]][hf_index]
            part[len(rows) :] = 0
            return part
        for where in np.ndindex(*lengths[:lead]):
            part[where] = tensor.from_hf(slices[chosen[where]][hf_index], lengths[lead:])
        return part

    return jax.make_array_from_callback(shape, _where(tensor, mesh), read)


def _where(tensor: Tensor, mesh: Mesh | None) -> Sharding:
    return SingleDeviceSharding(jax.devices()[0]) if mesh is None else sharding(mesh, tensor.axes)


def _put(value: np.ndarray, where: Sharding) -> jax.Array:
    return jax.make_array_from_callback(value.shape, where, lambda index: value[index])
