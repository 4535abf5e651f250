"""Micro-batches -> updated parameters: gradients are accumulated and applied in one optimizer step.

The forward pass is the sampler's own (`logprobs.py`), so a recomputed log-prob equals the sampled one up to rounding.
Gradients of micro-batches are summed, each already divided by the denominator of the whole step; the old state's
buffers are donated. Of a model with adapters, only the adapters have gradients and optimizer state.
"""

from collections.abc import Sequence
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
from jaxrlvr.learning.batch import Batch, Shape, sampled_tokens
from jaxrlvr.learning.logprobs import suffix_logprobs, suffix_logprobs_and_balance
from jaxrlvr.learning.objective import GroupStats, LossStats, Objective
from jaxrlvr.runtime.settings import setting


@dataclass(frozen=True)
class LearnerConfig:
    """Split of a step's groups into forward passes."""

    micro_groups: int = setting(4, at_least=1, on_resume="rounding")
    """Groups per forward and backward pass; the gradients of all passes add up to one update."""
    suffix_buckets: tuple[int, ...] = setting((96, 176, 240, 384), on_resume="rounding")
    """Suffix lengths to compile for, ascending; prompts use the rollout's buckets."""
    row_buckets: tuple[int, ...] = setting((), on_resume="rounding")
    """Numbers of rows per group to compile for besides one row per member, ascending: short members then share rows."""

    def shape(self, prefix_buckets: Sequence[int]) -> Shape:
        """Return the shapes of micro-batches whose prompts have these bucket lengths."""
        return Shape(self.micro_groups, prefix_buckets, self.suffix_buckets, self.row_buckets)


class TrainState(NamedTuple):
    """The model's parameters, frozen ones included, and the optimizer state of the trained ones."""

    params: Any
    opt_state: Any


def trainable_state(state: TrainState) -> TrainState:
    """Drop the frozen weights: what is left changes with updates and belongs in a checkpoint."""
    return state._replace(params=models.split(state.params)[0])


def with_frozen(trainable: TrainState, state: TrainState) -> TrainState:
    """Undo `trainable_state` with the frozen weights of `state`, any state of the same run."""
    return trainable._replace(params=models.join(trainable.params, models.split(state.params)[1]))


class UpdateStats(NamedTuple):
    """Statistics of one update."""

    means: LossStats
    """Means over the step's sampled tokens."""
    grad_norm: jax.Array
    skipped: jax.Array
    """True if the update was not finite or its gradient's norm exceeded the limit; the state is then unchanged."""
    groups: GroupStats | None = None
    """Sums over each group's sampled tokens, in the micro-batches' order, padding groups included."""


