"""Batch -> update: parameters, optimizer state, one accumulated and applied gradient.

The forward pass is the sampler's own (`prefill`, then one `extend` over whole suffixes), so a recomputed log-prob
equals the sampled one. Gradients of micro-batches are summed, each already divided by the whole step's denominator; the
buffers of the old state are donated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh

import models
from jaxrlvr.batch import Batch
from jaxrlvr.grpo import LossStats, Objective


def sampled_tokens(batches: Sequence[Batch]) -> int:
    """The sampled tokens of a step: what its loss is divided by unless the objective says otherwise."""
    return sum(int(batch.sampled_BGT.sum()) for batch in batches)


@dataclass(frozen=True)
class LearnerConfig:
    """How a step's groups are cut into forward passes."""

    micro_groups: int = 4
    """Groups per forward and backward pass; gradients of all passes add up to one update."""
    suffix_buckets: tuple[int, ...] = (96, 176, 240, 384)
    """Suffix lengths that are compiled for, ascending; prompts use the rollout's buckets."""


class TrainState(NamedTuple):
    """Everything an update changes."""

    params: Any
    opt_state: Any


class UpdateStats(NamedTuple):
    """What one update reports; means are over the step's sampled tokens."""

    means: LossStats
    grad_norm: jax.Array
    skipped: jax.Array
    """True if the update was not finite or over the limit, and left the state as it was."""


def suffix_logprobs(model: models.Decoder, batch: Batch, temperature: float | jax.Array) -> tuple[jax.Array, jax.Array]:
    """Log-probs and entropies [B, G, T] of every suffix token under `model`, at the temperature that sampled them.

    The token at suffix position t is predicted from position t - 1; the first one from the prefix's last position.
    """
    prefix_hidden_BPD, prefix = model.prefill(batch.prefix_BP, batch.prefix_length_B)
    length_BG = jnp.zeros(batch.suffix_BGT.shape[:2], jnp.int32)
    hidden_BGTD, _ = model.extend(batch.suffix_BGT, prefix, batch.prefix_length_B, None, length_BG)
    last_B1D = jnp.take_along_axis(prefix_hidden_BPD, (batch.prefix_length_B - 1)[:, None, None], axis=1)
    first_BG1D = jnp.broadcast_to(last_B1D[:, None], (*length_BG.shape, 1, last_B1D.shape[-1]))
    predicting_BGTD = jnp.concatenate([first_BG1D, hidden_BGTD[:, :, :-1]], axis=2)
    logprob_N, entropy_N = models.token_logprobs(
        predicting_BGTD.reshape(-1, predicting_BGTD.shape[-1]),
        model.unembed_VD,
        batch.suffix_BGT.reshape(-1),
        temperature=temperature,
    )
    return logprob_N.reshape(batch.suffix_BGT.shape), entropy_N.reshape(batch.suffix_BGT.shape)


