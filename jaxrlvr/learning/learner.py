"""Batch -> update: parameters, optimizer state, one accumulated and applied gradient.

The forward pass is the sampler's own (`logprobs.py`), so a recomputed log-prob equals the sampled one. Gradients of
micro-batches are summed, each already divided by the whole step's denominator; the buffers of the old state are
donated. Of a model with adapters only these have gradients and optimizer state.
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
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import models
from jaxrlvr.learning.batch import Batch, Shape
from jaxrlvr.learning.grpo import GroupStats, LossStats, Objective
from jaxrlvr.learning.logprobs import balanced_logprobs, suffix_logprobs
from jaxrlvr.runtime.settings import setting


def sampled_tokens(batches: Sequence[Batch]) -> int:
    """The sampled tokens of a step: what its loss is divided by unless the objective says otherwise."""
    return sum(int(batch.sampled_BGT.sum()) for batch in batches)


@dataclass(frozen=True)
class LearnerConfig:
    """How a step's groups are split into forward passes."""

    micro_groups: int = setting(4, at_least=1, on_resume="rounding")
    """Groups per forward and backward pass; the gradients of all passes add up to one update."""
    suffix_buckets: tuple[int, ...] = setting((96, 176, 240, 384), on_resume="rounding")
    """Suffix lengths to compile for, ascending; prompts use the rollout's buckets."""
    row_buckets: tuple[int, ...] = setting((), on_resume="rounding")
    """Numbers of rows per group to compile for besides one row per member, ascending: short members then share rows."""

    def shape(self, prefix_buckets: Sequence[int]) -> Shape:
        """The shapes of micro-batches of prompts of these sizes."""
        return Shape(self.micro_groups, prefix_buckets, self.suffix_buckets, self.row_buckets)


class TrainState(NamedTuple):
    """Everything an update changes."""

    params: Any
    opt_state: Any


def trainable_state(state: TrainState) -> TrainState:
    """The part of a state that updates change, and a checkpoint needs: without frozen weights."""
    return state._replace(params=models.split(state.params)[0])


def with_frozen(trainable: TrainState, state: TrainState) -> TrainState:
    """The way back from `trainable_state`, with the frozen weights of another state of the same run."""
    return trainable._replace(params=models.join(trainable.params, models.split(state.params)[1]))


class UpdateStats(NamedTuple):
    """What one update reports; means are over the step's sampled tokens."""

    means: LossStats
    grad_norm: jax.Array
    skipped: jax.Array
    """True if the update was not finite or over the limit, and left the state as it was."""
    groups: GroupStats | None = None
    """Sums of each group's sampled tokens, one micro-batch's groups after the other's; its padding groups too."""


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
        has_gradient_without_advantage: bool = True,
        balance: float = 0.0,
    ) -> None:
        """`has_gradient_without_advantage` says whether the objective has a gradient where every advantage is 0; `balance` weighs a
        mixture's balance loss, a mean over micro-batches by their sampled tokens.
        """
        self._denominator, self._flat_teaches = denominator, has_gradient_without_advantage
        # Copied: training that starts from the same weights gives their buffers away. Frozen weights are the state's.
        self._reference = None if reference is None else jax.tree.map(jnp.copy, models.split(reference)[0])
        self._sharding = None if mesh is None else models.batch_sharding(mesh)
        pin = _Sharder(graphdef, mesh)
        self.accumulate, self._measure, self.recompute = _passes(graphdef, objective, temperature, balance, pin)
        self._apply, self._fill, self._start = _changes(optimizer, pin)

    def init(self, params: Any) -> TrainState:
        """A fresh optimizer state around `params`, spread over the devices like them."""
        return TrainState(params, self._start(params))

    def place(self, batch: Batch) -> Batch:
        """A micro-batch on the devices, its groups spread over the mesh."""
        return jax.device_put(batch, self._sharding)

    def _referred(self, state: TrainState, batch: Batch) -> jax.Array | None:
        """Log-probs of the reference model, which shares the frozen weights."""
        if self._reference is None:
            return None
        return self.recompute(models.join(self._reference, models.split(state.params)[1]), batch)

    def warm_up(self, state: TrainState, batches: Sequence[Batch]) -> TrainState:
        """Compile for the shapes of `batches`, which sample nothing. Returns the state with the same values."""
        for batch in map(self.place, batches):
            reference_BGT = self._referred(state, batch)
            one = jnp.float32(1)
            self.accumulate(state.params, self._fill(state.params, 0.0), batch, reference_BGT, one, one)
            if not self._flat_teaches:
                self._measure(state.params, batch, reference_BGT)
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
            reference_BGT = self._referred(state, batch)
            if teaches:
                counts = jnp.float32(divisor), jnp.float32(tokens)
                grads, stats = self.accumulate(state.params, grads, batch, reference_BGT, *counts)
            else:
                stats = self._measure(state.params, batch, reference_BGT)
            parts.append(stats)
        state, norm, skipped = self._apply(state, grads, jnp.float32(norm_limit))
        parts = jax.device_get(parts)
        told = [stats.groups for stats in parts if stats.groups is not None]
        groups = jax.tree.map(lambda *values: np.concatenate(values), *told) if told else None
        parts = [stats._replace(groups=0) for stats in parts]
        means = LossStats(*(sum(values) / np.float32(tokens) for values in zip(*parts, strict=True)))
        means = means._replace(
            loss=sum(stats.loss for stats in parts) / np.float32(divisor),
            behaviour_gap_max=max(stats.behaviour_gap_max for stats in parts),
            groups=None,
        )
        return state, UpdateStats(means, norm, skipped, groups)