class Learner:
    """Compiled updates for one model and objective. The state is passed in and returned; the learner holds none."""

    def __init__(
        self,
        graphdef: Any,
        optimizer: optax.GradientTransformation,
        objective: Objective,
        temperature: float = 1.0,
        reference: Any = None,
        mesh: Mesh | None = None,
    ) -> None:
        """`temperature` divides the logits, as in sampling; `reference` has the parameters of a KL term's reference."""
        self._objective = objective
        # Copied: an update that starts from the same weights donates their buffers. Frozen weights come from the state.
        self._reference = None if reference is None else jax.tree.map(jnp.copy, models.split(reference)[0])
        self._sharding = None if mesh is None else models.batch_sharding(mesh)
        sharder = _Sharder(graphdef, mesh)
        self.accumulate, self._measure, self.recompute = _passes(graphdef, objective, temperature, sharder)
        self._apply, self._fill, self._init_optimizer = _state_changes(optimizer, sharder)

    def init(self, params: Any) -> TrainState:
        """Return a state with a fresh optimizer state, sharded like `params`."""
        return TrainState(params, self._init_optimizer(params))

    def shard(self, batch: Batch) -> Batch:
        """Put a micro-batch on the devices, its groups spread over the mesh."""
        return jax.device_put(batch, self._sharding)

    def _reference_logprobs(self, state: TrainState, batch: Batch) -> jax.Array | None:
        """Score the batch with the reference model, which shares the state's frozen weights."""
        if self._reference is None:
            return None
        return self.recompute(models.join(self._reference, models.split(state.params)[1]), batch)

    def warm_up(self, state: TrainState, batches: Sequence[Batch]) -> TrainState:
        """Compile for the shapes of `batches`, in which nothing is sampled. Returns the state with the same values."""
        for batch in map(self.shard, batches):
            reference_BGT = self._reference_logprobs(state, batch)
            unit = jnp.float32(1)
            self.accumulate(state.params, self._fill(state.params, 0.0), batch, reference_BGT, unit, unit)
            if not self._objective.has_gradient_without_advantage:
                self._measure(state.params, batch, reference_BGT)
        # A gradient that is not finite leaves the state unchanged.
        return self._apply(state, self._fill(state.params, jnp.nan), jnp.float32(jnp.inf))[0]

    def update(
        self, state: TrainState, batches: Sequence[Batch], norm_limit: float = np.inf
    ) -> tuple[TrainState, UpdateStats]:
        """Make one optimizer step over all micro-batches; donates the buffers of `state`, but not of frozen weights.

        The step is skipped if its gradient or change is not finite or the gradient's norm exceeds `norm_limit`. Unless
        the objective has a gradient without advantages, a micro-batch whose advantages are all 0 is measured and not
        differentiated.
        """
        tokens, divisor = max(1, sampled_tokens(batches)), max(1, self._objective.denominator(batches))
        grads = self._fill(state.params, 0.0)
        parts: list[LossStats] = []
        for batch in batches:
            has_gradient = self._objective.has_gradient_without_advantage or bool(batch.advantage_BG.any())
            batch = self.shard(batch)
            reference_BGT = self._reference_logprobs(state, batch)
            if has_gradient:
                grads, stats = self.accumulate(
                    state.params, grads, batch, reference_BGT, jnp.float32(divisor), jnp.float32(tokens)
                )
            else:
                stats = self._measure(state.params, batch, reference_BGT)
            parts.append(stats)
        state, norm, skipped = self._apply(state, grads, jnp.float32(norm_limit))
        parts = jax.device_get(parts)
        return state, UpdateStats(_means(parts, tokens, divisor), norm, skipped, _all_groups(parts))


def _means(parts: Sequence[LossStats], tokens: int, divisor: int) -> LossStats:
    """Divide the micro-batches' sums by `tokens`, the loss by `divisor`; the gap stays a maximum."""
    totals = [stats._replace(groups=None) for stats in parts]
    means = jax.tree.map(lambda *values: sum(values) / np.float32(tokens), *totals)
    return means._replace(
        loss=sum(stats.loss for stats in parts) / np.float32(divisor),
        behaviour_gap_max=max(stats.behaviour_gap_max for stats in parts),
    )


def _all_groups(parts: Sequence[LossStats]) -> GroupStats | None:
    """Concatenate the micro-batches' group statistics, if the objective reports any."""
    groups = [stats.groups for stats in parts if stats.groups is not None]
    return jax.tree.map(lambda *values: np.concatenate(values), *groups) if groups else None


def _passes(graphdef: Any, objective: Objective, temperature: float, sharder: "_Sharder") -> tuple[Any, Any, Any]:
    """Compile the passes over a micro-batch: accumulate its gradient, only measure it, only recompute log-probs."""

    def loss(
        trained: Any,
        frozen: Any,
        batch: Batch,
        reference_BGT: jax.Array | None,
        divisor: jax.Array,
        tokens: jax.Array,
    ) -> tuple[jax.Array, LossStats]:
        model = nnx.merge(graphdef, models.join(trained, frozen))
        logprob_BGT, entropy_BGT, imbalance = suffix_logprobs_and_balance(
            model, batch, temperature, balanced=bool(objective.balance)
        )
        stats = objective.loss(logprob_BGT, entropy_BGT, batch, reference_BGT)
        stats = stats._replace(groups=sharder.replicated(stats.groups))
        share = batch.sampled_BGT.sum() / tokens
        return stats.loss / divisor + objective.balance * share * imbalance, stats

    @partial(jax.jit, donate_argnums=1)
    def accumulate(
        params: Any,
        grads: Any,
        batch: Batch,
        reference_BGT: jax.Array | None,
        divisor: jax.Array,
        tokens: jax.Array,
    ) -> tuple[Any, LossStats]:
        trained, frozen = models.split(params)
        more, stats = jax.grad(loss, has_aux=True)(trained, frozen, batch, reference_BGT, divisor, tokens)
        return sharder.trained(jax.tree.map(jnp.add, grads, more), params), stats

    @jax.jit
    def measure(params: Any, batch: Batch, reference_BGT: jax.Array | None) -> LossStats:
        return loss(params, None, batch, reference_BGT, jnp.float32(1), jnp.float32(1))[1]

    @jax.jit
    def recompute(params: Any, batch: Batch) -> jax.Array:
        return suffix_logprobs(nnx.merge(graphdef, params), batch, temperature)[0]

    return accumulate, measure, recompute


