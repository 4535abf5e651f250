"""Rotary position embedding (RoPE): angles from positions, and queries and keys rotated by them.

    angle = position * f_i,   f_i = theta^(-2i/E), or scaled for longer sequences as the config says

Scalings: linear (every f_i divided by the factor), YaRN (arXiv 2309.00071: low frequencies divided, high ones
unchanged, a ramp between; cosine and sine multiplied), llama3 (the same idea with bounds in wavelengths).
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import chex
import jax
import jax.numpy as jnp

from models.errors import ModelError

KINDS = ("default", "linear", "yarn", "llama3")


@dataclass(frozen=True, kw_only=True)
class RopeScaling:
    """Scaling of rotary frequencies for longer sequences; fields are named as in config.json."""

    rope_type: str
    """linear, yarn or llama3."""
    factor: float
    """Ratio of the new sequence length to the original."""
    original_max_position_embeddings: int = 0
    """Longest sequence before the scaling (yarn, llama3)."""
    low_freq_factor: float = 0.0
    """llama3: frequencies with fewer turns than this over the original length are divided by the factor."""
    high_freq_factor: float = 0.0
    """llama3: frequencies with more turns than this are unchanged."""
    beta_fast: float = 32.0
    """yarn: frequencies with more turns than this are unchanged."""
    beta_slow: float = 1.0
    """yarn: frequencies with fewer turns than this are divided by the factor."""
    truncate: bool = True
    """yarn: the ramp's ends are rounded outwards to whole dimensions."""
    attention_factor: float = 1.0
    """yarn: multiplies cosine and sine."""


class Rotation(NamedTuple):
    """Cosine and sine [B, G, T, E/2] of each position's rotary angles, float32; fewer than E/2 for partial rotation."""

    cos: jax.Array
    sin: jax.Array


def rotation(theta: float, dims: int, scaling: RopeScaling | None, position_BGT: jax.Array) -> Rotation:
    """Return the rotation of `dims` dimensions (dims / 2 pairs) at every position.

    Raises AssertionError unless positions are integers [B, G, T].
    """
    chex.assert_rank(position_BGT, 3)
    chex.assert_type(position_BGT, int)
    frequency_E = frequencies(theta, dims, scaling)
    angle_BGTE = position_BGT[..., None].astype(jnp.float32) * frequency_E
    cos, sin = jnp.cos(angle_BGTE), jnp.sin(angle_BGTE)
    if scaling is None or scaling.attention_factor == 1.0:
        return Rotation(cos, sin)
    return Rotation(cos * scaling.attention_factor, sin * scaling.attention_factor)


def frequencies(theta: float, dims: int, scaling: RopeScaling | None) -> jax.Array:
    """Return the angle per position of each pair [dims / 2], float32."""
    half = dims // 2
    plain_E = theta ** (-jnp.arange(half, dtype=jnp.float32) / half)
    if scaling is None:
        return plain_E
    if scaling.rope_type == "linear":
        return plain_E / scaling.factor
    if scaling.rope_type == "yarn":
        unscaled_E = _yarn_unscaled(theta, dims, scaling)
    else:
        turns_E = scaling.original_max_position_embeddings * plain_E / (2 * math.pi)
        low, high = scaling.low_freq_factor, scaling.high_freq_factor
        unscaled_E = jnp.clip((turns_E - low) / (high - low), 0, 1)
    return plain_E * unscaled_E + plain_E / scaling.factor * (1 - unscaled_E)


