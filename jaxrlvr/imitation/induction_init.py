"""Initial weights that can copy: previous-token heads and induction heads, constructed by hand.

A tool call is mostly copied from the request and from earlier responses. From a standard initialisation a
one-million-parameter model does not learn to copy within hours of CPU time; larger ones learn the two-layer circuit of
arXiv 2209.11895 late and suddenly. Here the circuit is in the initial weights.

A token has a code of C = kv heads x head width numbers; h is half of C. Parts of the residual stream:

    [0, C)         the token's code, which the tied output matrix reads
    [C, 2C)        the code of the token before
    from 2C on     h numbers of the code of the token two before, h of three before, h - 1 of four before
    the last       a constant

    layer 0   heads that attend 1, 2, 3 and 4 tokens back, by rotary phase alone, fill these parts
    layer 1   attends to tokens whose predecessor is the current token, and adds their code to [0, C): a token that
              followed the current one before follows again
    layer 2   attends to tokens whose fourth predecessor is the current token's predecessor: in
              `"name": "X", "id": "7"` the id that belongs to X

All other weights are random and small.
"""

import numpy as np

from models import ModelConfig

# Sharpness of the constructed heads: score gaps of several nats. Larger values freeze the other heads of the layer.
_LOCAL_GAIN, _MATCH_GAIN = 2.5, 3.0
# Weight of each rotary frequency, fastest first, in matching a distance; several frequencies tell larger distances
# apart.
_LOCAL_WEIGHTS = (0.45, 0.30, 0.15, 0.10)
# Frequencies slower than this many radians per token still match over a few hundred tokens.
_SLOW = 0.003
_CONSTANT = 0.5
# Normalisation scales a code up about tenfold; heads write it to memory at its original size, and as a prediction at
# five times that.
_REMEMBER, _PREDICT = 0.1, 0.5

Tensors = dict[str, np.ndarray]


def induction_tensors(config: ModelConfig, seed: int) -> Tensors:
    """Return all weights of a Qwen3 model in Hugging Face names and shapes, float32.

    Raises ValueError if the circuit does not fit the shape: it needs three layers, tied embeddings, two kv heads of
    three query heads each, and a width of 3.5 codes.
    """
    code, width = config.num_kv_heads * config.head_dim, config.hidden_size
    fits = config.num_layers >= 3 and config.tie_embeddings and (config.num_kv_heads, config.num_heads) == (2, 6)
    if not fits or width < 7 * code // 2:
        raise ValueError(
            "the induction start needs 3 layers or more, tied embeddings, 6 query and 2 kv heads, and a hidden_size of "
            f"at least {7 * code // 2} for kv heads of {config.head_dim}; got {config}"
        )
    rng = np.random.default_rng(seed)
    tensors = _small_random(config, rng)
    embedding = tensors["model.embed_tokens.weight"]
    embedding[:, :code] = rng.standard_normal((config.vocab_size, code)) * code**-0.5
    embedding[:, -1] = _CONSTANT
    half = config.head_dim
    _write_look_back(tensors, config, query_head=0, distance=1, write=code, length=half)
    _write_look_back(tensors, config, query_head=3, distance=1, write=code + half, length=half)
    _write_look_back(tensors, config, query_head=1, distance=2, write=2 * code, length=half)
    _write_look_back(tensors, config, query_head=4, distance=3, write=2 * code + half, length=half)
    _write_look_back(tensors, config, query_head=2, distance=4, write=3 * code, length=half - 1)
    _write_match(tensors, config, rng, layer=1, current=0, earlier=code, length=code)
    _write_match(tensors, config, rng, layer=2, current=code, earlier=3 * code, length=half - 1)
    return tensors


def _small_random(config: ModelConfig, rng: np.random.Generator) -> Tensors:
    def normal(*shape: int, scale: float) -> np.ndarray:
        return (rng.standard_normal(shape) * scale).astype(np.float32)

    def ones(size: int) -> np.ndarray:
        return np.ones(size, np.float32)

    width, head, mlp = config.hidden_size, config.head_dim, config.mlp_size
    queries, keys, out_scale = (
        config.num_heads * head,
        config.num_kv_heads * head,
        0.02 / np.sqrt(2 * config.num_layers),
    )
    tensors = {
        "model.embed_tokens.weight": normal(config.vocab_size, width, scale=0.02),
        "model.norm.weight": ones(width),
    }
    for layer in range(config.num_layers):
        of_layer = {
            "input_layernorm": ones(width),
            "post_attention_layernorm": ones(width),
            "self_attn.q_norm": ones(head),
            "self_attn.k_norm": ones(head),
            "self_attn.q_proj": normal(queries, width, scale=0.05),
            "self_attn.k_proj": normal(keys, width, scale=0.05),
            "self_attn.v_proj": normal(keys, width, scale=0.05),
            "self_attn.o_proj": normal(width, queries, scale=out_scale),
            "mlp.gate_proj": normal(mlp, width, scale=0.05),
            "mlp.up_proj": normal(mlp, width, scale=0.05),
            "mlp.down_proj": normal(width, mlp, scale=out_scale),
        }
        tensors |= {f"model.layers.{layer}.{name}.weight": value for name, value in of_layer.items()}
    return tensors


