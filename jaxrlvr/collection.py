"""Policy -> a step's groups: in turn with the updates, or one step ahead of them.

With `rollout.asynchronous` a thread samples step k + 1 while the learner makes the update of step k. It acts with a
copy of the policy from before that update, whatever takes longer: no figure depends on the threads' timing.

    step                                       1  2  3  4 ...
    updates behind the policy that sampled it  0  0  1  2      the member's `version`
    updates behind the policy that learns      0  1  2  3      the difference is the metric `policy_lag`

The copy is the price: the trained parameters once more, in memory and in each checkpoint, so that a resumed run samples
what was in flight again from the very policy that it was sampled from. The objective weighs tokens by policy over
sampler (`grpo.correction`); what sampler and learner disagree about is therefore measured apart, against the copy.
"""

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

import models
from jaxrlvr.config import RunConfig
from jaxrlvr.learning.batch import Batch
from jaxrlvr.learning.learner import Learner, TrainState, trainable_state, with_frozen
from jaxrlvr.rollout.curriculum import Rates
from jaxrlvr.rollout.dynamic_sampling import StepGroups
from jaxrlvr.rollout.rollout import Group
from jaxrlvr.runtime.timing import Figures, timed
from jaxrlvr.sampling.sampler import Sampler, Turn
from jaxrlvr.sampling.slots import SamplerState
from jaxrlvr.storage.progress import Progress


class Play(Protocol):
    """Samples a step's groups with a sampler, parameters and success rates; adds its seconds to the figures."""

    def __call__(self, sampler: Sampler, params: Any, rates: Rates, step: int, figures: Figures) -> StepGroups: ...


class Synchronous:
    """Each step is sampled by the policy that it then updates."""

    def __init__(self, play: Play, sampler: Sampler) -> None:
        self._play, self._sampler = play, sampler

    def draw(self, step: int, state: TrainState, progress: Progress) -> tuple[StepGroups, Figures]:
        """The step's groups, and what was measured on the way."""
        figures: Figures = {}
        return self._play(self._sampler, state.params, progress.rates, step, figures), figures

    def begin(self, step: int, state: TrainState, progress: Progress, batches: Sequence[Batch]) -> Figures:
        """Called once `step` is drawn and packed and before its update."""
        return {}

    def settle(self) -> None:
        """Return once nothing is being sampled."""

    def kept(self, state: TrainState) -> Any:
        """What a checkpoint holds."""
        return trainable_state(state)

    def restored(self, kept: Any, state: TrainState) -> TrainState:
        """The state of a checkpoint, with the frozen weights of another state of the same run."""
        return with_frozen(kept, state)

    def __enter__(self) -> "Synchronous":
        return self

    def __exit__(self, *raised: object) -> None:
        """Leave what is being sampled."""


