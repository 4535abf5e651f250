"""Numeric functions reject arrays of a wrong rank, shape or dtype when they are traced, with an AssertionError."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import models
from models import KVCache, Prefix
from models.attention import attend
from models.cache import LayerCaches, RecurrentState
from models.experts import Routing, balance_loss, mixture
from models.fast_attention import KeySet
from models.gated_delta_rule import DeltaInputs, gated_delta_rule
from models.linear_attention import linear_attention, member_state
from models.logprobs import logits, token_logprobs
from models.lora import Lora, project
from models.norm import rms_norm
from models.rope import Rotation, rotate, rotation

B, G, T, S, P, D, E, K, R, N, V, X = 2, 3, 4, 5, 6, 32, 8, 2, 3, 7, 11, 4
LINEAR = {"linear_key_heads": 2, "linear_value_heads": 4, "linear_key_dim": 8, "linear_value_dim": 12, "conv_width": 4}
U, W, C, M = 4, 12, 3, 2 * 2 * 8 + 4 * 12


def floats(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.float32)


def ints(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.int32)


def bools(*shape):
    return jax.ShapeDtypeStruct(shape, bool)


def suffix_keys(**changes):
    return KeySet(floats(B, G, K, E, S), floats(B, G, K, S, E), ints(B, G, T))._replace(**changes)


def prefix_keys(**changes):
    return KeySet(floats(B, K, E, P), floats(B, K, P, E), ints(B))._replace(**changes)


def delta_inputs(**changes):
    keys, values, scalars = floats(B, G, T, U, E), floats(B, G, T, U, W), floats(B, G, T, U)
    return DeltaInputs(keys, keys, values, scalars, scalars)._replace(**changes)


def state(*shape):
    return RecurrentState(floats(*shape, C, M), floats(*shape, U, E, W))


def routing(**changes):
    return Routing(floats(2, X), floats(2, X), floats(2))._replace(**changes)


def cache(**changes):
    return KVCache(floats(2, B, G, K, E, S), floats(2, B, G, K, S, E))._replace(**changes)


Q = floats(B, G, T, K, R, E)
TURN = Rotation(floats(B, G, T, E // 2), floats(B, G, T, E // 2))
MATRIX = {"down": floats(48, D)}


def run_project(x, w):
    return project(Lora(), "bgtf,fd->bgtd", x, w, "down")


def run_rotation(position):
    return rotation(1e4, E, None, position)


def run_norm(x, weight):
    return rms_norm(x, weight, 1e-6)


def run_grow(kv_cache):
    return models.grow_cache(kv_cache, S + 1)


CASES = {
    "attend": (attend, (Q, suffix_keys(), prefix_keys())),
    "rotation": (run_rotation, (ints(B, G, T),)),
    "rotate": (rotate, (floats(B, G, T, K, E), TURN)),
    "rms_norm": (run_norm, (floats(B, T, D), floats(D))),
    "logits": (logits, (floats(B, D), floats(V, D))),
    "token_logprobs": (token_logprobs, (floats(N, D), floats(V, D), ints(N))),
    "gated_delta_rule": (gated_delta_rule, (delta_inputs(), floats(B, G, U, E, W))),
    "balance_loss": (balance_loss, (routing(),)),
    "grow_cache": (run_grow, (cache(),)),
    "stack_cache": (models.stack_cache, (cache(),)),
    "unroll_cache": (models.unroll_cache, (cache(),)),
    "project": (run_project, (floats(B, G, T, 48), MATRIX)),
}
WRONG = [
    ("attend", (floats(B, G, T, K * R, E), suffix_keys(), prefix_keys())),
    ("attend", (Q, suffix_keys(k=floats(B, G, K, S, E)), None)),
    ("attend", (Q, suffix_keys(v=floats(B, G, K, S + 1, E)), None)),
    ("attend", (Q, suffix_keys(extent=ints(B, G)), None)),
    ("attend", (Q, suffix_keys(extent=floats(B, G, T)), None)),
    ("attend", (Q, suffix_keys(begin=ints(B, T)), None)),
    ("attend", (Q, suffix_keys(), prefix_keys(k=floats(B, G, K, E, P)))),
    ("attend", (Q, suffix_keys(), prefix_keys(v=floats(B, K, E, P)))),
    ("attend", (Q, suffix_keys(), prefix_keys(extent=ints(B, 1)))),
    ("attend", (Q, suffix_keys(), prefix_keys(extent=floats(B)))),
    ("rotation", (ints(B, T),)),
    ("rotation", (floats(B, G, T),)),
    ("rotate", (floats(B, G, T, E), TURN)),
    ("rotate", (floats(B, T, G, K, E), TURN)),
    ("rotate", (floats(B, G, T, K, E // 2), TURN)),
    ("rotate", (ints(B, G, T, K, E), TURN)),
    ("rms_norm", (floats(B, T, D), floats(1))),
    ("rms_norm", (floats(B, T, D), floats(T, D))),
    ("rms_norm", (ints(B, T, D), floats(D))),
    ("logits", (floats(B, D), floats(D, V))),
    ("logits", (floats(B, D), floats(D))),
    ("logits", (ints(B, D), floats(V, D))),
    ("token_logprobs", (floats(1, N, D), floats(V, D), ints(N))),
    ("token_logprobs", (floats(N, D), floats(D, V), ints(N))),
    ("token_logprobs", (floats(N, D), floats(V, D), ints(N + 1))),
    ("token_logprobs", (floats(N, D), floats(V, D), floats(N))),
    ("gated_delta_rule", (delta_inputs(k_BGTUE=floats(B, G, T, U, W)), floats(B, G, U, E, W))),
    ("gated_delta_rule", (delta_inputs(decay_BGTU=floats(B, G, T, U, 1)), floats(B, G, U, E, W))),
    ("gated_delta_rule", (delta_inputs(write_BGTU=floats(B, G, 1, U)), floats(B, G, U, E, W))),
    ("gated_delta_rule", (delta_inputs(), floats(B, G, U, W, E))),
    ("gated_delta_rule", (delta_inputs(v_BGTUW=ints(B, G, T, U, W)), floats(B, G, U, E, W))),
    ("balance_loss", (routing(chosen_X=floats(X), probability_X=floats(X), tokens=floats()),)),
    ("balance_loss", (routing(probability_X=floats(2, 1)),)),
    ("balance_loss", (routing(tokens=floats(1)),)),
    ("balance_loss", (routing(chosen_X=ints(2, X)),)),
    ("grow_cache", (cache(v=floats(2, B, G, K, E, S)),)),
    ("grow_cache", (cache(v=jax.ShapeDtypeStruct((2, B, G, K, S, E), jnp.bfloat16)),)),
    ("stack_cache", (KVCache((floats(B, K, E, S),), (floats(B, K, S, E), floats(B, K, S, E))),)),
    ("stack_cache", (KVCache((floats(B, K, E, S),), (floats(B, K, E, S),)),)),
    ("unroll_cache", (KVCache(floats(K, E, S), floats(K, S, E)),)),
    ("unroll_cache", (cache(conv=floats(2, B, G, C, M), memory=floats(2, B, U, E, W)),)),
    ("project", (floats(B, G, T, 24), MATRIX)),
    ("project", (floats(B, G, 48), MATRIX)),
]


@pytest.mark.parametrize("name", CASES)
def test_function__takes_what_fits(name):
    function, arguments = CASES[name]
    jax.eval_shape(function, *arguments)


@pytest.mark.parametrize(("name", "arguments"), WRONG)
def test_function__rejects_a_wrong_shape_or_dtype(name, arguments):
    with pytest.raises(AssertionError):
        jax.eval_shape(CASES[name][0], *arguments)


@pytest.fixture(scope="module")
def dense(make_decoder):
    return make_decoder()


@pytest.mark.parametrize(
    ("tokens", "length"),
    [(ints(B, 1, P), ints(B)), (ints(B, P), ints()), (ints(B, P), ints(B + 1)), (floats(B, P), ints(B))],
)
def test_prefill__rejects_a_wrong_shape_or_dtype(dense, tokens, length):
    jax.eval_shape(dense.prefill, ints(B, P), ints(B))
    with pytest.raises(AssertionError):
        jax.eval_shape(dense.prefill, tokens, length)


@pytest.mark.parametrize(
    "change",
    [
        {"tokens": ints(B, T)},
        {"tokens": floats(B, G, T)},
        {"prefix_length": ints(B, G)},
        {"suffix_length": ints(B)},
        {"suffix_length": floats(B, G)},
        {"count": ints(B)},
        {"suffix": KVCache(floats(2, B, G, K, S, E), floats(2, B, G, K, S, E))},
        {"suffix": KVCache(floats(2, B, 1, K, E, S), floats(2, B, 1, K, S, E))},
        {"prefix_cache": KVCache(floats(2, 1, K, E, P), floats(2, 1, K, P, E))},
    ],
)
def test_extend__rejects_a_wrong_shape_or_dtype(dense, change):
    def extend(tokens, prefix_cache, prefix_length, suffix, suffix_length, count):
        return dense.extend(tokens, Prefix(prefix_cache, prefix_length), suffix, suffix_length, count)

    fitting = {"tokens": ints(B, G, T), "prefix_length": ints(B), "suffix": cache(), "suffix_length": ints(B, G)}
    fitting |= {"prefix_cache": KVCache(floats(2, B, K, E, P), floats(2, B, K, P, E)), "count": ints(B, G)}
    jax.eval_shape(extend, **fitting)
    with pytest.raises(AssertionError):
        jax.eval_shape(extend, **fitting | change)


def test_extend__rejects_a_wrong_begin(dense):
    def extend(begin):
        return dense.extend(jnp.zeros((B, G, T), int), None, None, jnp.zeros((B, G), int), begin_BGT=begin)

    jax.eval_shape(extend, ints(B, G, T))
    for begin in (ints(B, G), floats(B, G, T)):
        with pytest.raises(AssertionError):
            jax.eval_shape(extend, begin)


@pytest.mark.parametrize(
    ("x", "counted"),
    [(floats(B, T, D), None), (floats(B, G, T, D + 1), None), (floats(B, G, T, D), bools(B, T)),
     (floats(B, G, T, D), ints(B, G, T)), (ints(B, G, T, D), None)],
)  # fmt: skip
def test_mixture__rejects_a_wrong_shape_or_dtype(make_config, x, counted):
    config = make_config(num_experts=X, experts_per_token=2, expert_size=24)
    w = {"router": floats(D, X), "expert_gate": floats(X, D, 24), "expert_up": floats(X, D, 24)}
    w["expert_down"] = floats(X, 24, D)

    def run(w, x, counted):
        return mixture(config, w, x, counted, None)

    jax.eval_shape(run, w, floats(B, G, T, D), bools(B, G, T))
    with pytest.raises(AssertionError):
        jax.eval_shape(run, w, x, counted)


@pytest.mark.parametrize(
    ("normed", "before", "is_real"),
    [
        (floats(B, T, D), state(B, G), bools(B, G, T)),
        (floats(B, G, T, D), state(B), bools(B, G, T)),
        (floats(B, G, T, D), state(B, G)._replace(memory=floats(B, G, U, W, E)), bools(B, G, T)),
        (floats(B, G, T, D), state(B, G), bools(B, T)),
        (floats(B, G, T, D), state(B, G), ints(B, G, T)),
    ],
)
def test_linear_attention__rejects_a_wrong_shape_or_dtype(make_config, make_decoder, normed, before, is_real):
    config = make_config(**LINEAR, num_layers=2, full_attention_every=2)
    w = {name: value[0] for name, value in make_decoder(config).forward().layers.items()}

    def run(normed, before, is_real):
        return linear_attention(config, w, normed, before, is_real, None)

    jax.eval_shape(run, floats(B, G, T, D), state(B, G), bools(B, G, T))
    with pytest.raises(AssertionError):
        jax.eval_shape(run, normed, before, is_real)


@pytest.mark.parametrize(
    ("caches", "starts"),
    [
        (LayerCaches(state(B), state(B, G)), bools(B)),
        (LayerCaches(state(B), state(B, G)), ints(B, G)),
        (LayerCaches(state(B + 1), None), bools(B, G)),
        (LayerCaches(state(B), state(B, 1)), bools(B, G)),
    ],
)
def test_member_state__rejects_a_wrong_shape_or_dtype(make_config, caches, starts):
    config = make_config(**LINEAR, num_layers=2, full_attention_every=2)

    def run(caches, starts):
        return member_state(config, caches.prefix, caches.suffix, starts)

    jax.eval_shape(run, LayerCaches(state(B), state(B, G)), bools(B, G))
    with pytest.raises(AssertionError):
        jax.eval_shape(run, caches, starts)


def test_assertions__leave_no_trace_in_a_compiled_program(monkeypatch):
    import chex

    arrays = [np.zeros((B, T, D), np.float32), np.zeros(D, np.float32)]
    programs = [jax.jit(lambda x, w: rms_norm(x, w, 1e-6)).lower(*arrays).as_text()]
    for name in ("assert_rank", "assert_axis_dimension", "assert_type"):
        monkeypatch.setattr(chex, name, lambda *_: None)
    programs.append(jax.jit(lambda x, w: rms_norm(x, w, 1e-6)).lower(*arrays).as_text())
    assert programs[0] == programs[1]