def _frequencies(config: ModelConfig) -> np.ndarray:
    return config.rope_theta ** (-np.arange(config.head_dim // 2) / (config.head_dim // 2))


def _write_look_back(
    tensors: Tensors, config: ModelConfig, query_head: int, distance: int, write: int, length: int
) -> None:
    """In layer 0, make a query head attend `distance` tokens back and write the first `length` values of its kv head
    to the residual stream from `write` on.
    """
    head, half, constant = config.head_dim, config.head_dim // 2, config.hidden_size - 1
    fast, frequency = np.arange(len(_LOCAL_WEIGHTS)), _frequencies(config)
    amplitude = np.sqrt(_LOCAL_WEIGHTS)
    key, query = np.zeros(head, np.float32), np.zeros(head, np.float32)
    key[fast] = amplitude
    # The query is the key turned back by `distance` positions, so that their phases agree at that distance.
    query[fast] = amplitude * np.cos(distance * frequency[fast])
    query[fast + half] = -amplitude * np.sin(distance * frequency[fast])
    kv_head = query_head * config.num_kv_heads // config.num_heads
    for kind, which, vector in (("q", query_head, query), ("k", kv_head, key)):
        weight = tensors[f"model.layers.0.self_attn.{kind}_proj.weight"]
        weight[which * head : (which + 1) * head] = 0.0
        weight[which * head : (which + 1) * head, constant] = vector
        tensors[f"model.layers.0.self_attn.{kind}_norm.weight"][np.concatenate([fast, fast + half])] = _LOCAL_GAIN
    _carry(tensors, config, 0, kv_head)
    _release(tensors, config, 0, query_head, write, length, _REMEMBER)


def _write_match(
    tensors: Tensors, config: ModelConfig, rng: np.random.Generator, layer: int, current: int, earlier: int, length: int
) -> None:
    """Make the first query head of each kv head attend to tokens whose residual stream at `earlier` equals the current
    token's at `current`.
    """
    head, half = config.head_dim, config.head_dim // 2
    slow = np.flatnonzero(_frequencies(config) < _SLOW)
    dims = np.concatenate([slow, slow + half])
    look = np.zeros((head, length), np.float32)
    look[dims] = rng.standard_normal((len(dims), length)) * length**-0.5
    share = config.num_heads // config.num_kv_heads
    for kv_head in range(config.num_kv_heads):
        for kind, which, start in (("q", kv_head * share, current), ("k", kv_head, earlier)):
            weight = tensors[f"model.layers.{layer}.self_attn.{kind}_proj.weight"]
            weight[which * head : (which + 1) * head] = 0.0
            weight[which * head : (which + 1) * head, start : start + length] = look
            tensors[f"model.layers.{layer}.self_attn.{kind}_norm.weight"][dims] = _MATCH_GAIN
        _carry(tensors, config, layer, kv_head)
        _release(tensors, config, layer, kv_head * share, kv_head * head, head, _PREDICT)


def _carry(tensors: Tensors, config: ModelConfig, layer: int, kv_head: int) -> None:
    """Make the values of a kv head its share of a token's code."""
    head = config.head_dim
    rows = slice(kv_head * head, (kv_head + 1) * head)
    value = tensors[f"model.layers.{layer}.self_attn.v_proj.weight"]
    value[rows] = 0.0
    value[rows, rows] = np.eye(head, dtype=np.float32)


def _release(
    tensors: Tensors, config: ModelConfig, layer: int, query_head: int, write: int, length: int, scale: float
) -> None:
    """Make a query head write the first `length` numbers of its value to the residual stream from `write` on."""
    head = config.head_dim
    output = tensors[f"model.layers.{layer}.self_attn.o_proj.weight"]
    output[:, query_head * head : (query_head + 1) * head] = 0.0
    output[write : write + length, query_head * head : query_head * head + length] = scale * np.eye(length)
