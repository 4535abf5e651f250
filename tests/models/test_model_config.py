"""Reading and writing config.json."""

import copy
import json

import pytest
import transformers

from models import ModelConfig, ModelError
from models.rope import RopeScaling

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
MIXTURE = QWEN3 | {
    "architectures": ["Qwen3MoeForCausalLM"],
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
    "model_type": "qwen3_moe",
    "moe_intermediate_size": 768,
    "norm_topk_prob": True,
    "num_experts": 128,
    "num_experts_per_tok": 8,
}
HYBRID = {key: value for key, value in QWEN3.items() if key not in ("rope_theta", "rope_scaling")} | {
    "architectures": ["Qwen3_5ForCausalLM"],
    "attn_output_gate": True,
    "full_attention_interval": 4,
    "head_dim": 256,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
    "linear_value_head_dim": 128,
    "model_type": "qwen3_5_text",
    "rope_parameters": {"partial_rotary_factor": 0.25, "rope_theta": 10000000, "rope_type": "default"},
}
WRAPPED = {
    "architectures": ["Qwen3_5ForConditionalGeneration"],
    "image_token_id": 248056,
    "model_type": "qwen3_5",
    "text_config": {key: value for key, value in HYBRID.items() if key != "architectures"},
    "tie_word_embeddings": False,
    "vision_config": {"depth": 12, "model_type": "qwen3_5"},
}
NEW_SPELLING = {key: value for key, value in QWEN3.items() if key not in ("rope_theta", "rope_scaling")} | {
    "rope_parameters": {"rope_theta": 5000000, "rope_type": "default"}
}

MIXED = {"num_experts": 4, "experts_per_token": 2, "expert_size": 24}
LINEAR = {"linear_key_heads": 2, "linear_value_heads": 4, "linear_key_dim": 8, "linear_value_dim": 8, "conv_width": 4}
LINEAR = {**LINEAR, "num_layers": 4, "full_attention_every": 2}
FLAGS = [{}, {"qk_norm": False}, {"qk_norm": False, "qkv_bias": True}, MIXED, LINEAR]


def test_from_hf__reads_every_family():
    qwen3, qwen2, llama = map(ModelConfig.from_hf, (QWEN3, QWEN2, LLAMA))
    assert (qwen3.qk_norm, qwen3.qkv_bias, qwen3.head_dim, qwen3.num_kv_heads) == (True, False, 128, 8)
    assert (qwen2.qk_norm, qwen2.qkv_bias, qwen2.head_dim, qwen2.num_kv_heads) == (False, True, 64, 2)
    assert (llama.qk_norm, llama.qkv_bias, llama.head_dim) == (False, False, 64)
    assert qwen3.rope_theta == 1e6 and ModelConfig.from_hf(NEW_SPELLING).rope_theta == 5e6


def test_from_hf__reads_the_settings_of_a_mixture_and_a_hybrid():
    mixture, hybrid, wrapped = map(ModelConfig.from_hf, (MIXTURE, HYBRID, WRAPPED))
    assert (mixture.num_experts, mixture.experts_per_token, mixture.expert_size) == (128, 8, 768)
    assert (hybrid.full_attention_every, hybrid.rotary_dims, hybrid.rope_theta) == (4, 64, 1e7)
    assert hybrid.mixed_size == 2 * 16 * 128 + 32 * 128
    assert [layer for layer in range(9) if hybrid.is_full(layer)] == [3, 7]
    assert wrapped.is_wrapped and not wrapped.tie_embeddings and hybrid.tie_embeddings


@pytest.mark.parametrize("source", [QWEN3, QWEN2, LLAMA, NEW_SPELLING, MIXTURE, HYBRID, WRAPPED])
def test_to_hf__undoes_from_hf(source):
    config = ModelConfig.from_hf(source)
    assert config.to_hf() == source
    assert ModelConfig.from_hf(config.to_hf()) == config
    assert hash(config) == hash(ModelConfig.from_hf(json.loads(json.dumps(source))))


