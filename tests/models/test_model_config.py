"""Laws of reading config.json."""

import json

import pytest

from models import ModelConfig, ModelError

# As published for Qwen3-0.6B.
QWEN3 = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "eos_token_id": 151645,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 1024,
    "initializer_range": 0.02,
    "intermediate_size": 3072,
    "max_position_embeddings": 40960,
    "max_window_layers": 28,
    "model_type": "qwen3",
    "num_attention_heads": 16,
    "num_hidden_layers": 28,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-06,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": None,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.51.0",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 151936,
}
QWEN2 = {key: value for key, value in QWEN3.items() if key not in ("head_dim", "attention_bias")} | {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 896,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "sliding_window": 32768,
}
LLAMA = QWEN2 | {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "sliding_window": None}
NEW_SPELLING = {key: value for key, value in QWEN3.items() if key not in ("rope_theta", "rope_scaling")} | {
    "rope_parameters": {"rope_theta": 5000000, "rope_type": "default"}
}


def test_from_hf__reads_every_family():
    qwen3, qwen2, llama = map(ModelConfig.from_hf, (QWEN3, QWEN2, LLAMA))
    assert (qwen3.qk_norm, qwen3.qkv_bias, qwen3.head_dim, qwen3.num_kv_heads) == (True, False, 128, 8)
    assert (qwen2.qk_norm, qwen2.qkv_bias, qwen2.head_dim, qwen2.num_kv_heads) == (False, True, 64, 2)
    assert (llama.qk_norm, llama.qkv_bias, llama.head_dim) == (False, False, 64)
    assert qwen3.rope_theta == 1e6 and ModelConfig.from_hf(NEW_SPELLING).rope_theta == 5e6


@pytest.mark.parametrize("source", [QWEN3, QWEN2, LLAMA, NEW_SPELLING])
def test_to_hf__gives_back_what_from_hf_read(source):
    config = ModelConfig.from_hf(source)
    assert config.to_hf() == source
    assert ModelConfig.from_hf(config.to_hf()) == config
    assert hash(config) == hash(ModelConfig.from_hf(json.loads(json.dumps(source))))


def test_to_hf__of_a_new_config_reads_back_equal(make_config):
    for flags in ({}, {"qk_norm": False}, {"qk_norm": False, "qkv_bias": True}):
        config = make_config(**flags)
        assert ModelConfig.from_hf(config.to_hf()) == config


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}, "rope_scaling = .*yarn"),
        ({"rope_scaling": {"type": "linear", "factor": 4.0}}, "rope_scaling = .*linear"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1.0}}, "rope_scaling = .*llama3"),
        ({"use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 20}, "sliding-window"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "sliding-window"),
        ({"num_experts": 128}, "mixture of experts"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"attention_bias": True}, "attention_bias"),
        ({"mlp_bias": True}, "mlp_bias"),
        ({"partial_rotary_factor": 0.25}, "partial_rotary_factor"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"architectures": ["Qwen3ForSequenceClassification"]}, "Qwen3ForSequenceClassification"),
        ({"model_type": "qwen3_moe"}, "model_type 'qwen3_moe' is not supported: expected one of qwen3, qwen2, llama"),
        ({"model_type": None}, "model_type None"),
        ({"hidden_size": None, "vocab_size": None}, "lacks vocab_size, hidden_size"),
        ({"num_attention_heads": 12}, "num_heads 12 is no multiple of num_kv_heads 8"),
        ({"num_hidden_layers": 0}, "num_layers is 0"),
        ({"hidden_size": "1024"}, "hidden_size is '1024'"),
        ({"head_dim": 65}, "head_dim 65 is odd"),
    ],
)
def test_from_hf__names_what_it_cannot_do(change, named):
    with pytest.raises(ModelError, match=named):
        ModelConfig.from_hf(QWEN3 | change)


def test_from_hf__a_window_that_no_layer_uses_is_no_obstacle():
    config = ModelConfig.from_hf(QWEN3 | {"use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 28})
    assert config.num_layers == 28
