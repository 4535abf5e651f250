"""Bytes per device and FLOPs of a step, computed from architecture, mesh and batch without allocating anything.

Weights, optimizer and caches are exact. Activations are an estimate of what an update saves for the backward pass plus
the one layer that is being differentiated; a compiler may do somewhat better or worse. FLOPs count the products that
this code computes, masked ones included (a multiplication and an addition are two).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from models.adapters import adapters
from models.cache import empty_suffix_cache
from models.config import ModelConfig
from models.gated_delta_rule import CHUNK
from models.presets import active_parameter_count
from models.sharding import AnyMesh, axis_parts
from models.weight_table import Tensor, tensors

_LOGIT_CHUNK = 1024


@dataclass(frozen=True)
class Batch:
    """Shape of the batch that one step samples and learns from."""

    groups: int
    """Groups (B) over all devices."""
    members: int
    """Members of a group (G)."""
    prefix: int
    """Tokens of a prefix (P)."""
    suffix: int
    """Tokens of a suffix (S)."""


class StepCost(NamedTuple):
    """Bytes per device and FLOPs over all devices."""

    weights: int
    """Float32 parameters; with adapters, the frozen ones are in the compute dtype."""
    gradients: int
    """Float32 gradients of the trained parameters: adapters if there are any, else all."""
    optimizer: int
    """Adam's two moments, float32."""
    prefix_cache: int
    suffix_cache: int
    activations: int
    """At the peak of an update of all groups at once; divided by the number of micro-batches."""
    offloaded: int
    """Host memory for layers' inputs under remat "offload"; divided by the number of micro-batches."""
    sample_flops: float
    """FLOPs to encode every prefix once and decode every suffix token."""
    update_flops: float
    """FLOPs of the forward and backward pass, including recomputation."""