def test_to_hf__of_a_new_config_reads_back_equal(make_config):
    scalings = [None, RopeScaling(rope_type="linear", factor=2.0)]
    scalings.append(RopeScaling(rope_type="yarn", factor=4.0, original_max_position_embeddings=64))
    llama3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    scalings.append(RopeScaling(rope_type="llama3", factor=8.0, **llama3))
    for flags, scaling in zip(FLAGS, [*scalings, None], strict=True):
        config = make_config(**flags, rope_scaling=scaling)
        assert ModelConfig.from_hf(config.to_hf()) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rope_scaling": {"type": "dynamic", "factor": 4.0}}, "rope_scaling = .*'dynamic' is not supported"),
        ({"rope_scaling": {"rope_type": "longrope", "factor": 4.0}}, "rope_scaling = .*'longrope' is not supported"),
        ({"rope_scaling": {"type": "linear"}}, "'linear' needs positive numbers factor"),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1.0}}, "factor, low_freq_factor, high_freq_factor"),
        ({"use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 20}, "sliding-window"),
        ({"layer_types": ["full_attention", "sliding_attention"]}, "sliding-window"),
        ({"num_experts": 128}, "mixture of experts"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"attention_bias": True}, "attention_bias"),
        ({"mlp_bias": True}, "mlp_bias"),
        ({"partial_rotary_factor": 0.25}, "partial_rotary_factor"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"architectures": ["Qwen3ForSequenceClassification"]}, "Qwen3ForSequenceClassification"),
        ({"model_type": "bert"}, "model_type 'bert' is not supported: expected one of qwen3, qwen2, llama, qwen3_moe"),
        ({"model_type": "qwen3_moe"}, "lacks moe_intermediate_size, num_experts_per_tok, num_experts"),
        (MIXTURE | {"mlp_only_layers": [0]}, "mlp_only_layers"),
        (MIXTURE | {"decoder_sparse_step": 2}, "decoder_sparse_step"),
        (MIXTURE | {"num_experts_per_tok": 200}, "experts_per_token 200 is more than num_experts 128"),
        (HYBRID | {"layer_types": ["full_attention", "linear_attention"] * 14}, "layer_types that do not repeat"),
        (HYBRID | {"num_hidden_layers": 30}, "layer_types that do not repeat"),
        (HYBRID | {"attn_output_gate": False}, "attn_output_gate off"),
        (HYBRID | {"linear_num_value_heads": 24}, "linear_value_heads 24 is not a multiple of linear_key_heads 16"),
        ({"model_type": "qwen3_5"}, "config.json of a qwen3_5 lacks text_config"),
        ({"model_type": None}, "model_type None"),
        ({"hidden_size": None, "vocab_size": None}, "lacks vocab_size, hidden_size"),
        ({"num_attention_heads": 12}, "num_heads 12 is not a multiple of num_kv_heads 8"),
        ({"num_hidden_layers": 0}, "num_hidden_layers is 0, expected a positive integer"),
        ({"hidden_size": "1024"}, "hidden_size is '1024', expected a positive integer"),
        ({"num_attention_heads": 0, "vocab_size": True}, "vocab_size is True, .*num_attention_heads is 0, expected"),
        ({"head_dim": 8.0}, "head_dim is 8.0"),
        ({"rope_theta": 0}, "rope_theta is 0, expected a number above 0"),
        ({"rope_theta": float("nan")}, "rope_theta is nan"),
        ({"rms_norm_eps": -1e-6}, "rms_norm_eps is -1e-06"),
        ({"tie_word_embeddings": "false"}, "tie_word_embeddings is 'false', expected true or false"),
        ({"rope_scaling": "yarn"}, "rope_scaling is 'yarn', expected an object"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": "64"}}, "is '64'"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": -4.0}}, "rope_scaling.factor is -4.0"),
        ({"rope_scaling": None, "rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "by layer type"),
        ({"layer_types": 3}, "layer_types is 3, expected a list of names"),
        ({"layer_types": ["chunked_attention"] * 28}, "layer_types other than full_attention"),
        ({"model_type": ["qwen3"]}, r"model_type is \['qwen3'\], expected a name"),
        ({"architectures": [None]}, r"architectures is \[None\], expected a list of names"),
        (MIXTURE | {"num_experts": "8"}, "num_experts is '8'"),
        (MIXTURE | {"use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 28}, "sliding-window"),
        (HYBRID | {"full_attention_interval": "4"}, "full_attention_interval is '4'"),
        (HYBRID | {"rope_parameters": {"partial_rotary_factor": 2.0}}, "rope_parameters.partial_rotary_factor is 2.0"),
        (HYBRID | {"rope_parameters": {"partial_rotary_factor": 0}}, "rope_parameters.partial_rotary_factor is 0"),
        (WRAPPED | {"quantization_config": {"quant_method": "fp8"}}, "this qwen3_5 config .*: quantization_config"),
        (WRAPPED | {"text_config": [1]}, r"text_config is \[1\], expected an object"),
        ({"head_dim": 65}, "head_dim 65 is odd"),
    ],
)
def test_from_hf__names_wrong_and_unsupported_settings(change, message):
    with pytest.raises(ModelError, match=message):
        ModelConfig.from_hf(QWEN3 | change)


@pytest.mark.parametrize(
    "settings",
    [
        {"rope_theta": 1e4},
        {"rope_theta": 1e4, "rope_parameters": {"rope_type": "default", "rope_theta": 1e6}},
        {"rope_theta": 1e4, "rope_parameters": {"rope_type": "default"}},
        {"rope_scaling": {"rope_type": "linear", "factor": 2.0}, "rope_parameters": {"rope_theta": 1e6}},
        {"rope_scaling": {"type": "linear", "factor": 2.0, "rope_theta": 5e5}, "rope_theta": 1e4},
    ],
)
def test_from_hf__reads_rope_with_the_precedence_of_transformers(settings):
    plain = {key: value for key, value in QWEN3.items() if key not in ("rope_theta", "rope_scaling")}
    theirs = transformers.Qwen3Config(**copy.deepcopy(plain | settings)).rope_parameters
    ours = ModelConfig.from_hf(plain | settings)
    assert ours.rope_theta == theirs["rope_theta"]
    assert (ours.rope_scaling is None) == (theirs["rope_type"] == "default")
    assert ours.to_hf() == plain | settings


def test_from_hf__accepts_a_window_that_no_layer_uses():
    config = ModelConfig.from_hf(QWEN3 | {"use_sliding_window": True, "sliding_window": 4096, "max_window_layers": 28})
    assert config.num_layers == 28
