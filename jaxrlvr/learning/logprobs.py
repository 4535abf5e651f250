"""Batch -> log-probs and entropies of its suffixes, by the sampler's own forward code.

A group's prompt is encoded once (`prefill`); its members' whole suffixes then run after it (`extend`), which sampling
does token by token. Axes: B groups, G members, P prefix, T suffix; where members share rows, R rows of S positions.
"""

import chex
import jax
import jax.numpy as jnp

import models
from jaxrlvr.learning.batch import Batch


def suffix_logprobs(model: models.Decoder, batch: Batch, temperature: float | jax.Array) -> tuple[jax.Array, jax.Array]:
    """Compute log-probs and entropies [B, G, T] of every suffix token, at the temperature that sampled them.

    The token at suffix position t is predicted from position t - 1, the first one from the prefix's last position. A
    wrong shape or type raises AssertionError.
    """
    return suffix_logprobs_and_balance(model, batch, temperature, balanced=False)[:2]


def suffix_logprobs_and_balance(
    model: models.Decoder, batch: Batch, temperature: float | jax.Array, balanced: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Compute `suffix_logprobs` and, if `balanced`, a mixture's load-balancing loss over sampled tokens, else 0.

    Results are per member [B, G, T], also where members share rows.
    """
    _assert_shapes(batch)
    packed, length_B, balance = batch.packed, batch.prefix_length_B, jnp.float32(0)
    if packed is None:
        tokens_BRS, sampled_BRS, begin_BRS = batch.suffix_BGT, batch.sampled_BGT, None
    else:
        tokens_BRS, sampled_BRS, begin_BRS = packed.tokens_BRS, packed.sampled_BRS, packed.begin_BRS
    prefix_hidden_BPD, cache = model.prefill(batch.prefix_BP, length_B)
    prefix = models.Prefix(cache, length_B)
    if balanced:
        hidden_BRSD, routing = model.routed(tokens_BRS, prefix, sampled_BRS, begin_BRS)
        balance = models.balance_loss(routing)
    else:
        cached_BR = jnp.zeros(tokens_BRS.shape[:2], jnp.int32)
        hidden_BRSD, _ = model.extend(tokens_BRS, prefix, None, cached_BR, begin_BGT=begin_BRS)
    last_B1D = jnp.take_along_axis(prefix_hidden_BPD, (length_B - 1)[:, None, None], axis=1)
    first_BR1D = jnp.broadcast_to(last_B1D[:, None], (*tokens_BRS.shape[:2], 1, last_B1D.shape[-1]))
    predicting_BRSD = jnp.concatenate([first_BR1D, hidden_BRSD[:, :, :-1]], axis=2)
    if begin_BRS is not None:
        begins_BRS = begin_BRS == jnp.arange(begin_BRS.shape[-1])
        predicting_BRSD = jnp.where(begins_BRS[..., None], first_BR1D, predicting_BRSD)
    logprob_N, entropy_N = models.token_logprobs(
        predicting_BRSD.reshape(-1, predicting_BRSD.shape[-1]),
        model.unembed_VD,
        tokens_BRS.reshape(-1),
        temperature=temperature,
        mesh=model.mesh,
    )
    return _per_member(logprob_N, batch), _per_member(entropy_N, batch), balance


def _assert_shapes(batch: Batch) -> None:
    """Assert the ranks, shapes and types of everything that the model reads."""
    chex.assert_rank([batch.prefix_BP, batch.prefix_length_B, batch.suffix_BGT], [2, 1, 3])
    chex.assert_equal_shape_prefix([batch.prefix_BP, batch.prefix_length_B, batch.suffix_BGT], 1)
    chex.assert_equal_shape([batch.suffix_BGT, batch.sampled_BGT])
    chex.assert_type([batch.prefix_BP, batch.prefix_length_B, batch.suffix_BGT], int)
    chex.assert_type(batch.sampled_BGT, bool)
    if (packed := batch.packed) is None:
        return
    chex.assert_rank(packed.tokens_BRS, 3)
    chex.assert_equal_shape_prefix([packed.tokens_BRS, batch.suffix_BGT], 1)
    chex.assert_equal_shape([packed.tokens_BRS, packed.sampled_BRS, packed.begin_BRS])
    chex.assert_equal_shape([packed.index_BGT, batch.suffix_BGT])
    chex.assert_type([packed.tokens_BRS, packed.begin_BRS, packed.index_BGT], int)
    chex.assert_type(packed.sampled_BRS, bool)


def _per_member(x_N: jax.Array, batch: Batch) -> jax.Array:
    """Reorder values of all row positions [N = B R S] into those of suffix tokens [B, G, T]."""
    shape = batch.suffix_BGT.shape
    if batch.packed is None:
        return x_N.reshape(shape)
    index = batch.packed.index_BGT.reshape(shape[0], -1)
    return jnp.take_along_axis(x_N.reshape(shape[0], -1), index, axis=1).reshape(shape)
