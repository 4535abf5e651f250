"""Laws of the compiled sampler: one turn after another is one sequence, and stopped members stand still."""

from dataclasses import replace
from types import SimpleNamespace

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import models
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.sampling.sampler import DecodeLimits, Sampler, keys

PROMPTS = [[5, 6, 7, 8, 9], [10, 11, 12]]
MEMBERS = 3


@pytest.fixture(scope="module")
def make_sampler(loaded):
    def make(chunk=4, suffix_buckets=(8, 16)):
        chat = loaded.chat
        return Sampler(loaded.graphdef, (8,), suffix_buckets, chunk, chat.stop_token, chat.pad_token)

    return make


@pytest.fixture(scope="module")
def hybrid(loaded):
    """Graph and parameters of a random hybrid."""
    linear = {"linear_key_heads": 2, "linear_value_heads": 2, "linear_key_dim": 8, "linear_value_dim": 8}
    config = replace(loaded.config, full_attention_every=2, conv_width=4, **linear)
    graphdef, params = nnx.split(models.Decoder(config, rngs=nnx.Rngs(0)))
    return SimpleNamespace(graphdef=graphdef, params=params)


def limits(*rows):
    return np.array(rows, np.int32)


def plain_hidden(loaded, tokens):
    """The last hidden state of one sequence, run at once."""
    model = nnx.merge(loaded.graphdef, loaded.params)
    padded = np.zeros((1, 32), np.int32)
    padded[0, : len(tokens)] = tokens
    hidden_BPD, _ = model.prefill(padded, np.array([len(tokens)]))
    return hidden_BPD[0, len(tokens) - 1]


def test_append__continues_each_member_as_one_sequence(loaded, make_sampler):
    answers = [[[20, 21, 22], [], [23]], [[24, 25, 26, 27, 28, 29], [30], []]]
    more = [[[40], [41, 42], []], [[], [43], [44]]]
    sampler = make_sampler()
    model = sampler.prepare_weights(loaded.params)
    prefix, state = sampler.prefill(model, PROMPTS, MEMBERS)
    for texts in (answers, more):
        state = sampler.append(model, prefix, state, texts)
    for b, prompt in enumerate(PROMPTS):
        for g in range(MEMBERS):
            tokens = prompt + answers[b][g] + more[b][g]
            assert int(state.length_BG[b, g]) == len(tokens) - len(prompt)
            np.testing.assert_allclose(state.hidden_BGD[b, g], plain_hidden(loaded, tokens), atol=1e-4)


def test_append__in_chunks_of_any_size_is_the_same(loaded, make_sampler):
    answers = [[[20, 21, 22, 23, 24], [25], []], [[26, 27], [], [28, 29, 30]]]
    results = []
    for chunk in (2, 8):
        sampler = make_sampler(chunk)
        model = sampler.prepare_weights(loaded.params)
        prefix, state = sampler.prefill(model, PROMPTS, MEMBERS)
        state = sampler.append(model, prefix, state, answers)
        results.append((state.length_BG, state.hidden_BGD))
    chex.assert_trees_all_close(*results, atol=1e-4)


def test_decode__stops_each_member_at_its_limit_or_end_of_turn(loaded, make_sampler):
    sampler = make_sampler()
    model = sampler.prepare_weights(loaded.params)
    prefix, state = sampler.prefill(model, PROMPTS, MEMBERS)
    limit_BG = limits([0, 3, 8], [8, 5, 1])
    state, turn = sampler.decode(model, prefix, state, DecodeLimits(limit_BG), keys(0, 0, range(2), MEMBERS), 1.0)
    length_BG, token_BGS = np.asarray(state.length_BG), np.asarray(turn.token_BGS)
    assert (length_BG <= limit_BG).all()
    for b, g in np.ndindex(2, MEMBERS):
        written = token_BGS[b, g, : length_BG[b, g]].tolist()
        ended = loaded.chat.stop_token in written
        assert len(written) == limit_BG[b, g] or ended
        assert not ended or written.index(loaded.chat.stop_token) == len(written) - 1
        assert not token_BGS[b, g, length_BG[b, g] :].any()


def test_decode__of_a_stopped_member_changes_nothing(loaded, make_sampler):
    sampler = make_sampler()
    model = sampler.prepare_weights(loaded.params)
    prefix, state = sampler.prefill(model, PROMPTS, MEMBERS)
    state = sampler.append(model, prefix, state, [[[20], [21], [22]]] * 2)
    before = jax.device_get((state.hidden_BGD, state.suffix, state.length_BG))
    still_BG = limits([0, 8, 0], [0, 0, 1])  # a limit at or below the length is no turn
    state, turn = sampler.decode(model, prefix, state, DecodeLimits(still_BG), keys(0, 0, range(2), MEMBERS), 1.0)
    after = jax.device_get((state.hidden_BGD, state.suffix, state.length_BG))
    wrote_BG = still_BG > 1
    assert (after[2] > before[2]).tolist() == wrote_BG.tolist()
    np.testing.assert_array_equal(after[0][~wrote_BG], before[0][~wrote_BG])
    for new, old in zip(jax.tree.leaves(after[1]), jax.tree.leaves(before[1]), strict=True):
        np.testing.assert_array_equal(new[~wrote_BG], old[~wrote_BG])
    assert not np.asarray(turn.token_BGS)[~wrote_BG].any()


