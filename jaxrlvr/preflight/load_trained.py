"""Load weights from any source a user may name: embedded seed, run (its last checkpoint), model directory, hub id."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxrlvr.config import RunConfig
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
    """Origin of the weights, for messages."""


def load_trained(source: str, policy: PolicyConfig | None = None) -> Trained:
    """Load a model with its weights; an empty source is the embedded seed.

    `policy` sets mesh, compute dtype and so on; by default a run's own, or float32 on one device. From a run, the
    weights of the last checkpoint are loaded, and model and adapters are the run's, whatever `policy` names. Raises
    UserError or models.ModelError, in one line.
    """
    if not source or not is_run(Path(source)):
        loaded = load_policy(replace(policy or PolicyConfig(), model=source))
        return Trained(loaded, loaded.params, f"the weights of {loaded.source}")
    run = RunDirectory.open(source)
    config = run.read_config(RunConfig)
    stored = config.policy
    loaded = load_policy(replace(policy or stored, model=stored.model, lora=stored.lora))
    learner = Learner(loaded.graphdef, make_optimizer(config.optimizer), grpo.objective(config.grpo))
    checkpoints = Checkpoints(run.checkpoints, config.keep_checkpoints)
    start = learner.init(loaded.params)
    like = trainable_state(start)
    # Checkpoints of an asynchronous run also contain the policy that samples its next step.
    more = [like.params] if config.rollout.asynchronous else []
    step, (restored, *_), _ = checkpoints.restore((like, *more))
    checkpoints.close()
    state = with_frozen(restored, start)
    return Trained(loaded, state.params, f"step {step} of {source}")