class Learner:
    """Compiled functions for one model and objective; the state is passed through, never kept."""

    def __init__(
        self,
        graphdef: Any,
        optimizer: optax.GradientTransformation,
        objective: Objective,
        temperature: float = 1.0,
        reference: Any = None,
        mesh: Mesh | None = None,
        denominator: Callable[[Sequence[Batch]], int] = sampled_tokens,
        flat_teaches: bool = True,
    ) -> None:
        """`flat_teaches` says whether the objective has a gradient where every advantage is 0."""
        self._denominator, self._flat_teaches = denominator, flat_teaches
        # Copied: training that starts from the same weights gives their buffers away.
        self._reference = jax.tree.map(jnp.copy, reference)
        self._sharding = None if mesh is None else models.batch_sharding(mesh)
        pin = _Pin(graphdef, mesh)

        def loss(
            params: Any, batch: Batch, reference_BGT: jax.Array | None, divisor: jax.Array
        ) -> tuple[jax.Array, LossStats]:
            logprob_BGT, entropy_BGT = suffix_logprobs(nnx.merge(graphdef, params), batch, temperature)
            stats = objective(logprob_BGT, entropy_BGT, batch, reference_BGT)
            return stats.loss / divisor, stats

        @partial(jax.jit, donate_argnums=1)
        def accumulate(
            params: Any, grads: Any, batch: Batch, reference_BGT: jax.Array | None, divisor: jax.Array
        ) -> tuple[Any, LossStats]:
            more, stats = jax.grad(loss, has_aux=True)(params, batch, reference_BGT, divisor)
            return pin.params(jax.tree.map(jnp.add, grads, more)), stats

        @jax.jit
        def measure(params: Any, batch: Batch, reference_BGT: jax.Array | None, divisor: jax.Array) -> LossStats:
            return loss(params, batch, reference_BGT, divisor)[1]

        @partial(jax.jit, donate_argnums=0)
        def apply(state: TrainState, grads: Any, limit: jax.Array) -> tuple[TrainState, jax.Array, jax.Array]:
            norm = optax.tree.norm(grads)
            updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
            new = TrainState(optax.apply_updates(state.params, updates), opt_state)
            sound = jnp.isfinite(norm) & (norm <= limit)
            return pin.state(jax.tree.map(lambda a, b: jnp.where(sound, a, b), new, state)), norm, ~sound

        @jax.jit
        def recompute(params: Any, batch: Batch) -> jax.Array:
            return suffix_logprobs(nnx.merge(graphdef, params), batch, temperature)[0]

        # What is made out of nothing must lie where the parameters lie (an argument that is not read would be dropped),
        # or the first real update would be compiled once more.
        @partial(jax.jit, keep_unused=True)
        def fill(params: Any, value: jax.Array) -> Any:
            return pin.params(jax.tree.map(lambda leaf: jnp.full_like(leaf, value), params))

        @partial(jax.jit, keep_unused=True)
        def start(params: Any) -> Any:
            return pin.state(TrainState(params, optimizer.init(params))).opt_state

        self._accumulate, self._measure, self._apply, self._fill, self._start = accumulate, measure, apply, fill, start
        self.recompute = recompute

    def init(self, params: Any) -> TrainState:
        """A fresh optimizer state around `params`, spread over the devices like them."""
        return TrainState(params, self._start(params))

    def place(self, batch: Batch) -> Batch:
        """A micro-batch on the devices, its groups spread over the mesh."""
        return jax.device_put(batch, self._sharding)

    def warm_up(self, state: TrainState, batches: Sequence[Batch]) -> TrainState:
        """Compile for the shapes of `batches`, which sample nothing. Returns the state with the same values."""
        for batch in map(self.place, batches):
            reference_BGT = None if self._reference is None else self.recompute(self._reference, batch)
            self._accumulate(state.params, self._fill(state.params, 0.0), batch, reference_BGT, jnp.float32(1))
            if not self._flat_teaches:
                self._measure(state.params, batch, reference_BGT, jnp.float32(1))
        # A gradient that is not finite leaves the state as it is.
        return self._apply(state, self._fill(state.params, jnp.nan), jnp.float32(jnp.inf))[0]

    def update(
        self, state: TrainState, batches: Sequence[Batch], norm_limit: float = np.inf
    ) -> tuple[TrainState, UpdateStats]:
        """One optimizer step over all micro-batches, skipped if its gradient's norm is over the limit or not finite.

        The old state's buffers are gone afterwards.

        A micro-batch in which every group is flat, all of its members alike, is measured and not differentiated: where
        the objective has nothing else to teach, its gradient is zero.
        """
        tokens, divisor = max(1, sampled_tokens(batches)), max(1, self._denominator(batches))
        grads = self._fill(state.params, 0.0)
        parts = []
        for batch in batches:
            teaches, batch = self._flat_teaches or bool(batch.advantage_BG.any()), self.place(batch)
            reference_BGT = None if self._reference is None else self.recompute(self._reference, batch)
            if teaches:
                grads, stats = self._accumulate(state.params, grads, batch, reference_BGT, jnp.float32(divisor))
            else:
                stats = self._measure(state.params, batch, reference_BGT, jnp.float32(divisor))
            parts.append(stats)
        state, norm, skipped = self._apply(state, grads, jnp.float32(norm_limit))
        parts = jax.device_get(parts)
        means = LossStats(*(sum(values) / np.float32(tokens) for values in zip(*parts, strict=True)))
        means = means._replace(
            loss=sum(stats.loss for stats in parts) / np.float32(divisor),
            behaviour_gap_max=max(stats.behaviour_gap_max for stats in parts),
        )
        return state, UpdateStats(means, norm, skipped)


@dataclass(frozen=True)
class _Pin:
    """Pins trees that are shaped like the parameters to the parameters' places on the mesh, within compiled functions.

    Left to itself the compiler copies what it makes out of nothing, such as Adam's moments, to every device.
    """

    graphdef: Any
    mesh: Mesh | None

    def params(self, tree: Any) -> Any:
        """Parameters or gradients, each in its place."""
        if self.mesh is None:
            return tree
        return jax.tree.map(jax.lax.with_sharding_constraint, tree, self._places(tree, self.mesh))

    def state(self, state: TrainState) -> TrainState:
        """The whole state: what is kept of a parameter, under its name, where it is; counts everywhere."""
        if self.mesh is None:
            return state
        pairs = zip(
            jax.tree.leaves_with_path(state.params), jax.tree.leaves(self._places(state.params, self.mesh)), strict=True
        )
        places = {jax.tree_util.keystr(path): (leaf.shape, place) for (path, leaf), place in pairs}

        def placed(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
            for begin in range(len(path)):
                shape, place = places.get(jax.tree_util.keystr(path[begin:]), (None, None))
                # Sums over rows or columns go by a parameter's name too, but are small: they may lie anywhere.
                if shape == leaf.shape:
                    return jax.lax.with_sharding_constraint(leaf, place)
            return leaf

        opt_state = jax.tree.map_with_path(placed, state.opt_state)
        return TrainState(self.params(state.params), opt_state)

    def _places(self, params: Any, mesh: Mesh) -> Any:
        return models.param_shardings(nnx.merge(self.graphdef, params).config, params, mesh)
