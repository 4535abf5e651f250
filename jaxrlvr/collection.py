"""Collection of a step's scored groups: in turn with the updates, or one step ahead of them.

With `rollout.asynchronous` a thread samples step k + 1 while the learner computes the update of step k. It samples with
a copy of the parameters from before that update, however long either takes: no figure depends on the threads' timing.

    step                                             1  2  3  4 ...
    updates behind the parameters that sampled it    0  0  1  2      the member's `version`
    updates behind the parameters that learn         0  1  2  3      minus the version: the metric `policy_lag`

The price is the copy: the trained parameters once more in memory and in each checkpoint, so that a resumed run samples
the step in flight again from exactly the same parameters. The objective weighs tokens by the ratio of policy to sampler
(`grpo.correction`), so the mismatch between sampler and learner is measured apart, against the copy.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

import models
from jaxrlvr.config import RunConfig
from jaxrlvr.learning import grpo
from jaxrlvr.learning.batch import Batch
from jaxrlvr.learning.learner import Learner, TrainState, trainable_state, with_frozen
from jaxrlvr.rollout import dynamic_sampling
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.curriculum import Rates
from jaxrlvr.rollout.dynamic_sampling import StepGroups
from jaxrlvr.rollout.multihost import rollout
from jaxrlvr.rollout.rollout import Actor, RolloutKey
from jaxrlvr.rollout.tasks import training_tasks
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime.timing import Figures, timed
from jaxrlvr.sampling.sampler import Sampler
from jaxrlvr.storage.progress import Progress


class SampleStep(Protocol):
    """Samples and scores a step's groups with the given parameters and success rates."""

    def __call__(
        self, params: Any, rates: Rates, step: int, should_stop: Callable[[], bool]
    ) -> tuple[StepGroups, Figures]: ...


@dataclass(frozen=True)
class StepSampler:
    """Tasks -> scored groups -> advantages; with `grpo.refills`, repeated until the step is full of mixed groups."""

    config: RunConfig
    sampler: Sampler
    chat: Chat

    def __call__(
        self, params: Any, rates: Rates, step: int, should_stop: Callable[[], bool]
    ) -> tuple[StepGroups, Figures]:
        """Return the step's groups with their advantages, and the seconds that sampling and packing took."""
        config, figures = self.config, Figures()

        def sample(refill: int) -> list[Group]:
            tasks = training_tasks(config.tasks, config.seed, step, refill, rates)
            numbers = range(refill * len(tasks), (refill + 1) * len(tasks))
            actor, key = Actor(self.sampler, params, self.chat), RolloutKey(config.seed, step, numbers)
            with timed(figures, "seconds/sample"):
                groups, host_figures = rollout(actor, tasks, config.rollout, key, should_stop)
            for name, seconds in host_figures.items():
                figures[name] = figures.get(name, 0.0) + seconds
            return groups

        def advantages(groups: Sequence[Group]) -> np.ndarray:
            with timed(figures, "seconds/pack"):
                return grpo.advantages(groups, config.grpo)

        return dynamic_sampling.sample_step(sample, advantages, config.tasks.per_step, config.grpo.refills), figures


class StepSource(ABC):
    """Source of the groups that a run's steps learn from; a context manager."""

    def __init__(self, sample: SampleStep) -> None:
        self._sample = sample

    @abstractmethod
    def rollout(self, step: int, state: TrainState, progress: Progress) -> tuple[StepGroups, Figures]:
        """Return the step's scored groups with their advantages, and the seconds that they took."""

    def start_next(self, step: int, state: TrainState, progress: Progress, batches: Sequence[Batch]) -> Figures:
        """Hook called once `step` is packed and before its update. Returns further figures of the step."""
        return {}

    def wait(self) -> None:
        """Return once nothing is being sampled."""
        return

    def checkpoint_state(self, state: TrainState) -> Any:
        """Return the arrays that a checkpoint stores."""
        return trainable_state(state)

    def restored(self, stored: Any, state: TrainState) -> TrainState:
        """Combine the arrays of a checkpoint with the frozen weights of another state of the same run."""
        return with_frozen(stored, state)

    def __enter__(self) -> "StepSource":
        return self

    def __exit__(self, *raised: object) -> None:
        """Abandon what is being sampled."""
        return


class Synchronous(StepSource):
    """Sample each step with the parameters that its update changes."""

    def rollout(self, step: int, state: TrainState, progress: Progress) -> tuple[StepGroups, Figures]:
        """Sample the step with the parameters of `state`."""
        return self._sample(state.params, progress.rates, step, lambda: False)


