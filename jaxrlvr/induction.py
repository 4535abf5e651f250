"""A starting point that can copy: a previous-token head and an induction head, written into the weights by hand.

A tool call is mostly copied from the request and from earlier answers. From a standard initialisation a one-million-parameter model
does not find copying within hours of CPU time; a transformer finds the two-head circuit of arXiv 2209.11895 late and suddenly.
Written in, it is there at once, and training does the rest.

The residual stream is divided by hand: a token's code, the code of the token before it, free space, one constant. Layer 0 attends one
position back (by rotary phase alone) and moves the code into the second part. Layer 1 looks for places whose second part equals the
current code, that is, for what followed the current token earlier, and adds that token's code to the first part, where the tied
unembedding reads it. Everything else is random and small.
"""

import numpy as np

from models import ModelConfig

# Sharpness of the written heads: score gaps of several nats. Larger values freeze the other heads of the layer.
_LOCAL_GAIN, _MATCH_GAIN = 2.5, 3.0
# How much each rotary frequency, fastest first, counts for "one position back"; several, so that no larger distance looks alike.
_LOCAL_WEIGHTS = (0.45, 0.30, 0.15, 0.10)
# Frequencies slower than this many radians per token still match over a few hundred tokens.
_SLOW = 0.003
_CONSTANT = 0.5


def induction_tensors(config: ModelConfig, seed: int) -> dict[str, np.ndarray]:
    """All weights of a Qwen3 model in Hugging Face names and shapes, float32.

    Raises ValueError unless the shape has room for the circuit: two layers, tied embeddings, at least two kv heads' worth of width
    for each code.
    """
    code = config.num_kv_heads * config.head_dim
    width = config.hidden_size
    if config.num_layers < 2 or not config.tie_embeddings or 2 * code >= width:
        raise ValueError(
            f"the induction start needs 2 layers or more, tied embeddings and hidden_size above {2 * code} (2 x kv heads x head_dim); "
            f"got {config.num_layers} layers, tie_embeddings={config.tie_embeddings}, hidden_size {width}"
        )
    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 0.02) -> np.ndarray:
        return (rng.standard_normal(shape) * scale).astype(np.float32)

    embedding = normal(config.vocab_size, width)
    embedding[:, :code] = normal(config.vocab_size, code, scale=code**-0.5)
    embedding[:, -1] = _CONSTANT
    tensors = {"model.embed_tokens.weight": embedding, "model.norm.weight": np.ones(width, np.float32)}
    heads, kv_heads, head, mlp = config.num_heads, config.num_kv_heads, config.head_dim, config.mlp_size
    out_scale = 0.02 / np.sqrt(2 * config.num_layers)
    for layer in range(config.num_layers):
        tensors |= {
            f"model.layers.{layer}.{name}": value
            for name, value in {
                "input_layernorm.weight": np.ones(width, np.float32),
                "post_attention_layernorm.weight": np.ones(width, np.float32),
                "self_attn.q_norm.weight": np.ones(head, np.float32),
                "self_attn.k_norm.weight": np.ones(head, np.float32),
                "self_attn.q_proj.weight": normal(heads * head, width, scale=0.05),
                "self_attn.k_proj.weight": normal(kv_heads * head, width, scale=0.05),
                "self_attn.v_proj.weight": normal(kv_heads * head, width, scale=0.05),
                "self_attn.o_proj.weight": normal(width, heads * head, scale=out_scale),
                "mlp.gate_proj.weight": normal(mlp, width, scale=0.05),
                "mlp.up_proj.weight": normal(mlp, width, scale=0.05),
                "mlp.down_proj.weight": normal(width, mlp, scale=out_scale),
            }.items()
        }
    frequency = config.rope_theta ** (-np.arange(head // 2) / (head // 2))
    _write_previous_token(tensors, config, frequency)
    _write_induction(tensors, config, frequency, rng)
    return tensors


def _write_previous_token(tensors: dict[str, np.ndarray], config: ModelConfig, frequency: np.ndarray) -> None:
    half, code, constant = config.head_dim // 2, config.num_kv_heads * config.head_dim, config.hidden_size - 1
    fast = np.arange(len(_LOCAL_WEIGHTS))
    amplitude = np.sqrt(_LOCAL_WEIGHTS)
    key = np.zeros(config.head_dim, np.float32)
    key[fast] = amplitude
    # The query is the key turned back by one position, so that their phases agree at distance one.
    query = np.zeros(config.head_dim, np.float32)
    query[fast], query[fast + half] = amplitude * np.cos(frequency[fast]), -amplitude * np.sin(frequency[fast])
    for kind, vector in (("q", query), ("k", key)):
        weight = tensors[f"model.layers.0.self_attn.{kind}_proj.weight"]
        for rows in _written_heads(config, kind):
            weight[rows] = 0.0
            weight[rows, constant] = vector
        gain = tensors[f"model.layers.0.self_attn.{kind}_norm.weight"]
        gain[np.concatenate([fast, fast + half])] = _LOCAL_GAIN
    # A normalised code arrives about ten times its own size; it should leave at its own size.
    _write_copy(tensors, config, layer=0, read=0, write=code, scale=0.1)


def _write_induction(
    tensors: dict[str, np.ndarray], config: ModelConfig, frequency: np.ndarray, rng: np.random.Generator
) -> None:
    half, code = config.head_dim // 2, config.num_kv_heads * config.head_dim
    slow = np.flatnonzero(frequency < _SLOW)
    dims = np.concatenate([slow, slow + half])
    look = np.zeros((config.head_dim, code), np.float32)
    look[dims] = rng.standard_normal((len(dims), code)) * code**-0.5
    for kind, start in (("q", 0), ("k", code)):
        weight = tensors[f"model.layers.1.self_attn.{kind}_proj.weight"]
        for rows in _written_heads(config, kind):
            weight[rows] = 0.0
            weight[rows, start : start + code] = look
        tensors[f"model.layers.1.self_attn.{kind}_norm.weight"][dims] = _MATCH_GAIN
    _write_copy(tensors, config, layer=1, read=0, write=0, scale=0.5)


def _write_copy(tensors: dict[str, np.ndarray], config: ModelConfig, layer: int, read: int, write: int, scale: float) -> None:
    """The written heads move residual dimensions [read, read + code) to [write, write + code): each kv head carries its share."""
    head, share = config.head_dim, config.num_heads // config.num_kv_heads
    value = tensors[f"model.layers.{layer}.self_attn.v_proj.weight"]
    output = tensors[f"model.layers.{layer}.self_attn.o_proj.weight"]
    for kv in range(config.num_kv_heads):
        eye = np.eye(head, dtype=np.float32)
        value[kv * head : (kv + 1) * head] = 0.0
        value[kv * head : (kv + 1) * head, read + kv * head : read + (kv + 1) * head] = eye
        query_head = kv * share
        columns = slice(query_head * head, (query_head + 1) * head)
        output[:, columns] = 0.0
        output[write + kv * head : write + (kv + 1) * head, columns] = scale * eye


def _written_heads(config: ModelConfig, kind: str) -> list[slice]:
    """Rows of the projection for the written heads: the first query head of every kv head, or every kv head."""
    share = config.num_heads // config.num_kv_heads if kind == "q" else 1
    return [slice(kv * share * config.head_dim, (kv * share + 1) * config.head_dim) for kv in range(config.num_kv_heads)]
