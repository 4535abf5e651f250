"""Laws of one draw: from the right distribution, with the right log-prob, fixed by key and position alone."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.sampling.categorical import choose, member_keys


def logits(*shape, seed=0):
    return jnp.asarray(2 * np.random.default_rng(seed).standard_normal(shape), jnp.float32)


def at(position, *shape):
    return jnp.full(shape, position, jnp.int32)


def test_choose__at_temperature_0_is_argmax():
    logits_BGV = logits(3, 4, 50)
    token_BG, logprob_BG = choose(logits_BGV, member_keys(jax.random.key(0), jnp.arange(3), 4), at(0, 3, 4), 0.0)
    chex.assert_trees_all_equal(token_BG, jnp.argmax(logits_BGV, -1).astype(jnp.int32))
    chex.assert_trees_all_close(logprob_BG, jax.nn.log_softmax(logits_BGV).max(-1), atol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("step", [1, 13])
def test_choose__draws_as_often_as_the_softmax_says(temperature, step):
    # A step above 1 spreads the tokens that can be drawn over a vocabulary of several blocks.
    draws, size = 40_000, 12
    logits_V = jnp.full(size * step, -jnp.inf).at[::step].set(logits(size))
    keys_BG = member_keys(jax.random.key(1), jnp.arange(draws), 1)
    token_BG, _ = jax.jit(choose)(
        jnp.broadcast_to(logits_V, (draws, 1, size * step)), keys_BG, at(3, draws, 1), temperature
    )
    counts_V = np.bincount(np.asarray(token_BG).ravel(), minlength=size * step)
    assert counts_V.sum() == counts_V[::step].sum()
    counts_V = counts_V[::step]
    expected_V = draws * np.asarray(jax.nn.softmax(logits_V[::step] / temperature), np.float64)
    chi_square = ((counts_V - expected_V) ** 2 / expected_V).sum()
    # The 0.9999 quantile of chi-square with 11 degrees of freedom.
    assert chi_square < 37.4, (counts_V, expected_V)


def test_choose__never_draws_what_has_no_probability():
    logits_V = jnp.array([-jnp.inf, 0.0, -jnp.inf, 1.0, -jnp.inf])
    keys_BG = member_keys(jax.random.key(2), jnp.arange(5000), 1)
    token_BG, logprob_BG = choose(jnp.broadcast_to(logits_V, (5000, 1, 5)), keys_BG, at(0, 5000, 1), 1.0)
    assert set(np.unique(token_BG)) == {1, 3}
    chex.assert_tree_all_finite(logprob_BG)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 1.7])
def test_choose__returns_the_logprob_of_the_distribution_drawn_from(temperature):
    logits_BGV = logits(2, 5, 30)
    token_BG, logprob_BG = choose(
        logits_BGV, member_keys(jax.random.key(0), jnp.arange(2), 5), at(0, 2, 5), temperature
    )
    every_BGV = jax.nn.log_softmax(logits_BGV / temperature)
    chex.assert_trees_all_close(logprob_BG, jnp.take_along_axis(every_BGV, token_BG[..., None], -1)[..., 0], atol=1e-6)


def test_choose__depends_on_key_and_position_only():
    one_V = logits(200)
    same_BGV = jnp.broadcast_to(one_V, (3, 4, 200))
    key_BG = member_keys(jax.random.key(7), jnp.arange(3), 4)
    token_BG, _ = choose(same_BGV, key_BG, at(5, 3, 4), 1.0)
    # Another place in the batch, and another member's logits beside it, change nothing.
    turned_BG, _ = choose(same_BGV[:, ::-1], key_BG[::-1, ::-1], at(5, 3, 4), 1.0)
    alone_BG, _ = choose(one_V[None, None], key_BG[1:2, 2:3], at(5, 1, 1), 1.0)
    chex.assert_trees_all_equal(turned_BG[::-1, ::-1], token_BG)
    assert alone_BG[0, 0] == token_BG[1, 2]
    later_BG, _ = choose(same_BGV, key_BG, at(6, 3, 4), 1.0)
    assert (later_BG != token_BG).any()


def test_member_keys__are_all_different():
    data = jax.random.key_data(member_keys(jax.random.key(0), jnp.arange(20), 8)).reshape(160, -1)
    assert len(np.unique(np.asarray(data), axis=0)) == 160


def test_member_keys__follow_numbers_and_not_places():
    key = jax.random.key(3)
    all_BG = member_keys(key, jnp.array([4, 9, 2]), 3)
    chex.assert_trees_all_equal(
        jax.random.key_data(member_keys(key, jnp.array([9]), 3)[0]), jax.random.key_data(all_BG[1])
    )
    chex.assert_trees_all_equal(
        jax.random.key_data(member_keys(key, jnp.array([4, 9, 2]), 5)[:, :3]), jax.random.key_data(all_BG)
    )