class OneStepAhead(StepSource):
    """Sample the next step during the update of this one, with the parameters from before that update."""

    def __init__(self, sample: SampleStep, learner: Learner, params: Any, last: int) -> None:
        """`params` are the parameters the run starts from; no step after `last` is sampled."""
        super().__init__(sample)
        self._learner, self._last = learner, last
        trained, self._frozen = models.split(params)
        self._sampling_params = copied(trained)
        self._abandoned = threading.Event()
        self._thread = ThreadPoolExecutor(1, "sampling")
        self._step_in_flight, self._in_flight = 0, Future[tuple[StepGroups, Figures]]()

    def rollout(self, step: int, state: TrainState, progress: Progress) -> tuple[StepGroups, Figures]:
        """Wait for the step's groups, as `StepSource.rollout` returns them. Raises what sampling them raised."""
        if self._step_in_flight != step:  # the first step of a run or of a resumed one
            self._start(step, progress)
        waited: Figures = {}
        with timed(waited, "seconds/wait"):
            step_groups, figures = self._in_flight.result()
        for group in step_groups.played:
            for member in group.members:
                member.version = version(step)
        return step_groups, figures | waited | {"policy_lag": policy_lag(step_groups.played, step)}

    def start_next(self, step: int, state: TrainState, progress: Progress, batches: Sequence[Batch]) -> Figures:
        """Start to sample the next step.

        Returns the mismatch of learner and sampler on one micro-batch of this step, another one each time, both with
        the parameters that sampled it.
        """
        figures = mismatch(self._learner, self._params, batches[step % len(batches)])
        self._sampling_params = None  # frees its memory before the next copy is made
        self._sampling_params = copied(models.split(state.params)[0])
        if step < self._last:
            self._start(step + 1, progress)
        return figures

    def wait(self) -> None:
        """Return once the step in flight is sampled; `rollout` raises what went wrong with it."""
        if self._step_in_flight:
            wait([self._in_flight])

    def checkpoint_state(self, state: TrainState) -> Any:
        """Return the trainable state and the parameters that sample the next step."""
        return trainable_state(state), self._sampling_params

    def restored(self, stored: Any, state: TrainState) -> TrainState:
        """Restore as `StepSource.restored` does; the stored parameters sample the next step."""
        trainable, self._sampling_params = stored
        return with_frozen(trainable, state)

    def __exit__(self, *raised: object) -> None:
        """Abandon what is being sampled: a resumed run samples it again."""
        self._abandoned.set()
        self._thread.shutdown()

    @property
    def _params(self) -> Any:
        return models.join(self._sampling_params, self._frozen)

    def _start(self, step: int, progress: Progress) -> None:
        self._step_in_flight = step
        self._in_flight = self._thread.submit(self._sample, self._params, progress.rates, step, self._abandoned.is_set)


def make_source(config: RunConfig, sample: SampleStep, learner: Learner, params: Any) -> StepSource:
    """Return the source of a run's groups; `params` are the parameters the run starts from."""
    if config.rollout.asynchronous:
        return OneStepAhead(sample, learner, params, config.steps)
    return Synchronous(sample)


def version(step: int) -> int:
    """Number of updates behind the parameters that sample a step one step ahead."""
    return max(0, step - 2)


def policy_lag(groups: Sequence[Group], step: int) -> float:
    """Mean over the step's sampled tokens of the updates between the policy that sampled and the one that learns."""
    members = [member for group in groups for member in group.members if member.version is not None]
    lags = [(step - 1 - (member.version or 0), sum(member.sampled)) for member in members]
    return sum(lag * tokens for lag, tokens in lags) / max(1, sum(tokens for _, tokens in lags))


def mismatch(learner: Learner, params: Any, batch: Batch) -> Figures:
    """Mean KL(sampler, learner) per token and the largest difference of a token's log-probs, as in `grpo.policy_loss`.

    `params` are the parameters that sampled the batch.
    """
    now_BGT = np.asarray(learner.recompute(params, learner.shard(batch)))
    gap_BGT = np.where(batch.sampled_BGT, now_BGT - batch.behaviour_BGT, 0)
    kl = float((np.expm1(gap_BGT) - gap_BGT).sum() / max(1, batch.sampled_BGT.sum()))
    return {"mismatch/kl": kl, "mismatch/gap_max": float(np.abs(gap_BGT).max())}


@jax.jit
def copied(trained: Any) -> Any:
    """Copy parameters to buffers of their own: the update donates the old ones."""
    return jax.tree.map(jnp.copy, trained)
