"""Logits -> token: one choice per member, with the log-prob of the distribution it was drawn from."""

import jax
import jax.numpy as jnp


def member_keys(key: jax.Array, group_B: jax.Array, members: int) -> jax.Array:
    """One random key per member [B, G], from the group's and the member's own number, never from their place in a
    batch.
    """
    group_keys_B = jax.vmap(lambda group: jax.random.fold_in(key, group))(group_B)
    return jax.vmap(lambda one: jax.vmap(lambda member: jax.random.fold_in(one, member))(jnp.arange(members)))(
        group_keys_B
    )


def choose(
    logits_BGV: jax.Array, key_BG: jax.Array, position_BG: jax.Array, temperature: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Draw one token per member at `temperature`; the most likely one at temperature 0.

    Returns tokens [B, G] int32 and their log-probs [B, G] float32 under softmax(logits / temperature), the distribution
    drawn from; greedy tokens report their log-prob at temperature 1. The draw depends only on the member's key and
    position.
    """
    greedy = temperature <= 0
    scaled_BGV = logits_BGV.astype(jnp.float32) / jnp.where(greedy, 1.0, temperature)
    logprob_BGV = jax.nn.log_softmax(scaled_BGV)

    # One uniform number per member through the inverse of the cumulative distribution: V times fewer random bits than
    # Gumbel noise.
    draw = jax.vmap(jax.vmap(lambda key, position: jax.random.uniform(jax.random.fold_in(key, position))))
    cumulative_BGV = jnp.cumsum(jnp.exp(logprob_BGV), axis=-1)
    mark_BG1 = (draw(key_BG, position_BG) * cumulative_BGV[..., -1])[..., None]
    drawn_BG = jnp.minimum(jnp.sum(cumulative_BGV <= mark_BG1, axis=-1), logits_BGV.shape[-1] - 1)

    token_BG = jnp.where(greedy, jnp.argmax(scaled_BGV, axis=-1), drawn_BG).astype(jnp.int32)
    return token_BG, jnp.take_along_axis(logprob_BGV, token_BG[..., None], axis=-1)[..., 0]
