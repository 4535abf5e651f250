"""Laws of prefix sharing: a cut changes what is computed and not the result."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from flax import nnx
from hypothesis import given, settings
from hypothesis import strategies as st

import models
from jaxrlvr.monitoring.metrics import CompileCounter
from jaxrlvr.preflight.validation import check
from jaxrlvr.preflight.warmup import warm_sampler
from jaxrlvr.rollout.rollout import Actor, RolloutKey, rollout
from jaxrlvr.runtime.devices import MeshConfig
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.sampling import prefix_sharing

texts = st.lists(st.integers(1, 3), min_size=1, max_size=40)


@st.composite
def trees(draw):
    """Prompts of at most 64 tokens that are likely to share beginnings."""
    stems = draw(st.lists(texts, min_size=1, max_size=3))
    ends = st.lists(st.integers(1, 9), min_size=1, max_size=24)
    return [draw(st.sampled_from(stems)) + draw(ends) for _ in range(draw(st.integers(2, 12)))]


@settings(max_examples=200, deadline=None)
@given(trees())
def test_cut__puts_every_prompt_together_again(prompts):
    cut = prefix_sharing.cut(prompts, 64)
    if cut is None:
        return
    assert len(
        cut.shared_prefixes
    ) <= cut.shared_capacity in prefix_sharing.SHARED_COUNTS and cut.remainder_capacity in (8, 16, 32)
    assert set(cut.shared_B) == set(range(len(cut.shared_prefixes))) and all(cut.shared_prefixes)
    for prompt, n in zip(prompts, cut.shared_B, strict=True):
        assert prompt[: len(cut.shared_prefixes[n])] == cut.shared_prefixes[n]
        assert 1 <= len(prompt) - len(cut.shared_prefixes[n]) <= cut.remainder_capacity
    assert cut.shared_capacity * 64 + cut.remainder_capacity * len(prompts) <= prefix_sharing.MAX_COST * 64 * len(
        prompts
    )


def prompts_of(stems, each, rest, seed=0):
    """`each` prompts for each of some beginnings, of unlike lengths, in no order."""
    rng = np.random.default_rng(seed)
    begins = [rng.integers(5, 400, length).tolist() for length in stems]
    prompts = [
        begin + rng.integers(5, 400, rng.integers(1, rest + 1)).tolist() for begin in begins for _ in range(each)
    ]
    return [prompts[index] for index in rng.permutation(len(prompts))]


def test_cut__finds_the_shared_prefixes_and_the_smallest_remainders():
    prompts = prompts_of([100, 90], 6, 14)
    cut = prefix_sharing.cut(prompts, 128)
    assert {len(stem) for stem in cut.shared_prefixes} == {100, 90}
    assert (cut.shared_capacity, cut.remainder_capacity) == (2, 16)


def test_cut__is_none_where_nothing_is_shared():
    assert prefix_sharing.cut(prompts_of([1] * 8, 1, 60), 64) is None
    assert prefix_sharing.cut([[7]] * 4, 64) is None, "a shared prefix and a remainder have at least a token each"
    assert prefix_sharing.cut(prompts_of([40], 1, 9), 64) is None


@pytest.fixture(scope="module", params=["dense", "hybrid"])
def model(request, loaded):
    """Graph and parameters."""
    config = loaded.config
    if request.param == "hybrid":
        linear = {"linear_key_heads": 2, "linear_value_heads": 2, "linear_key_dim": 8, "linear_value_dim": 8}
        config = replace(config, full_attention_every=2, conv_width=4, **linear)
    return nnx.split(models.Decoder(config, rngs=nnx.Rngs(0)))


def test_encode__equals_prefill(model):
    decoder = nnx.merge(*model)
    prompts = prompts_of([40, 30, 35], 3, 14)
    cut = prefix_sharing.cut(prompts, 64)
    assert cut is not None and (len(cut.shared_prefixes), cut.shared_capacity) == (3, 4)
    last_BD, cache, length_B = prefix_sharing.encode(decoder.unrolled(), prompts, 64, 0, cut)
    tokens_BP = np.zeros((len(prompts), 64), np.int32)
    for b, prompt in enumerate(prompts):
        tokens_BP[b, : len(prompt)] = prompt
    hidden_BPD, whole = decoder.prefill(tokens_BP, np.asarray(length_B))
    np.testing.assert_array_equal(length_B, [len(prompt) for prompt in prompts])
    for b, prompt in enumerate(prompts):
        np.testing.assert_allclose(last_BD[b], hidden_BPD[b, len(prompt) - 1], atol=2e-5)
        np.testing.assert_allclose(cache.k[:, b, 0, ..., : len(prompt)], whole.k[:, b, ..., : len(prompt)], atol=2e-5)
        np.testing.assert_allclose(cache.v[:, b, 0, :, : len(prompt)], whole.v[:, b, :, : len(prompt)], atol=2e-5)
        if whole.memory is not None:
            np.testing.assert_allclose(cache.memory[:, b, 0], whole.memory[:, b], atol=2e-5)
            np.testing.assert_allclose(cache.conv[:, b, 0], whole.conv[:, b], atol=2e-5)


@pytest.fixture(scope="module")
def acting_wide(acting):
    return replace(acting, prefix_buckets=(192,))


@pytest.fixture(scope="module")
def tasks(make_tasks):
    return make_tasks(4) + make_tasks(4, "jira_transition_ticket")


def played(policy, acting, tasks):
    actor = Actor(policy.sampler(acting), policy.params, policy.chat)
    return rollout(actor, tasks, acting, RolloutKey(3, 1, range(len(tasks)))).groups


@pytest.fixture(scope="module")
def whole(loaded, acting_wide, tasks):
    """Return the groups sampled when every prompt is encoded whole."""
    return played(loaded, acting_wide, tasks)


@pytest.mark.parametrize("slots", [0, 2])
def test_rollout__samples_the_same_tokens_and_compiles_nothing_more(
    loaded, acting_wide, tasks, whole, slots, monkeypatch
):
    encoded = {"encode": 0, "encode_grafted": 0}

    def counted(name, original):
        def encode(*arguments):
            encoded[name] += 1
            return original(*arguments)

        return encode

    for name in encoded:
        monkeypatch.setattr(prefix_sharing, name, counted(name, getattr(prefix_sharing, name)))
    acting = replace(acting_wide, share_prefixes=True, slots=slots)
    warm_sampler(loaded.sampler(acting), loaded.params, 192, len(tasks), acting.group_size, slots)
    counter = CompileCounter()
    encoded |= {"encode": 0, "encode_grafted": 0}
    groups = played(loaded, acting, tasks)
    assert counter.count == 0
    assert encoded["encode_grafted"] >= 4 if slots else encoded["encode"] == 1
    actual, expected = ([member for group in played for member in group.members] for played in (groups, whole))
    assert [member.tokens for member in actual] == [member.tokens for member in expected]
    for member, other in zip(actual, expected, strict=True):
        np.testing.assert_allclose(member.logprobs, other.logprobs, atol=1e-4)
    assert len({tuple(member.tokens) for member in actual}) > 8


def test_graft__takes_the_longest_prefix_that_leaves_a_short_remainder():
    encoded = [[1, 2, 3, 4] * 10, [1, 2, 9] + [7] * 30, [5] * 40]
    assert prefix_sharing.graft([1, 2, 9, 7, 7, 6, 6], encoded, 64) == (1, 5, 8)
    assert prefix_sharing.graft([1, 2, 9, 7, 7], encoded, 64) == (1, 4, 8), "a token is left to run"
    assert prefix_sharing.graft([8, 8, 8], encoded, 64) is None
    assert prefix_sharing.graft([5] + [6] * 40, encoded, 64) is None, "no capacity for 40"


def test_warm_up__compiles_every_cut(loaded):
    decoder = nnx.merge(loaded.graphdef, loaded.params)
    prefix_sharing.warm_up(decoder.unrolled(), 10, 64, 0)
    counter = CompileCounter()
    seen = set()
    for stems, rest in (([50], 8), ([40], 15), ([40, 39], 16), ([31, 30, 29], 30), ([45, 44, 43, 42], 7)):
        prompts = (prompts_of(stems, 10 // len(stems), rest) * 2)[:10]
        cut = prefix_sharing.cut(prompts, 64)
        if cut is not None:
            seen.add((cut.shared_capacity, cut.remainder_capacity))
            jax.block_until_ready(prefix_sharing.encode(decoder.unrolled(), prompts, 64, 0, cut))
    assert len(seen) > 2 and counter.count == 0


def test_check__refuses_a_mesh(tiny_run):
    config = replace(tiny_run, rollout=replace(tiny_run.rollout, share_prefixes=True))
    check(config, None)
    with pytest.raises(UserError, match="works on one device, and --policy.mesh has 2"):
        check(replace(config, policy=replace(config.policy, mesh=MeshConfig(data=2))), None)
