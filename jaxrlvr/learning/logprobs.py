"""Batch -> log-probs and entropies of its suffixes, by the sampler's own forward code.

A group's prompt is encoded once (`prefill`), then its members' whole suffixes are run behind it (`extend`): what
sampling does token by token. Axes: B groups, G members, T suffix; R rows of S places where members share rows.
"""

import jax
import jax.numpy as jnp

import models
from jaxrlvr.learning.batch import Batch


def suffix_logprobs(model: models.Decoder, batch: Batch, temperature: float | jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log-probs and entropies [B, G, T] of every suffix token under `model`, at the temperature that sampled them.

    The token at suffix position t is predicted from position t - 1; the first one from the prefix's last position.
    """
    return suffix_logprobs_and_balance(model, batch, temperature, balanced=False)[:2]


def suffix_logprobs_and_balance(
    model: models.Decoder, batch: Batch, temperature: float | jax.Array, balanced: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Log-probs, entropies, and if asked for a mixture's balance loss over sampled tokens (else 0).

    Members may share rows (R rows of S places); what comes back is theirs.
    """
    packed, length_B, balance = batch.packed, batch.prefix_length_B, jnp.float32(0)
    tokens_BRS, sampled_BRS, begin_BRS = (batch.suffix_BGT, batch.sampled_BGT, None) if packed is None else packed[:3]
    prefix_hidden_BPD, prefix = model.prefill(batch.prefix_BP, length_B)
    if balanced:
        hidden_BRSD, routing = model.routed(tokens_BRS, prefix, length_B, sampled_BRS, begin_BRS)
        balance = models.balance_loss(routing)
    else:
        nothing_BR = jnp.zeros(tokens_BRS.shape[:2], jnp.int32)
        hidden_BRSD, _ = model.extend(tokens_BRS, prefix, length_B, None, nothing_BR, begin_BGT=begin_BRS)
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
    logprob_BGT, entropy_BGT = (_of_members(x_N, batch) for x_N in (logprob_N, entropy_N))
    return logprob_BGT, entropy_BGT, balance


def _of_members(x_N: jax.Array, batch: Batch) -> jax.Array:
    """What was computed for every place of every row -> for every suffix token [B, G, T]."""
    shape = batch.suffix_BGT.shape
    if batch.packed is None:
        return x_N.reshape(shape)
    place = batch.packed.place_BGT.reshape(shape[0], -1)
    return jnp.take_along_axis(x_N.reshape(shape[0], -1), place, axis=1).reshape(shape)
