"""A model's adapters: their table, initial values, merging, and conversion to and from PEFT's format.

Each row of the table is derived from the weight that it adapts, so that sharding, stacking and the flattening of heads
follow from `weight_table.py`. PEFT's format is a directory with adapter_config.json and adapter_model.safetensors,
whose tensors are named base_model.model.MODULE.lora_A.weight [rank, inputs] and .lora_B.weight [outputs, rank].
"""

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from models.checkpoint_files import read_json
from models.config import ModelConfig
from models.errors import CheckpointError, ModelError
from models.lora import ALL, Lora, adapter_names
from models.weight_table import Tensor, tensors

ADAPTER_CONFIG, ADAPTER_FILE = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
# Supported values of an adapter_config.json, and settings that change the computation if they are set.
_SUPPORTED = {"peft_type": "LORA", "bias": "none", "fan_in_fan_out": False, "use_rslora": False, "use_dora": False}
_UNSUPPORTED = (
    *("modules_to_save", "rank_pattern", "alpha_pattern", "exclude_modules", "layers_to_transform"),
    *("layer_replication", "trainable_token_indices", "target_parameters", "lora_bias", "use_qalora"),
    *("use_bdlora", "arrow_config", "alora_invocation_tokens", "kasa_config", "monteclora_config"),
)
_PLAIN_INITS = (True, False, None, "gaussian", "eva", "orthogonal")


class Adapter(nnx.Param):
    """A parameter of an adapter; in a model with adapters only these are trained."""


def target_of(tensor: Tensor) -> str | None:
    """Return a projection's name in `Lora.targets`; None for tensors that cannot have an adapter.

    Experts and their router have none: transformers stores a layer's experts as one tensor, so PEFT's format cannot
    express an adapter of one expert.
    """
    *_, module, kind = tensor.name.split(".")
    is_linear = bool(tensor.stacked and tensor.outputs and tensor.inputs) and kind == "weight" and not tensor.unit_axis
    return module if is_linear and "experts" not in tensor.axes else None


def adapters(config: ModelConfig) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
    """Return (weight, A, B) for every weight with an adapter; none at rank 0.

    Raises ModelError for targets that the model does not have.
    """
    lora = config.lora
    if not lora.rank:
        return ()
    known = {target: tensor for tensor in tensors(config) if (target := target_of(tensor))}
    if unknown := [target for target in lora.targets if target not in known and target != ALL]:
        raise ModelError(
            f"lora targets {', '.join(unknown)}: this model has no such projection; there are {', '.join(known)}"
        )
    chosen = known if ALL in lora.targets else {name: known[name] for name in known if name in lora.targets}
    return tuple((tensor, *_adapter_rows(tensor)) for tensor in chosen.values())


def parameters(config: ModelConfig) -> tuple[Tensor, ...]:
    """Return every parameter of the decoder: the tensors of a checkpoint, and adapters."""
    return (*tensors(config), *(part for _, *pair in adapters(config) for part in pair))


def adapter_count(config: ModelConfig) -> int:
    """Count the parameters of all adapters."""
    return sum(math.prod(part.shape(config)) for _, *pair in adapters(config) for part in pair)


def split(params: nnx.State) -> tuple[nnx.State, nnx.State | None]:
    """Split into trained and frozen parameters: adapters and the rest; without adapters, everything and None."""
    if not any(issubclass(leaf.type, Adapter) for _, leaf in nnx.to_flat_state(params)):
        return params, None
    trained, frozen = nnx.split_state(params, Adapter, ...)
    return trained, frozen


def join(trained: nnx.State, frozen: nnx.State | None) -> nnx.State:
    """Undo `split`."""
    return trained if frozen is None else nnx.merge_state(trained, frozen)


def initial_value(config: ModelConfig, tensor: Tensor, seed: int = 0) -> np.ndarray:
    """Return an adapter parameter's initial float32 values: A uniform within inputs^-1/2 as in PEFT, B zero."""
    shape = tensor.shape(config)
    if tensor.init == "zeros":
        return np.zeros(shape, np.float32)
    limit = 1 / math.sqrt(tensor.hf_shape(config)[1])
    rng = np.random.default_rng([seed, *tensor.path[-1].encode()])
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def layer_weight(decoder: Any, tensor: Tensor, index: tuple[int, ...]) -> jax.Array:
    """Return one layer's (and expert's) weight with its adapter added in float32; `index` is empty if not stacked."""
    param = decoder.param(tensor.path)[...]
    weight = param[index] if index else param
    for base, a, b in adapters(decoder.config):
        if base.path == tensor.path:
            low, high = (decoder.param(part.path)[...][index].astype(jnp.float32) for part in (a, b))
            delta = decoder.config.lora.scale * jnp.tensordot(low, high, axes=1)
            weight = (weight.astype(jnp.float32) + delta).astype(weight.dtype)
    return weight


def merge(decoder: Any) -> Any:
    """Return the same model without adapters, each added to its weight."""
    config = replace(decoder.config, lora=Lora())
    kind, dtype = type(decoder), decoder.embedding_VD[...].dtype

    def empty() -> Any:
        return kind(config, rngs=nnx.Rngs(0), param_dtype=dtype, mesh=decoder.mesh, compute=decoder.compute)

    merged = nnx.eval_shape(empty)
    with_adapter = {base.path: (a, b) for base, a, b in adapters(decoder.config)}
    for tensor in tensors(config):
        value = decoder.param(tensor.path)[...]
        if tensor.path in with_adapter:
            a, b = (decoder.param(part.path)[...] for part in with_adapter[tensor.path])
            value = _add(value, a, b, decoder.config.lora.scale)
        merged.param(tensor.path).set_value(value)
    return merged