def test_decode__greedily_takes_the_likeliest_token_of_a_plain_forward_pass(loaded, make_sampler):
    sampler = make_sampler()
    model = sampler.prepare_weights(loaded.params)
    prefix, state = sampler.prefill(model, PROMPTS, 1)
    state, turn = sampler.decode(model, prefix, state, DecodeLimits(limits([6], [6])), keys(0, 0, range(2), 1), 0.0)
    model = nnx.merge(loaded.graphdef, loaded.params)
    for b, prompt in enumerate(PROMPTS):
        sequence = list(prompt)
        for n in range(int(state.length_BG[b, 0])):
            every_V = jax.nn.log_softmax(model.logits(plain_hidden(loaded, sequence)))
            token = int(turn.token_BGS[b, 0, n])
            assert token == int(jnp.argmax(every_V))
            assert float(turn.logprob_BGS[b, 0, n]) == pytest.approx(float(every_V[token]), abs=1e-4)
            sequence.append(token)


def test_decode__leaves_off_and_goes_on_as_if_nothing_had_happened(loaded, make_sampler):
    sampler, key_BG = make_sampler(), keys(0, 0, range(2), MEMBERS)
    limit_BG = limits([2, 8, 8], [1, 7, 8])
    model = sampler.prepare_weights(loaded.params)
    prefix, state = sampler.prefill(model, PROMPTS, MEMBERS)
    whole, turn = sampler.decode(model, prefix, state, DecodeLimits(limit_BG), key_BG, 1.0)
    prefix, state = sampler.prefill(model, PROMPTS, MEMBERS)
    state, first = sampler.decode(model, prefix, state, DecodeLimits(limit_BG, max_active=4), key_BG, 1.0)
    length_BG = np.asarray(state.length_BG)
    assert (length_BG < np.asarray(whole.length_BG)).sum() in range(1, 5), "it did not leave off"
    state, second = sampler.decode(model, prefix, state, DecodeLimits(limit_BG), key_BG, 1.0)
    chex.assert_trees_all_close((state.length_BG, state.hidden_BGD), (whole.length_BG, whole.hidden_BGD), atol=1e-5)
    early_BGS = np.arange(8) < length_BG[..., None]
    token_BGS = np.where(early_BGS, first.token_BGS, second.token_BGS)
    np.testing.assert_array_equal(token_BGS, turn.token_BGS)


@pytest.mark.parametrize("family", ["dense", "hybrid"])
def test_assign_slots__begins_anew_in_its_place_and_touches_no_other(family, loaded, hybrid, make_sampler):
    policy = {"dense": loaded, "hybrid": hybrid}[family]
    sampler = replace(make_sampler(), graphdef=policy.graphdef)
    model = sampler.prepare_weights(policy.params)
    before, after = [[[20, 21, 22], [], [23]], [[24], [30], []]], [[[40], [], [41, 42]], [[43, 44], [], []]]
    prefix, state = sampler.prefill(model, PROMPTS, MEMBERS)
    state = sampler.append(model, prefix, state, before)
    prefix, state = sampler.assign_slots(model, prefix, state, {1: [13, 14, 15, 16]})
    state = sampler.append(model, prefix, state, after)
    for b, begin in enumerate([[PROMPTS[0] + text for text in before[0]], [[13, 14, 15, 16]] * MEMBERS]):
        for g in range(MEMBERS):
            tokens = begin[g] + after[b][g]
            np.testing.assert_allclose(state.hidden_BGD[b, g], plain_hidden(policy, tokens), atol=1e-4)


def test_reserve__takes_the_smallest_bucket_and_never_shrinks(loaded, make_sampler):
    sampler = make_sampler(suffix_buckets=(4, 8, 16))
    model = sampler.prepare_weights(loaded.params)
    _, state = sampler.prefill(model, PROMPTS, 1)
    sizes = [state.suffix.num_slots]
    for length in (4, 5, 3, 16, 1):
        state = sampler.reserve(state, length)
        sizes.append(state.suffix.num_slots)
    assert sizes == [4, 4, 8, 8, 16, 16]


def test_prefill__refuses_a_prompt_longer_than_the_largest_bucket(loaded, make_sampler):
    sampler = make_sampler()
    with pytest.raises(UserError, match="prompt of 9 tokens is longer than the largest bucket, 8: add a bucket"):
        sampler.prefill(sampler.prepare_weights(loaded.params), [[1] * 9, [1]], 2)
