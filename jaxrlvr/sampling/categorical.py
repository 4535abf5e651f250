"""Categorical sampling: one token per member from its logits, with the log-prob it was drawn with."""

import chex
import jax
import jax.numpy as jnp

_BLOCK = 64
"""Weights per block: a draw finds its block first, then the token within it."""


def member_keys(key: jax.Array, group_B: jax.Array, members: int) -> jax.Array:
    """Derive one random key per member [B, G] from the numbers of its group and of itself, not from batch positions."""
    group_keys_B = jax.vmap(lambda group: jax.random.fold_in(key, group))(group_B)
    return jax.vmap(
        lambda group_key: jax.vmap(lambda member: jax.random.fold_in(group_key, member))(jnp.arange(members))
    )(group_keys_B)


def choose(
    logits_BGV: jax.Array, key_BG: jax.Array, position_BG: jax.Array, temperature: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Draw one token per member at `temperature`; take the most likely one at temperature 0.

    Returns tokens [B, G] int32 and their log-probs [B, G] float32 under softmax(logits / temperature), the distribution
    drawn from; greedy tokens report their log-prob at temperature 1. The draw depends only on the member's key and
    position. Raises AssertionError for wrong shapes.
    """
    chex.assert_rank([logits_BGV, key_BG, position_BG], [3, 2, 2])
    chex.assert_equal_shape_prefix([logits_BGV, key_BG, position_BG], 2)
    chex.assert_type(position_BG, int)
    greedy = temperature <= 0
    scaled_BGV = logits_BGV.astype(jnp.float32) / jnp.where(greedy, 1.0, temperature)
    top_BG1 = scaled_BGV.max(axis=-1, keepdims=True)
    weight_BGV = jnp.exp(scaled_BGV - top_BG1)
    uniform = jax.vmap(jax.vmap(lambda key, position: jax.random.uniform(jax.random.fold_in(key, position))))
    drawn_BG, total_BG = _draw(weight_BGV, uniform(key_BG, position_BG))
    token_BG = jax.lax.cond(greedy, lambda: jnp.argmax(scaled_BGV, axis=-1).astype(jnp.int32), lambda: drawn_BG)
    chosen_BG = jnp.take_along_axis(scaled_BGV, token_BG[..., None], axis=-1)[..., 0]
    return token_BG, chosen_BG - top_BG1[..., 0] - jnp.log(total_BG)


def _draw(weight_BGV: jax.Array, uniform_BG: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Draw indices [B, G] int32 in proportion to the weights. Returns them and the sum of the weights [B, G].

    Inverts the cumulative sum at one uniform number per member: V times fewer random bits than Gumbel noise. It finds a
    block first, then the index within it: one cumulative sum over all weights costs many times more.
    """
    width = min(_BLOCK, weight_BGV.shape[-1])
    padded_BGV = jnp.pad(weight_BGV, [(0, 0), (0, 0), (0, -weight_BGV.shape[-1] % width)])
    weight_BGNW = padded_BGV.reshape(*weight_BGV.shape[:2], -1, width)
    block_BGN = weight_BGNW.sum(axis=-1)
    total_BG = block_BGN.sum(axis=-1)
    block_BG, rest_BG = _invert(block_BGN, uniform_BG * total_BG)
    index_BG, _ = _invert(jnp.take_along_axis(weight_BGNW, block_BG[..., None, None], axis=2)[:, :, 0], rest_BG)
    return block_BG * width + index_BG, total_BG


def _invert(weight_BGN: jax.Array, mark_BG: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Return the index at which the cumulative sum passes the mark, and the mark minus the sum before that index.

    The index never has weight zero, however the sums were rounded.
    """
    sum_BGN = jnp.cumsum(weight_BGN, axis=-1)
    mark_BG = jnp.minimum(mark_BG, jnp.nextafter(sum_BGN[..., -1], jnp.float32(0)))
    index_BG = jnp.sum(sum_BGN <= mark_BG[..., None], axis=-1, dtype=jnp.int32)
    passed_BGN = jnp.where(jnp.arange(weight_BGN.shape[-1]) < index_BG[..., None], weight_BGN, 0)
    return index_BG, jnp.maximum(mark_BG - passed_BGN.sum(axis=-1), 0)
