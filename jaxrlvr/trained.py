"""Whatever the user calls a model -> weights: the embedded seed, a run (its last checkpoint), a directory, a hub id."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jaxrlvr.checkpoint import Checkpoints
from jaxrlvr.config import RunConfig
from jaxrlvr.learner import Learner, make_optimizer
from jaxrlvr.policy import Policy, PolicyConfig, load_policy
from jaxrlvr.run import RunDirectory, is_run


@dataclass(frozen=True)
class Trained:
    """A model with its weights, and the config that it goes with."""

    policy: Policy
    params: Any
    config: RunConfig | None
    """The run's config, or None for a model that is no run's."""
    about: str
    """Where the weights came from, for people."""


def load_trained(source: str, policy: PolicyConfig | None = None) -> Trained:
    """Load `source`; an empty one is the embedded seed. Raises UserError or models.ModelError with one clear line."""
    if not source or not is_run(Path(source)):
        loaded = load_policy(replace(policy or PolicyConfig(), model=source))
        return Trained(loaded, loaded.params, None, f"the weights of {loaded.source}")
    run, config = RunDirectory.open(source)
    loaded = load_policy(config.policy)
    learner = Learner(loaded.graphdef, make_optimizer(config.optimizer), lambda *_: None)  # type: ignore[arg-type,return-value]
    checkpoints = Checkpoints(run.checkpoints, config.keep_checkpoints)
    step, state = checkpoints.restore(learner.init(loaded.params))
    checkpoints.close()
    return Trained(loaded, state.params, config, f"step {step} of {source}")