class OneStepAhead(Synchronous):
    """The next step is sampled during the update of this one, by the policy from before that update."""

    def __init__(self, play: Play, sampler: Sampler, learner: Learner, params: Any, last: int) -> None:
        """`params` are those that the run starts from; nothing is sampled for steps after `last`."""
        self._left = threading.Event()
        super().__init__(play, Leaving(**vars(sampler), left=self._left))
        self._learner, self._last = learner, last
        trained, self._frozen = models.split(params)
        self._acting = copied(trained)
        self._thread = ThreadPoolExecutor(1, "sampling")
        self._begun, self._sampling = 0, Future[tuple[StepGroups, Figures]]()

    def draw(self, step: int, state: TrainState, progress: Progress) -> tuple[StepGroups, Figures]:
        """As `Synchronous.draw`, waited for. Raises what sampling them raised."""
        if self._begun != step:  # the first of a run or of a resumed one
            self._start(step, progress)
        waited: Figures = {}
        with timed(waited, "seconds/wait"):
            drawn, figures = self._sampling.result()
        for group in drawn.groups:
            for member in group.members:
                member.version = version(step)
        return drawn, figures | waited | {"policy_lag": policy_lag(drawn.groups, step)}

    def begin(self, step: int, state: TrainState, progress: Progress, batches: Sequence[Batch]) -> Figures:
        """Begin to sample the next step. Returns how far the learner is from the sampler on one micro-batch of this
        step, a different one each time, both with the parameters that sampled it.
        """
        figures = disagreement(self._learner, self._params, batches[step % len(batches)])
        self._acting = None  # its memory is free before the next copy takes some
        self._acting = copied(models.split(state.params)[0])
        if step < self._last:
            self._start(step + 1, progress)
        return figures

    def settle(self) -> None:
        """Return once the step in flight is sampled; what went wrong with it is told by `draw`."""
        if self._begun:
            wait([self._sampling])

    def kept(self, state: TrainState) -> Any:
        """The state, and the policy that samples the next step."""
        return trainable_state(state), self._acting

    def restored(self, kept: Any, state: TrainState) -> TrainState:
        """As `Synchronous.restored`; the next step is sampled by the policy that was kept for it."""
        changed, self._acting = kept
        return with_frozen(changed, state)

    def __exit__(self, *raised: object) -> None:
        """Leave what is being sampled: a resumed run samples it again."""
        self._left.set()
        self._thread.shutdown()

    @property
    def _params(self) -> Any:
        return models.join(self._acting, self._frozen)

    def _start(self, step: int, progress: Progress) -> None:
        params, rates = self._params, progress.rates

        def play() -> tuple[StepGroups, Figures]:
            figures: Figures = {}
            return self._play(self._sampler, params, rates, step, figures), figures

        self._begun, self._sampling = step, self._thread.submit(play)


def source_of(config: RunConfig, play: Play, sampler: Sampler, learner: Learner, params: Any) -> Synchronous:
    """Where a run's groups come from; `params` are those that it starts from."""
    if config.rollout.asynchronous:
        return OneStepAhead(play, sampler, learner, params, config.steps)
    return Synchronous(play, sampler)


def version(step: int) -> int:
    """The updates behind the policy that samples a step, one step ahead."""
    return max(0, step - 2)


def policy_lag(groups: Sequence[Group], step: int) -> float:
    """Updates between the policy that sampled a token and the one that learns from it, a mean over the step's sampled
    tokens.
    """
    members = [member for group in groups for member in group.members if member.version is not None]
    lags = [(step - 1 - (member.version or 0), sum(member.sampled)) for member in members]
    return sum(lag * tokens for lag, tokens in lags) / max(1, sum(tokens for _, tokens in lags))


def disagreement(learner: Learner, params: Any, batch: Batch) -> Figures:
    """Mean KL(sampler, learner) and the largest difference of a token's log-probs, as `grpo.policy_loss` has them, if
    `params` sampled the batch.
    """
    now_BGT = np.asarray(learner.recompute(params, learner.shard(batch)))
    gap_BGT = np.where(batch.sampled_BGT, now_BGT - batch.behaviour_BGT, 0)
    kl = float((np.expm1(gap_BGT) - gap_BGT).sum() / max(1, batch.sampled_BGT.sum()))
    return {"mismatch/kl": kl, "mismatch/gap_max": float(np.abs(gap_BGT).max())}


@jax.jit
def copied(trained: Any) -> Any:
    """Parameters in buffers of their own: the update gives the old ones away."""
    return jax.tree.map(jnp.copy, trained)


class Left(Exception):
    """Sampling ended because nobody waits for it any more."""


@dataclass(frozen=True)
class Leaving(Sampler):
    """A sampler that stops between two turns once it is left."""

    left: threading.Event = field(default_factory=threading.Event)

    def decode(self, *arguments: Any, **settings: Any) -> tuple[SamplerState, Turn]:
        """As `Sampler.decode`. Raises Left."""
        if self.left.is_set():
            raise Left
        return super().decode(*arguments, **settings)
