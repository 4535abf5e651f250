"""Schema of config.json: the kind of value that each key must have.

Values are checked before anything is computed with them, so code that reads a config can rely on their kinds.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from models.errors import ModelError


class Kind(NamedTuple):
    """A kind of value and the check for it."""

    expected: str
    """Description in error messages."""
    holds: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_list(of: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(isinstance(item, of) for item in value)


_SIZE = Kind("a positive integer", lambda value: _is_whole(value) and value > 0)
_COUNT = Kind("a non-negative integer", lambda value: _is_whole(value) and value >= 0)
_POSITIVE = Kind("a number above 0", lambda value: _is_number(value) and value > 0)
_PART = Kind("a number above 0 and at most 1", lambda value: _is_number(value) and 0 < value <= 1)
_FLAG = Kind("true or false", lambda value: isinstance(value, bool))
_OBJECT = Kind("an object", lambda value: isinstance(value, dict))
_NAMES = Kind("a list of names", _is_list(str))
_NAME = Kind("a name", lambda value: isinstance(value, str))

KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("vocab_size", "hidden_size", "num_hidden_layers", "intermediate_size"), _SIZE),
    **dict.fromkeys(("num_attention_heads", "num_key_value_heads", "head_dim", "max_position_embeddings"), _SIZE),
    **dict.fromkeys(("moe_intermediate_size", "num_experts_per_tok", "decoder_sparse_step"), _SIZE),
    **dict.fromkeys(("linear_num_key_heads", "linear_num_value_heads", "linear_conv_kernel_dim"), _SIZE),
    **dict.fromkeys(("linear_key_head_dim", "linear_value_head_dim", "full_attention_interval"), _SIZE),
    **dict.fromkeys(("num_experts", "num_local_experts", "max_window_layers", "sliding_window"), _COUNT),
    **dict.fromkeys(("tie_word_embeddings", "attention_bias", "mlp_bias", "use_sliding_window"), _FLAG),
    **dict.fromkeys(("norm_topk_prob", "attn_output_gate"), _FLAG),
    **dict.fromkeys(("rope_scaling", "rope_parameters", "text_config", "quantization_config"), _OBJECT),
    **dict.fromkeys(("architectures", "layer_types"), _NAMES),
    "mlp_only_layers": Kind("a list of layer numbers", _is_list(int)),
    **dict.fromkeys(("model_type", "hidden_act"), _NAME),
    # At the top level or, in newer files, in rope_parameters, as are the settings of a RoPE scaling.
    **dict.fromkeys(("rope_theta", "rms_norm_eps"), _POSITIVE),
    "partial_rotary_factor": _PART,
    "original_max_position_embeddings": _SIZE,
    **dict.fromkeys(("rope_type", "type"), _NAME),
    **dict.fromkeys(("factor", "low_freq_factor", "high_freq_factor", "beta_fast", "beta_slow"), _POSITIVE),
    "attention_factor": _POSITIVE,
    **dict.fromkeys(("mscale", "mscale_all_dim"), Kind("a number", _is_number)),
    "truncate": _FLAG,
}
"""Expected kind by key; absent and null keys are not checked."""


def check_values(hf: Mapping[str, Any]) -> None:
    """Raise one ModelError naming every value of a wrong kind, in a config.json and in its RoPE settings."""
    wrong = _wrong(hf, "")
    for key in ("rope_scaling", "rope_parameters"):
        inner = hf.get(key)
        if isinstance(inner, dict):
            wrong += _wrong(inner, f"{key}.")
    if wrong:
        raise ModelError(f"config.json: {'; '.join(wrong)}")


def _wrong(hf: Mapping[str, Any], prefix: str) -> list[str]:
    return [
        f"{prefix}{key} is {hf[key]!r}, expected {kind.expected}"
        for key, kind in KINDS.items()
        if hf.get(key) is not None and not kind.holds(hf[key])
    ]