def _passes(
    graphdef: Any, objective: Objective, temperature: float, balance: float, pin: "_Sharder"
) -> tuple[Any, Any, Any]:
    """The compiled passes over a micro-batch: add its gradient to others, measure only, log-probs only."""

    def loss(
        trained: Any,
        frozen: Any,
        batch: Batch,
        reference_BGT: jax.Array | None,
        divisor: jax.Array,
        tokens: jax.Array,
    ) -> tuple[jax.Array, LossStats]:
        model = nnx.merge(graphdef, models.join(trained, frozen))
        logprob_BGT, entropy_BGT, imbalance = balanced_logprobs(model, batch, temperature, balanced=bool(balance))
        stats = objective(logprob_BGT, entropy_BGT, batch, reference_BGT)
        stats = stats._replace(groups=pin.everywhere(stats.groups))
        share = batch.sampled_BGT.sum() / tokens
        return stats.loss / divisor + balance * share * imbalance, stats

    @partial(jax.jit, donate_argnums=1)
    def accumulate(
        params: Any,
        grads: Any,
        batch: Batch,
        reference_BGT: jax.Array | None,
        divisor: jax.Array,
        tokens: jax.Array,
    ) -> tuple[Any, LossStats]:
        more, stats = jax.grad(loss, has_aux=True)(*models.split(params), batch, reference_BGT, divisor, tokens)
        return pin.trained(jax.tree.map(jnp.add, grads, more), params), stats

    @jax.jit
    def measure(params: Any, batch: Batch, reference_BGT: jax.Array | None) -> LossStats:
        return loss(params, None, batch, reference_BGT, jnp.float32(1), jnp.float32(1))[1]

    @jax.jit
    def recompute(params: Any, batch: Batch) -> jax.Array:
        return suffix_logprobs(nnx.merge(graphdef, params), batch, temperature)[0]

    return accumulate, measure, recompute


def _changes(optimizer: optax.GradientTransformation, pin: "_Sharder") -> tuple[Any, Any, Any]:
    """The compiled changes of a state: make an update, fill gradients with a value, begin an optimizer state."""

    # Frozen weights are not given away: they may be in use elsewhere.
    @partial(jax.jit, donate_argnums=0)
    def change(state: TrainState, frozen: Any, grads: Any, limit: jax.Array) -> tuple[TrainState, jax.Array, jax.Array]:
        norm, trained = optax.tree.norm(grads), state.params
        updates, opt_state = optimizer.update(grads, state.opt_state, trained)
        new, old = (optax.apply_updates(trained, updates), opt_state), (trained, state.opt_state)
        sound = jnp.isfinite(norm) & (norm <= limit) & jnp.isfinite(optax.tree.norm(updates))
        trained, opt_state = jax.tree.map(lambda a, b: jnp.where(sound, a, b), new, old)
        return trainable_state(pin.state(TrainState(models.join(trained, frozen), opt_state))), norm, ~sound

    def apply(state: TrainState, grads: Any, limit: jax.Array) -> tuple[TrainState, jax.Array, jax.Array]:
        changed, norm, skipped = change(trainable_state(state), models.split(state.params)[1], grads, limit)
        return with_frozen(changed, state), norm, skipped

    # What is made out of nothing must lie where the parameters lie (an argument that is not read would be dropped),
    # or the first real update would be compiled once more.
    @partial(jax.jit, keep_unused=True)
    def fill(params: Any, value: jax.Array) -> Any:
        trained = models.split(params)[0]
        return pin.trained(jax.tree.map(lambda leaf: jnp.full_like(leaf, value), trained), params)

    @partial(jax.jit, keep_unused=True)
    def start(params: Any) -> Any:
        return pin.state(TrainState(params, optimizer.init(models.split(params)[0]))).opt_state

    return apply, fill, start


@dataclass(frozen=True)
class _Sharder:
    """Pins trees that are shaped like the parameters to the parameters' places on the mesh, within compiled functions.

    Left to itself the compiler copies what it makes out of nothing, such as Adam's moments, to every device.
    """

    graphdef: Any
    mesh: Mesh | None

    def trained(self, tree: Any, params: Any) -> Any:
        """What is trained, or its gradients, each in its place; `params` is the whole model's."""
        if self.mesh is None:
            return tree
        return jax.tree.map(jax.lax.with_sharding_constraint, tree, self._places(tree, params, self.mesh))

    def everywhere(self, tree: Any) -> Any:
        """Copied to every device: of several processes' arrays each could else read its own part alone."""
        if self.mesh is None:
            return tree
        copied = NamedSharding(self.mesh, PartitionSpec())
        return jax.tree.map(lambda leaf: jax.lax.with_sharding_constraint(leaf, copied), tree)

    def state(self, state: TrainState) -> TrainState:
        """The whole state: what is kept of a parameter, under its name, where it is; counts everywhere."""
        if self.mesh is None:
            return state
        trained, frozen = models.split(state.params)
        pairs = zip(
            jax.tree.leaves_with_path(trained),
            jax.tree.leaves(self._places(trained, state.params, self.mesh)),
            strict=True,
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
        return TrainState(models.join(self.trained(trained, state.params), frozen), opt_state)

    def _places(self, tree: Any, params: Any, mesh: Mesh) -> Any:
        return models.param_shardings(nnx.merge(self.graphdef, params).config, tree, mesh)
