"""The adapters of a model: their table, how they start, are merged, and go to and from PEFT's format.

A row of the table is derived from the row of the weight that it stands beside, so that sharding, stacking and the
flattening of heads follow from `tensors.py`. PEFT's format is a directory with adapter_config.json and
adapter_model.safetensors, whose tensors are called base_model.model.MODULE.lora_A.weight [rank, inputs] and
.lora_B.weight [outputs, rank].
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
from models.lora import ALL, Lora, names
from models.weight_table import Tensor, tensors

ADAPTER_CONFIG, ADAPTER_FILE = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
# What an adapter_config.json may say where it computes what is computed here.
_USUAL = {"peft_type": "LORA", "bias": "none", "fan_in_fan_out": False, "use_rslora": False, "use_dora": False}
_NOT_COMPUTED = (
    *("modules_to_save", "rank_pattern", "alpha_pattern", "exclude_modules", "layers_to_transform"),
    *("layer_replication", "trainable_token_indices", "target_parameters", "lora_bias", "use_qalora"),
    *("use_bdlora", "arrow_config", "alora_invocation_tokens", "kasa_config", "monteclora_config"),
)
_STARTS = (True, False, None, "gaussian", "eva", "orthogonal")


class Adapter(nnx.Param):
    """A parameter of an adapter: what is trained where there are adapters."""


def target_of(tensor: Tensor) -> str | None:
    """What a projection is called in `Lora.targets`; None for what can have no adapter.

    Experts and their router have none: transformers keeps a layer's experts as one tensor, so PEFT's format has no
    place for an adapter of one expert.
    """
    *_, module, kind = tensor.name.split(".")
    is_linear = bool(tensor.stacked and tensor.outputs and tensor.inputs) and kind == "weight" and not tensor.unit_axis
    return module if is_linear and "experts" not in tensor.axes else None


def adapters(config: ModelConfig) -> tuple[tuple[Tensor, Tensor, Tensor], ...]:
    """(weight, A, B) of every weight with an adapter; none at rank 0.

    Raises ModelError for targets that the model does not have.
    """
    lora = config.lora
    if not lora.rank:
        return ()
    known = {target: tensor for tensor in tensors(config) if (target := target_of(tensor))}
    if strange := [target for target in lora.targets if target not in known and target != ALL]:
        raise ModelError(
            f"lora targets {', '.join(strange)}: this model has no such projection; there are {', '.join(known)}"
        )
    chosen = known if ALL in lora.targets else {name: known[name] for name in known if name in lora.targets}
    return tuple((tensor, *_beside(tensor)) for tensor in chosen.values())


def parameters(config: ModelConfig) -> tuple[Tensor, ...]:
    """Every parameter of the decoder: what a checkpoint holds, and adapters."""
    return (*tensors(config), *(part for _, *pair in adapters(config) for part in pair))


def adapter_count(config: ModelConfig) -> int:
    """Parameters of all adapters."""
    return sum(math.prod(part.shape(config)) for _, *pair in adapters(config) for part in pair)


def split(params: nnx.State) -> tuple[nnx.State, nnx.State | None]:
    """What is trained and what is frozen: adapters and the rest, or where there are none, everything and None."""
    if not any(issubclass(leaf.type, Adapter) for _, leaf in nnx.to_flat_state(params)):
        return params, None
    trained, frozen = nnx.split_state(params, Adapter, ...)
    return trained, frozen


def join(trained: nnx.State, frozen: nnx.State | None) -> nnx.State:
    """The way back from `split`."""
    return trained if frozen is None else nnx.merge_state(trained, frozen)


def fresh(config: ModelConfig, tensor: Tensor, seed: int = 0) -> np.ndarray:
    """The first values of a parameter of an adapter, float32: A uniform as in PEFT (up to inputs^-1/2), B zero."""
    shape = tensor.shape(config)
    if tensor.init == "zeros":
        return np.zeros(shape, np.float32)
    limit = 1 / math.sqrt(tensor.hf_shape(config)[1])
    rng = np.random.default_rng([seed, *tensor.path[-1].encode()])
    return rng.uniform(-limit, limit, shape).astype(np.float32)


def layer_of(decoder: Any, tensor: Tensor, place: tuple[int, ...]) -> jax.Array:
    """One layer's (and expert's) weight, its adapter added in float32; `place` is empty for what is not stacked."""
    param = decoder.param(tensor.path)[...]
    weight = param[place] if place else param
    for base, a, b in adapters(decoder.config):
        if base.path == tensor.path:
            low, high = (decoder.param(part.path)[...][place].astype(jnp.float32) for part in (a, b))
            more = decoder.config.lora.scale * jnp.tensordot(low, high, axes=1)
            weight = (weight.astype(jnp.float32) + more).astype(weight.dtype)
    return weight


def merge(decoder: Any) -> Any:
    """The same model without adapters: each is added to its weight."""
    config = replace(decoder.config, lora=Lora())
    kind, dtype = type(decoder), decoder.embedding_VD[...].dtype

    def empty() -> Any:
        settings = {name: getattr(decoder, name) for name in ("compute_dtype", "remat", "mesh", "attention")}
        return kind(config, rngs=nnx.Rngs(0), param_dtype=dtype, **settings)

    merged = nnx.eval_shape(empty)
    with_adapter = {base.path: (a, b) for base, a, b in adapters(decoder.config)}
    for tensor in tensors(config):
        value = decoder.param(tensor.path)[...]
        if tensor.path in with_adapter:
            pair = [decoder.param(part.path)[...] for part in with_adapter[tensor.path]]
            value = _added(value, *pair, decoder.config.lora.scale)
        merged.param(tensor.path).set_value(value)
    return merged


@jax.jit
def _added(weight: jax.Array, a: jax.Array, b: jax.Array, scale: float) -> jax.Array:
    more = jax.vmap(lambda a, b: jnp.tensordot(a.astype(jnp.float32), b.astype(jnp.float32), axes=1))(a, b)
    return (weight.astype(jnp.float32) + scale * more).astype(weight.dtype)


def save_adapter(decoder: Any, directory: str | Path, base: str = "") -> Path:
    """Write only the adapters, as PEFT reads them; `base` is where PEFT finds the model they belong to. Returns it.

    Raises ModelError for a model without adapters.
    """
    config, out = decoder.config, Path(directory)
    if not config.lora.rank:
        raise ModelError("this model has no adapters (its lora rank is 0): save the whole model")
    out.mkdir(parents=True, exist_ok=True)
    values = {}
    for name, tensor, place in _entries(config):
        host = np.asarray(jax.device_get(decoder.param(tensor.path)[...][place]))
        values[name] = np.ascontiguousarray(tensor.to_hf(config, host))
    described = {
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
    (out / ADAPTER_CONFIG).write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    save_file(values, out / ADAPTER_FILE, metadata={"format": "pt"})
    shutil.copymode(out / ADAPTER_CONFIG, out / ADAPTER_FILE)
    return out


def read_lora(directory: str | Path) -> Lora:
    """The settings of a saved adapter.

    Raises CheckpointError for kinds of adapters that are not computed here, and for settings that are no settings.
    """
    found = read_json(Path(directory) / ADAPTER_CONFIG)
    problems = [
        f"{key} is {found[key]!r}, expected {wanted!r}"
        for key, wanted in _USUAL.items()
        if key in found and (found[key] or wanted) != wanted
    ]
    problems += [f"{key} is {found[key]!r}, which is not computed here" for key in _NOT_COMPUTED if found.get(key)]
    if found.get("init_lora_weights", True) not in _STARTS:
        problems.append(f"init_lora_weights is {found['init_lora_weights']!r}, which changes the weights beside it")
    rank, alpha, targets = found.get("r"), found.get("lora_alpha"), found.get("target_modules")
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        problems.append(f"r is {rank!r}, expected a positive whole number")
    if isinstance(alpha, bool) or not isinstance(alpha, int | float) or not 0 < alpha < math.inf:
        problems.append(f"lora_alpha is {alpha!r}, expected a number above 0")
    if not isinstance(targets, list) or not targets or not all(isinstance(target, str) for target in targets):
        problems.append(f"target_modules is {targets!r}, expected a list of projections")
    if problems:
        raise CheckpointError(f"{directory} holds adapters of another kind", problems)
    return Lora(rank=found["r"], alpha=float(found["lora_alpha"]), targets=tuple(found["target_modules"]))


def load_adapter(decoder: Any, directory: str | Path) -> None:
    """Put a saved adapter's values into a decoder that was loaded with `read_lora(directory)`.

    Raises one CheckpointError that lists every missing, unexpected and misshapen tensor.
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
    for name, tensor, place in _entries(config):
        part = whole[tensor.path]
        part[place] = tensor.from_hf(values[name].astype(np.float32), part.shape[1:])
    for path, value in whole.items():
        old = decoder.param(path)[...]
        decoder.param(path).set_value(jax.device_put(value.astype(old.dtype), old.sharding))


def _beside(weight: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of a weight's A and B."""
    module = weight.name.removesuffix(".weight")
    first, second = (("layers", name) for name in names(weight.path[-1]))
    a = replace(weight, path=first, name=f"{module}.lora_A.weight", outputs=("rank",), init="normal")
    b = replace(weight, path=second, name=f"{module}.lora_B.weight", inputs=("rank",), init="zeros")
    return a, b


def _entries(config: ModelConfig) -> Iterator[tuple[str, Tensor, tuple[int, ...]]]:
    """(name in PEFT's file, row, place among the stacked layers) of every tensor of the adapters."""
    for _, *pair in adapters(config):
        for tensor in pair:
            for place, name in enumerate(tensor.hf_names(config)):
                yield _PREFIX + name, tensor, (place,)