def _state_changes(optimizer: optax.GradientTransformation, sharder: "_Sharder") -> tuple[Any, Any, Any]:
    """Compile the changes of a state: apply gradients, make gradients of one value, make an optimizer state."""

    # Frozen weights are not donated: others may be using them.
    @partial(jax.jit, donate_argnums=0)
    def change(state: TrainState, frozen: Any, grads: Any, limit: jax.Array) -> tuple[TrainState, jax.Array, jax.Array]:
        norm, trained = optax.tree.norm(grads), state.params
        updates, opt_state = optimizer.update(grads, state.opt_state, trained)
        new, old = (optax.apply_updates(trained, updates), opt_state), (trained, state.opt_state)
        sound = jnp.isfinite(norm) & (norm <= limit) & jnp.isfinite(optax.tree.norm(updates))
        trained, opt_state = jax.tree.map(lambda a, b: jnp.where(sound, a, b), new, old)
        return trainable_state(sharder.state(TrainState(models.join(trained, frozen), opt_state))), norm, ~sound

    def apply(state: TrainState, grads: Any, limit: jax.Array) -> tuple[TrainState, jax.Array, jax.Array]:
        changed, norm, skipped = change(trainable_state(state), models.split(state.params)[1], grads, limit)
        return with_frozen(changed, state), norm, skipped

    # New arrays need the parameters' sharding, or the first real update would compile once more. `keep_unused`: jit
    # would drop parameters whose values are not read, and their sharding with them.
    @partial(jax.jit, keep_unused=True)
    def fill(params: Any, value: jax.Array) -> Any:
        trained = models.split(params)[0]
        return sharder.trained(jax.tree.map(lambda leaf: jnp.full_like(leaf, value), trained), params)

    @partial(jax.jit, keep_unused=True)
    def init_optimizer(params: Any) -> Any:
        return sharder.state(TrainState(params, optimizer.init(models.split(params)[0]))).opt_state

    return apply, fill, init_optimizer


@dataclass(frozen=True)
class _Sharder:
    """Constrains trees shaped like the parameters to the parameters' sharding, within compiled functions.

    Without constraints the compiler replicates new arrays, such as Adam's moments, on every device.
    """

    graphdef: Any
    mesh: Mesh | None

    def trained(self, tree: Any, params: Any) -> Any:
        """Shard a tree like the trained parameters, such as their gradients; `params` is the whole model's."""
        if self.mesh is None:
            return tree
        return jax.tree.map(jax.lax.with_sharding_constraint, tree, self._shardings(tree, params, self.mesh))

    def replicated(self, tree: Any) -> Any:
        """Copy a tree to every device; otherwise each of several processes could read only its own part."""
        if self.mesh is None:
            return tree
        replicated = NamedSharding(self.mesh, PartitionSpec())
        return jax.tree.map(lambda leaf: jax.lax.with_sharding_constraint(leaf, replicated), tree)

    def state(self, state: TrainState) -> TrainState:
        """Shard a whole state: optimizer arrays with the path and shape of a parameter like that parameter."""
        if self.mesh is None:
            return state
        trained, frozen = models.split(state.params)
        pairs = zip(
            jax.tree.leaves_with_path(trained),
            jax.tree.leaves(self._shardings(trained, state.params, self.mesh)),
            strict=True,
        )
        by_path = {jax.tree_util.keystr(path): (leaf.shape, sharding) for (path, leaf), sharding in pairs}

        def shard(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
            for begin in range(len(path)):
                shape, sharding = by_path.get(jax.tree_util.keystr(path[begin:]), (None, None))
                # Adafactor's row and column sums have a parameter's path but not its shape; they are small enough to
                # leave to the compiler.
                if shape == leaf.shape:
                    return jax.lax.with_sharding_constraint(leaf, sharding)
            return leaf

        opt_state = jax.tree.map_with_path(shard, state.opt_state)
        return TrainState(models.join(self.trained(trained, state.params), frozen), opt_state)

    def _shardings(self, tree: Any, params: Any, mesh: Mesh) -> Any:
        return models.param_shardings(nnx.merge(self.graphdef, params).config, tree, mesh)
