"""The table of tensors: parameter <-> Hugging Face name, shape, transform, axes; read by load, save and sharding.

Hugging Face keeps a projection as [outputs, inputs] with heads and head width flattened; here it is [inputs, outputs]
with heads apart, and all layers of one kind are stacked. A row says which logical axes are outputs and which inputs;
the rest follows.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.config import ModelConfig

Index = tuple[slice, ...]


@dataclass(frozen=True)
class Tensor:
    """One parameter of the decoder and its counterpart, or one counterpart per layer, in a checkpoint."""

    path: tuple[str, ...]
    """Where the decoder keeps it."""
    name: str
    """Name in the checkpoint; {layer} stands for the layer's number."""
    outputs: tuple[str, ...]
    """Logical axes that the checkpoint flattens into its first axis."""
    inputs: tuple[str, ...] = ()
    """Logical axes that the checkpoint flattens into its second axis."""
    transposed: bool = True
    """The decoder keeps inputs before outputs; if not, the checkpoint's order."""
    init: Literal["normal", "ones", "zeros"] = "normal"
    """How a new model fills it."""

    @property
    def is_stacked(self) -> bool:
        """True if the parameter holds all layers."""
        return "{layer}" in self.name

    @property
    def axes(self) -> tuple[str, ...]:
        """Logical axes of the parameter."""
        own = self.inputs + self.outputs if self.transposed else self.outputs + self.inputs
        return ("layers", *own) if self.is_stacked else own

    def shape(self, config: ModelConfig) -> tuple[int, ...]:
        """Shape of the parameter."""
        size = sizes(config)
        return tuple(size[axis] for axis in self.axes)

    def hf_shape(self, config: ModelConfig) -> tuple[int, ...]:
        """Shape of the tensor in a checkpoint."""
        size = sizes(config)
        return tuple(math.prod(size[axis] for axis in group) for group in (self.outputs, self.inputs) if group)

    def hf_names(self, config: ModelConfig) -> list[str]:
        """Names in a checkpoint: one, or one per layer."""
        return [self.name.format(layer=layer) for layer in range(config.num_layers)] if self.is_stacked else [self.name]

    def hf_index(self, config: ModelConfig, index: Index) -> Index:
        """The part of the checkpoint's tensor that holds the parameter's part `index` (no layer axis in it)."""
        size = sizes(config)
        own = self.axes[1:] if self.is_stacked else self.axes
        part = dict(zip(own, index, strict=True))
        return tuple(
            _flat_slice([part[axis] for axis in group], [size[axis] for axis in group])
            for group in (self.outputs, self.inputs)
            if group
        )

    def from_hf(self, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """A part of the checkpoint's tensor -> the parameter's part of one layer, of the given shape."""
        return (value.T if self.transposed else value).reshape(shape)

    def to_hf(self, config: ModelConfig, value: np.ndarray) -> np.ndarray:
        """One whole layer of the parameter -> the checkpoint's tensor."""
        shape = self.hf_shape(config)
        return value.reshape(shape[::-1]).T if self.transposed else value.reshape(shape)


def sizes(config: ModelConfig) -> dict[str, int]:
    """Length of every logical axis of the parameters."""
    return {
        "layers": config.num_layers,
        "vocab": config.vocab_size,
        "embed": config.hidden_size,
        "heads": config.num_heads,
        "kv_heads": config.num_kv_heads,
        "head": config.head_dim,
        "mlp": config.mlp_size,
    }


def tensors(config: ModelConfig) -> tuple[Tensor, ...]:
    """All tensors of a model, in the order in which they are written."""
    query, kv, width = ("heads", "head"), ("kv_heads", "head"), ("embed",)
    rows = [
        Tensor(("embedding_VD",), "model.embed_tokens.weight", ("vocab",), width, transposed=False),
        _layer("attention_norm", "input_layernorm.weight", width, init="ones"),
        _layer("query", "self_attn.q_proj.weight", query, width),
        _layer("key", "self_attn.k_proj.weight", kv, width),
        _layer("value", "self_attn.v_proj.weight", kv, width),
        _layer("output", "self_attn.o_proj.weight", width, query),
        _layer("mlp_norm", "post_attention_layernorm.weight", width, init="ones"),
        _layer("gate", "mlp.gate_proj.weight", ("mlp",), width),
        _layer("up", "mlp.up_proj.weight", ("mlp",), width),
        _layer("down", "mlp.down_proj.weight", width, ("mlp",)),
        Tensor(("final_norm_D",), "model.norm.weight", width, init="ones"),
    ]
    if config.qk_norm:
        rows.append(_layer("query_norm", "self_attn.q_norm.weight", ("head",), init="ones"))
        rows.append(_layer("key_norm", "self_attn.k_norm.weight", ("head",), init="ones"))
    if config.qkv_bias:
        rows.append(_layer("query_bias", "self_attn.q_proj.bias", query, init="zeros"))
        rows.append(_layer("key_bias", "self_attn.k_proj.bias", kv, init="zeros"))
        rows.append(_layer("value_bias", "self_attn.v_proj.bias", kv, init="zeros"))
    if not config.tie_embeddings:
        rows.append(Tensor(("unembedding_VD",), "lm_head.weight", ("vocab",), width, transposed=False))
    return tuple(rows)


def _layer(
    path: str,
    name: str,
    outputs: tuple[str, ...],
    inputs: tuple[str, ...] = (),
    init: Literal["normal", "ones", "zeros"] = "normal",
) -> Tensor:
    return Tensor(("layers", path), "model.layers.{layer}." + name, outputs, inputs, transposed=bool(inputs), init=init)


def _flat_slice(parts: list[slice], lengths: list[int]) -> slice:
    """The slice of flattened axes; only the first of them may be cut."""
    rest = math.prod(lengths[1:])
    start, stop, _ = parts[0].indices(lengths[0])
    return slice(start * rest, stop * rest)