@jax.jit
def _add(weight: jax.Array, a: jax.Array, b: jax.Array, scale: float) -> jax.Array:
    delta = jax.vmap(lambda a, b: jnp.tensordot(a.astype(jnp.float32), b.astype(jnp.float32), axes=1))(a, b)
    return (weight.astype(jnp.float32) + scale * delta).astype(weight.dtype)


def save_adapter(decoder: Any, directory: str | Path, base: str = "") -> Path:
    """Write only the adapters, in PEFT's format, and return the directory; `base` names their base model for PEFT.

    Raises ModelError for a model without adapters.
    """
    config, out = decoder.config, Path(directory)
    if not config.lora.rank:
        raise ModelError("this model has no adapters (its lora rank is 0): use models.save")
    out.mkdir(parents=True, exist_ok=True)
    values = {}
    for name, tensor, index in _entries(config):
        host = np.asarray(jax.device_get(decoder.param(tensor.path)[...][index]))
        values[name] = np.ascontiguousarray(tensor.to_hf(config, host))
    settings = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": config.lora.rank,
        "lora_alpha": config.lora.alpha,
        "lora_dropout": 0.0,
        "target_modules": sorted({str(target_of(weight)) for weight, _, _ in adapters(config)}),
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "use_rslora": False,
        "use_dora": False,
    }
    (out / ADAPTER_CONFIG).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    save_file(values, out / ADAPTER_FILE, metadata={"format": "pt"})
    shutil.copymode(out / ADAPTER_CONFIG, out / ADAPTER_FILE)
    return out


def read_lora(directory: str | Path) -> Lora:
    """Read the settings of a saved adapter.

    Raises CheckpointError for unsupported kinds of adapters and for invalid settings.
    """
    settings = read_json(Path(directory) / ADAPTER_CONFIG)
    problems = [
        f"{key} is {settings[key]!r}, expected {wanted!r}"
        for key, wanted in _SUPPORTED.items()
        if key in settings and (settings[key] or wanted) != wanted
    ]
    problems += [f"{key} is {settings[key]!r}, which is not supported" for key in _UNSUPPORTED if settings.get(key)]
    if settings.get("init_lora_weights", True) not in _PLAIN_INITS:
        problems.append(f"init_lora_weights is {settings['init_lora_weights']!r}, which changes the base weights")
    rank, alpha, targets = settings.get("r"), settings.get("lora_alpha"), settings.get("target_modules")
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        problems.append(f"r is {rank!r}, expected a positive integer")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < math.inf:
        problems.append(f"lora_alpha is {alpha!r}, expected a number above 0")
    if not isinstance(targets, list) or not targets or not all(isinstance(target, str) for target in targets):
        problems.append(f"target_modules is {targets!r}, expected a list of projections")
    if problems:
        raise CheckpointError(f"the adapters in {directory} are not supported", problems)
    return Lora(rank=settings["r"], alpha=float(settings["lora_alpha"]), targets=tuple(settings["target_modules"]))


def load_adapter(decoder: Any, directory: str | Path) -> None:
    """Load a saved adapter's values into a decoder that was loaded with `lora=read_lora(directory)`.

    Raises one CheckpointError listing every missing, unexpected and misshapen tensor.
    """
    config, file = decoder.config, Path(directory) / ADAPTER_FILE
    try:
        values = load_file(file)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}") from error
    expected = {name: tensor.hf_shape(config) for name, tensor, _ in _entries(config)}
    problems = [f"missing: {name} {list(shape)}" for name, shape in expected.items() if name not in values]
    for name, value in values.items():
        if name not in expected:
            problems.append(f"unexpected: {name} {list(value.shape)}")
        elif value.shape != expected[name]:
            problems.append(f"misshapen: {name} is {list(value.shape)}, expected {list(expected[name])}")
    if problems:
        raise CheckpointError(f"the tensors in {directory} do not fit the model's adapters", problems)
    whole = {tensor.path: np.empty(tensor.shape(config), np.float32) for _, tensor, _ in _entries(config)}
    for name, tensor, index in _entries(config):
        part = whole[tensor.path]
        part[index] = tensor.from_hf(values[name].astype(np.float32), part.shape[1:])
    for path, value in whole.items():
        old = decoder.param(path)[...]
        decoder.param(path).set_value(jax.device_put(value.astype(old.dtype), old.sharding))


def _adapter_rows(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rows of a weight's A and B."""
    module = weight.name.removesuffix(".weight")
    first, second = (("layers", name) for name in adapter_names(weight.path[-1]))
    a = replace(weight, path=first, name=f"{module}.lora_A.weight", outputs=("rank",), init="normal")
    b = replace(weight, path=second, name=f"{module}.lora_B.weight", inputs=("rank",), init="zeros")
    return a, b


def _entries(config: ModelConfig) -> Iterator[tuple[str, Tensor, tuple[int, ...]]]:
    """Yield (name in PEFT's file, row, index among the stacked layers) for every tensor of the adapters."""
    for _, *pair in adapters(config):
        for tensor in pair:
            for index, name in enumerate(tensor.hf_names(config)):
                yield _PREFIX + name, tensor, (index,)
