"""The weight table: each parameter's Hugging Face name, shape, transform and logical axes.

Loading, saving and sharding all read it. Hugging Face stores a projection as [outputs, inputs] with heads and head
width flattened; here it is [inputs, outputs] with a separate axis of heads, and all layers of one kind, and all experts
of a layer, are stacked. A row names the logical axes that are outputs and inputs; the rest follows.
"""

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from models.config import ModelConfig

Index = tuple[slice, ...]
Init = Literal["normal", "ones", "zeros", "decays"]
Layers = Literal["layers", "full_layers", "linear_layers"]


@dataclass(frozen=True)
class Tensor:
    """One parameter of the decoder and its tensor, or one tensor per layer and expert, in a checkpoint."""

    path: tuple[str, ...]
    """Path of the parameter in the decoder."""
    name: str
    """Name in the checkpoint; {layer} and {expert} stand for numbers."""
    outputs: tuple[str, ...]
    """Logical axes that the checkpoint flattens into its first axis."""
    inputs: tuple[str, ...] = ()
    """Logical axes that the checkpoint flattens into its second axis."""
    transposed: bool = True
    """The decoder stores inputs before outputs; if false, in the checkpoint's order."""
    init: Init = "normal"
    """Initialisation of a new model."""
    layers: Layers = "layers"
    """The layers that have this parameter."""
    unit_axis: bool = False
    """The checkpoint has an axis of length 1 between outputs and inputs (a convolution by channel)."""

    @property
    def stacked(self) -> tuple[str, ...]:
        """The axes that the checkpoint stores as separate tensors: layers, experts, or none."""
        experts = ("experts",) if "{expert}" in self.name else ()
        return (self.layers, *experts) if "{layer}" in self.name else ()

    @property
    def is_stacked(self) -> bool:
        """True if the parameter holds several layers."""
        return bool(self.stacked)

    @property
    def axes(self) -> tuple[str, ...]:
        """Logical axes of the parameter."""
        per_layer = self.inputs + self.outputs if self.transposed else self.outputs + self.inputs
        return self.stacked + per_layer

    def shape(self, config: ModelConfig) -> tuple[int, ...]:
        """Return the shape of the parameter."""
        size = sizes(config)
        return tuple(size[axis] for axis in self.axes)

    def hf_shape(self, config: ModelConfig) -> tuple[int, ...]:
        """Return the shape of the tensor in a checkpoint."""
        size = sizes(config) | {"vocab": config.vocab_size}
        shape = tuple(math.prod(size[axis] for axis in group) for group in (self.outputs, self.inputs) if group)
        return (shape[0], 1, *shape[1:]) if self.unit_axis else shape

    def layer_numbers(self, config: ModelConfig) -> list[int]:
        """Return the layers that have this parameter, in the order in which they are stacked."""
        kinds = {"layers": (True, False), "full_layers": (True,), "linear_layers": (False,)}[self.layers]
        return [layer for layer in range(config.num_layers) if config.is_full(layer) in kinds]

    def hf_names(self, config: ModelConfig) -> list[str]:
        """Return the names in a checkpoint: one, or one per layer and expert in the order of the stacked axes."""
        if not self.is_stacked:
            return [self.name]
        experts = range(config.num_experts) if "experts" in self.stacked else [0]
        layers = self.layer_numbers(config)
        return [self.name.format(layer=layer, expert=expert) for layer in layers for expert in experts]

    def hf_index(self, config: ModelConfig, index: Index) -> Index:
        """Convert an index of the parameter, without stacked axes, to the index of the checkpoint's tensor.

        An index that reaches into the vocabulary's padding is clipped to the real rows.
        """
        size = sizes(config) | {"vocab": config.vocab_size}
        part = dict(zip(self.axes[len(self.stacked) :], index, strict=True))
        cut = tuple(
            _flat_slice([part[axis] for axis in group], [size[axis] for axis in group])
            for group in (self.outputs, self.inputs)
            if group
        )
        return (cut[0], slice(None), *cut[1:]) if self.unit_axis else cut

    def from_hf(self, value: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Convert a part of the checkpoint's tensor to that part, of the given shape, of one layer and expert."""
        return (value.T if self.transposed else value).reshape(shape)

    def to_hf(self, config: ModelConfig, value: np.ndarray) -> np.ndarray:
        """Convert one layer (and expert) of the parameter to the checkpoint's tensor, without vocabulary padding."""
        if self.outputs == ("vocab",):
            value = value[: config.vocab_size]
        shape = self.hf_shape(config)
        return value.reshape(shape[::-1]).T if self.transposed else value.reshape(shape)


def sizes(config: ModelConfig) -> dict[str, int]:
    """Return the length of every logical axis of the parameters."""
    return {
        "layers": config.num_layers,
        "full_layers": config.num_full_layers,
        "linear_layers": config.num_layers - config.num_full_layers,
        "vocab": config.vocab_size + config.vocab_padding,
        "embed": config.hidden_size,
        "heads": config.num_heads,
        "kv_heads": config.num_kv_heads,
        "head": config.head_dim,
        "head_and_gate": 2 * config.head_dim,
        "mlp": config.mlp_size,
        "experts": config.num_experts,
        "expert_mlp": config.expert_size,
        "value_heads": config.linear_value_heads,
        "value_head": config.linear_value_dim,
        "mixed": config.mixed_size,
        "taps": config.conv_width,
        "rank": config.lora.rank,
    }


def tensors(config: ModelConfig) -> tuple[Tensor, ...]:
    """Return all tensors of a model, in the order in which they are written."""
    width = ("embed",)
    norm: Init = "zeros" if config.is_hybrid else "ones"
    rows = [
        Tensor(("embedding_VD",), "model.embed_tokens.weight", ("vocab",), width, transposed=False),
        _layer("attention_norm", "input_layernorm.weight", width, init=norm),
        *_attention(config, norm),
        *(_linear_attention() if config.is_hybrid else ()),
        _layer("mlp_norm", "post_attention_layernorm.weight", width, init=norm),
        *(_experts() if config.num_experts else _mlp()),
        Tensor(("final_norm_D",), "model.norm.weight", width, init=norm),
    ]
    if config.is_wrapped:
        rows = [replace(row, name=row.name.replace("model.", "model.language_model.", 1)) for row in rows]
    if not config.tie_embeddings:
        rows.append(Tensor(("unembedding_VD",), "lm_head.weight", ("vocab",), width, transposed=False))
    return tuple(rows)


def is_passed_through(config: ModelConfig, name: str) -> bool:
    """Return True for a tensor that the decoder does not read but an export copies: vision tower, prediction heads."""
    return config.is_hybrid and name.startswith(("model.visual.", "mtp."))


def _attention(config: ModelConfig, norm: Init) -> list[Tensor]:
    query, kv, width = ("heads", "head"), ("kv_heads", "head"), ("embed",)
    query_and_gate = ("heads", "head_and_gate") if config.is_hybrid else query
    rows = [
        _layer("query", "self_attn.q_proj.weight", query_and_gate, width),
        _layer("key", "self_attn.k_proj.weight", kv, width),
        _layer("value", "self_attn.v_proj.weight", kv, width),
        _layer("output", "self_attn.o_proj.weight", width, query),
    ]
    if config.qk_norm:
        rows.append(_layer("query_norm", "self_attn.q_norm.weight", ("head",), init=norm))
        rows.append(_layer("key_norm", "self_attn.k_norm.weight", ("head",), init=norm))
    if config.qkv_bias:
        rows.append(_layer("query_bias", "self_attn.q_proj.bias", query, init="zeros"))
        rows.append(_layer("key_bias", "self_attn.k_proj.bias", kv, init="zeros"))
        rows.append(_layer("value_bias", "self_attn.v_proj.bias", kv, init="zeros"))
    return [replace(row, layers="full_layers") for row in rows] if config.is_hybrid else rows


def _linear_attention() -> list[Tensor]:
    values, width = ("value_heads", "value_head"), ("embed",)
    rows = [
        _layer("mixed", "linear_attn.in_proj_qkv.weight", ("mixed",), width),
        _layer("value_gate", "linear_attn.in_proj_z.weight", values, width),
        _layer("write", "linear_attn.in_proj_b.weight", ("value_heads",), width),
        _layer("step", "linear_attn.in_proj_a.weight", ("value_heads",), width),
        replace(_layer("conv", "linear_attn.conv1d.weight", ("mixed",), ("taps",)), transposed=False, unit_axis=True),
        _layer("step_bias", "linear_attn.dt_bias", ("value_heads",), init="ones"),
        _layer("decay_log", "linear_attn.A_log", ("value_heads",), init="decays"),
        _layer("value_norm", "linear_attn.norm.weight", ("value_head",), init="ones"),
        _layer("linear_output", "linear_attn.out_proj.weight", width, values),
    ]
    return [replace(row, layers="linear_layers") for row in rows]


def _mlp() -> list[Tensor]:
    return [
        _layer("gate", "mlp.gate_proj.weight", ("mlp",), ("embed",)),
        _layer("up", "mlp.up_proj.weight", ("mlp",), ("embed",)),
        _layer("down", "mlp.down_proj.weight", ("embed",), ("mlp",)),
    ]


def _experts() -> list[Tensor]:
    return [
        _layer("router", "mlp.gate.weight", ("experts",), ("embed",)),
        _layer("expert_gate", "mlp.experts.{expert}.gate_proj.weight", ("expert_mlp",), ("embed",)),
        _layer("expert_up", "mlp.experts.{expert}.up_proj.weight", ("expert_mlp",), ("embed",)),
        _layer("expert_down", "mlp.experts.{expert}.down_proj.weight", ("embed",), ("expert_mlp",)),
    ]


def _layer(
    path: str, name: str, outputs: tuple[str, ...], inputs: tuple[str, ...] = (), init: Init = "normal"
) -> Tensor:
    return Tensor(("layers", path), "model.layers.{layer}." + name, outputs, inputs, transposed=bool(inputs), init=init)


def _flat_slice(parts: list[slice], lengths: list[int]) -> slice:
    """Return the slice of flattened axes; only the first of them may be sliced."""
    rest = math.prod(lengths[1:])
    start, stop, _ = parts[0].indices(lengths[0])
    return slice(start * rest, stop * rest)
