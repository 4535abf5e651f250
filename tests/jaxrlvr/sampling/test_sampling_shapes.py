"""Laws of the sampler's shape assertions: arrays of a wrong shape or type are refused before anything runs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxrlvr.sampling.categorical import choose
from jaxrlvr.sampling.sampler import DecodeLimits, Sampler, keys

LOGITS_BGV, POSITION_BG = jnp.zeros((2, 3, 7)), jnp.zeros((2, 3), jnp.int32)


@pytest.mark.parametrize(
    ("logits_BGV", "position_BG"),
    [(LOGITS_BGV[0], POSITION_BG), (LOGITS_BGV, POSITION_BG[:, :2]), (LOGITS_BGV, POSITION_BG.astype(jnp.float32))],
    ids=["no groups", "a member without a position", "positions that are no integers"],
)
def test_choose__refuses_arrays_that_do_not_belong_together(logits_BGV, position_BG):
    choose(LOGITS_BGV, keys(0, 0, [0, 1], 3), POSITION_BG, jnp.float32(1))
    with pytest.raises(AssertionError):
        choose(logits_BGV, keys(0, 0, [0, 1], 3), position_BG, jnp.float32(1))


def test_decode__refuses_limits_and_keys_of_other_groups(loaded):
    sampler = Sampler(loaded.graphdef, (8,), (8,), 4, loaded.chat.stop_token, loaded.chat.pad_token)
    model = sampler.prepare_weights(loaded.params)
    prefix, state = sampler.prefill(model, [[5, 6], [7]], 3)
    fitting, key_BG = np.zeros((2, 3), np.int32), keys(0, 0, [0, 1], 3)
    jax.block_until_ready(sampler.decode(model, prefix, state, DecodeLimits(fitting), key_BG, 1.0))
    prefix, state = sampler.prefill(model, [[5, 6], [7]], 3)
    for length_BG, wrong_key_BG in ((fitting[:1], key_BG), (fitting.ravel(), key_BG), (fitting, key_BG[:, :2])):
        with pytest.raises(AssertionError):
            sampler.decode(model, prefix, state, DecodeLimits(length_BG), wrong_key_BG, 1.0)