def _yarn_unscaled(theta: float, dims: int, scaling: RopeScaling) -> jax.Array:
    """Return the unscaled share of each frequency [dims / 2]: 1 for high frequencies, 0 for low ones."""

    def pair_that_turns(times: float) -> float:
        length = scaling.original_max_position_embeddings
        return dims * math.log(length / (times * 2 * math.pi)) / (2 * math.log(theta))

    first, last = pair_that_turns(scaling.beta_fast), pair_that_turns(scaling.beta_slow)
    if scaling.truncate:
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, dims - 1)
    last += 0.001 if first == last else 0
    return 1 - jnp.clip((jnp.arange(dims // 2, dtype=jnp.float32) - first) / (last - first), 0, 1)


def rotate(x_BGTNE: jax.Array, rotation: Rotation) -> jax.Array:
    """Rotate dimension pairs (i, i + half), Hugging Face's convention, of any number of heads N.

    Dimensions beyond twice the number of angles are unchanged (partial rotary embedding). Raises AssertionError for
    wrong ranks, shapes or dtypes.
    """
    chex.assert_rank([x_BGTNE, rotation.cos, rotation.sin], [5, 4, 4])
    chex.assert_equal_shape([rotation.cos, rotation.sin])
    chex.assert_equal_shape_prefix([x_BGTNE, rotation.cos], 3)
    chex.assert_axis_dimension_gteq(x_BGTNE, -1, 2 * rotation.cos.shape[-1])
    chex.assert_type([x_BGTNE, rotation.cos, rotation.sin], float)
    cos, sin = rotation.cos[..., None, :], rotation.sin[..., None, :]
    rotary_dims = 2 * cos.shape[-1]
    first, second = jnp.split(x_BGTNE[..., :rotary_dims].astype(jnp.float32), 2, axis=-1)
    out = jnp.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1).astype(x_BGTNE.dtype)
    return out if rotary_dims == x_BGTNE.shape[-1] else jnp.concatenate([out, x_BGTNE[..., rotary_dims:]], axis=-1)


def read_scaling(rope: dict[str, Any], max_positions: int) -> RopeScaling | None:
    """Read the scaling in a config.json's rope_scaling or rope_parameters; None for plain RoPE.

    Raises ModelError naming an unsupported kind, or the missing or wrong numbers of a supported one.
    """
    kind = rope.get("rope_type") or rope.get("type") or "default"
    if kind not in KINDS:
        raise ModelError(f"rope_scaling = {rope}: rope_type {kind!r} is not supported, expected one of {KINDS}")
    if kind == "default":
        return None
    original = rope.get("original_max_position_embeddings") or max_positions
    if kind == "yarn" and rope.get("factor") is None:
        rope = {**rope, "factor": max_positions / original}
    needed = {"llama3": ("factor", "low_freq_factor", "high_freq_factor")}.get(kind, ("factor",))
    wrong = [key for key in needed if not isinstance(rope.get(key), int | float) or rope[key] <= 0]
    if wrong:
        raise ModelError(f"rope_scaling = {rope}: rope_type {kind!r} needs positive numbers {', '.join(wrong)}")
    factor = float(rope["factor"])
    if kind == "linear":
        return RopeScaling(rope_type=kind, factor=factor)
    if kind == "llama3":
        low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
        if high <= low:
            raise ModelError(f"rope_scaling = {rope}: high_freq_factor must be above low_freq_factor")
        return RopeScaling(
            rope_type=kind,
            factor=factor,
            original_max_position_embeddings=original,
            low_freq_factor=low,
            high_freq_factor=high,
        )
    return RopeScaling(
        rope_type=kind,
        factor=factor,
        original_max_position_embeddings=original,
        beta_fast=float(rope.get("beta_fast") or 32),
        beta_slow=float(rope.get("beta_slow") or 1),
        truncate=bool(rope.get("truncate", True)),
        attention_factor=_attention_factor(rope, factor),
    )


def write_scaling(scaling: RopeScaling) -> dict[str, Any]:
    """Return the rope_scaling of a config.json."""
    keys = {"linear": (), "llama3": ("low_freq_factor", "high_freq_factor", "original_max_position_embeddings")}
    yarn = ("original_max_position_embeddings", "beta_fast", "beta_slow", "truncate", "attention_factor")
    named = ("rope_type", "factor", *keys.get(scaling.rope_type, yarn))
    return {key: getattr(scaling, key) for key in named}


def _attention_factor(rope: dict[str, Any], factor: float) -> float:
    """Return YaRN's factor of cosine and sine: as given, or 0.1 ln(factor) + 1."""

    def magnitude(weight: float) -> float:
        return 0.1 * weight * math.log(factor) + 1.0 if factor > 1 else 1.0

    if rope.get("attention_factor") is not None:
        return float(rope["attention_factor"])
    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return magnitude(rope["mscale"]) / magnitude(rope["mscale_all_dim"])
    return magnitude(1.0)