def step_cost(config: ModelConfig, mesh: AnyMesh, batch: Batch, compute_dtype: Any, remat: str) -> StepCost:
    """Compute the memory and FLOPs of a step; the mesh may have no devices (`jax.sharding.AbstractMesh`)."""

    def local_size(rows: Sequence[Tensor]) -> int:
        sizes = (math.prod(row.shape(config)) // math.prod(axis_parts(mesh, axis) for axis in row.axes) for row in rows)
        return sum(sizes)

    base = local_size(tensors(config))
    adapter = local_size([part for _, *pair in adapters(config) for part in pair])
    base_bytes = jnp.dtype(compute_dtype).itemsize if config.lora.rank else 4
    trained = 4 * (adapter if config.lora.rank else base)
    prefix, suffix = cache_bytes(config, mesh, batch, compute_dtype)
    forward = forward_flops(config, batch)
    passes = 4 if remat in ("full", "offload") else 3
    tokens = -(-batch.groups // axis_parts(mesh, "batch")) * (batch.prefix + batch.members * batch.suffix)
    inputs = config.num_layers * tokens * config.hidden_size * jnp.dtype(compute_dtype).itemsize
    return StepCost(
        weights=base_bytes * base + 4 * adapter,
        gradients=trained,
        optimizer=2 * trained,
        prefix_cache=prefix,
        suffix_cache=suffix,
        activations=activation_bytes(config, mesh, batch, compute_dtype, remat),
        offloaded=inputs if remat == "offload" else 0,
        sample_flops=forward,
        update_flops=passes * forward,
    )


def cache_bytes(config: ModelConfig, mesh: AnyMesh, batch: Batch, dtype: Any) -> tuple[int, int]:
    """Return bytes per device of all prefix caches and of all suffix caches."""

    def size(groups: int, members: int, slots: int) -> int:
        cache = jax.eval_shape(lambda: empty_suffix_cache(config, groups, members, slots, dtype, unrolled=False))
        heads = axis_parts(mesh, "kv_heads")
        whole = sum(
            x.size * x.dtype.itemsize // heads for x in (cache.k, cache.v) if isinstance(x, jax.ShapeDtypeStruct)
        )
        state_heads = {"conv": axis_parts(mesh, "mixed"), "memory": axis_parts(mesh, "value_heads")}
        for name, parts in state_heads.items():
            if (x := getattr(cache, name)) is not None:
                whole += x.size * x.dtype.itemsize // parts
        return whole

    groups = -(-batch.groups // axis_parts(mesh, "batch"))
    return size(groups, 1, batch.prefix), size(groups, batch.members, batch.suffix)


def activation_bytes(config: ModelConfig, mesh: AnyMesh, batch: Batch, dtype: Any, remat: str) -> int:
    """Estimate the bytes per device at the peak of an update, besides weights, gradients and optimizer.

    Saved for the backward pass: nothing on the device (remat "offload"), each layer's input ("full"), also the products
    with weights ("dots"), or everything ("none"). To this comes the larger of one layer's recomputation and one chunk
    of logits.
    """
    number = jnp.dtype(dtype).itemsize
    groups = -(-batch.groups // axis_parts(mesh, "batch"))
    prefix, suffix = groups * batch.prefix, groups * batch.members * batch.suffix
    heads = config.num_heads // axis_parts(mesh, "heads")
    products, others, recurred = _bytes_per_token(config, mesh, number)
    residual = number * config.hidden_size
    # Scores and weights of attention in one layer, float32, against every key that is computed, masked or not.
    prefix_scores = 2 * 4 * heads * prefix * batch.prefix
    suffix_scores = 2 * 4 * heads * suffix * (batch.prefix + batch.suffix)
    by_policy = {"offload": 0, "full": residual, "dots": residual + products, "none": residual + products + others}
    per_token = by_policy[remat]
    saved = config.num_layers * (prefix + suffix) * per_token
    if remat == "none":
        saved += (config.num_layers - config.num_full_layers) * (prefix + suffix) * recurred
    saved += cache_bytes(config, mesh, batch, dtype)[0]
    # One layer's recomputation, and gradients of its products and scores.
    mixer = 2 * max(prefix_scores, suffix_scores, max(prefix, suffix) * recurred)
    one_layer = max(prefix, suffix) * (2 * products + others) + mixer
    logits = 2 * 4 * min(_LOGIT_CHUNK, suffix) * config.vocab_size // axis_parts(mesh, "vocab")
    return int(saved + max(one_layer, logits) + 2 * suffix * residual)


def forward_flops(config: ModelConfig, batch: Batch) -> float:
    """Count the FLOPs of every prefix once and every suffix token with its logits."""
    matrices = active_parameter_count(config) - config.vocab_size * config.hidden_size * (2 - config.tie_embeddings)
    prefix, suffix = batch.groups * batch.prefix, batch.groups * batch.members * batch.suffix
    per_key = 4.0 * config.num_heads * config.head_dim * config.num_full_layers
    keys, values = config.linear_key_dim, config.linear_value_dim
    # Per token and head: products within a chunk, the triangular system, and reading and writing the state.
    delta = 4 * CHUNK * keys + CHUNK * (keys + values) + 2 * CHUNK * values + 6 * keys * values
    delta *= config.linear_value_heads * (config.num_layers - config.num_full_layers)
    tokens = (prefix + suffix) * (2.0 * matrices + delta)
    attention = per_key * (prefix * batch.prefix + suffix * (batch.prefix + batch.suffix))
    return tokens + attention + 2.0 * suffix * config.hidden_size * config.vocab_size


def _bytes_per_token(config: ModelConfig, mesh: AnyMesh, number: int) -> tuple[int, int, int]:
    """Return the bytes of one layer's activations per token on one device; `number` is the bytes of one number.

    Three parts: results of products with weights; everything else except attention scores; the float32 intermediates of
    the delta rule. The first two are averages over a hybrid's two kinds of layer.
    """
    heads, kv_heads = config.num_heads // axis_parts(mesh, "heads"), config.num_kv_heads // axis_parts(mesh, "kv_heads")
    value_heads = config.linear_value_heads // axis_parts(mesh, "value_heads")
    keys, values = config.linear_key_dim, config.linear_value_dim
    part = config.num_full_layers / config.num_layers
    attention = ((1 + config.is_hybrid) * heads + 2 * kv_heads) * config.head_dim
    linear = config.mixed_size + value_heads * values
    mlp = config.mlp_size // axis_parts(mesh, "mlp")
    if config.num_experts:
        mlp = config.expert_size * config.experts_per_token
    products = part * attention + (1 - part) * linear + 2 * mlp + 2 * config.hidden_size
    # Normalised, rotated and scaled queries, such keys, attended values; in linear attention the convolution's input
    # and output. The mlp's activations and residuals for their gradients; normalised copies of the residual stream,
    # some float32.
    attended = (4 * heads + 2 * kv_heads) * config.head_dim
    convolved = 2 * config.mixed_size + 2 * value_heads * values
    others = part * attended + (1 - part) * convolved + 4 * mlp + 6 * config.hidden_size
    # Queries, keys and values by head, in chunks, decayed; the chunk's systems and scores; a state per chunk.
    recurred = 8 * value_heads * (keys + values + CHUNK + keys * values / (4 * CHUNK)) * config.is_hybrid
    return int(number * products), int(number * others), int(4 * recurred)
