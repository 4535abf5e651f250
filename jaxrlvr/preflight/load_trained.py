"""Whatever the user calls a model -> weights: the embedded seed, a run (its last checkpoint), a directory, a hub id."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxrlvr.learning import grpo
from jaxrlvr.learning.learner import Learner, trainable_state, with_frozen
from jaxrlvr.learning.optimizer import make_optimizer
from jaxrlvr.rollout.policy import Policy, PolicyConfig, load_policy
from jaxrlvr.storage.checkpoint import Checkpoints
from jaxrlvr.storage.run_directory import RunDirectory, is_run


@dataclass(frozen=True)
class Trained:
    """A model with its weights."""

    policy: Policy
    params: Any
    about: str
    """Where the weights came from, for people."""


def load_trained(source: str, policy: PolicyConfig | None = None) -> Trained:
    """Load `source`, an empty one being the embedded seed, computing as `policy` says (default: float32 on one device).

    A run's weights are its last checkpoint's; model and adapters are those it started from, whatever `policy` says.
    Raises UserError or models.ModelError with one clear line.
    """
    if not source or not is_run(Path(source)):
        loaded = load_policy(replace(policy or PolicyConfig(), model=source))
        return Trained(loaded, loaded.params, f"the weights of {loaded.source}")
    run, config = RunDirectory.open(source)
    began = config.policy
    loaded = load_policy(replace(policy or began, model=began.model, lora=began.lora))
    learner = Learner(loaded.graphdef, make_optimizer(config.optimizer), grpo.objective(config.grpo))
    checkpoints = Checkpoints(run.checkpoints, config.keep_checkpoints)
    start = learner.init(loaded.params)
    like = trainable_state(start)
    # An asynchronous run also keeps the policy that samples its next step.
    more = [like.params] if config.rollout.asynchronous else []
    step, (restored, *_), _ = checkpoints.restore((like, *more))
    checkpoints.close()
    state = with_frozen(restored, start)
    return Trained(loaded, state.params, f"step {step} of {source}")
