"""RunConfig: the settings of a training run. Each section is declared beside the code that reads it."""

from dataclasses import dataclass, field

from jaxrlvr.evaluation.held_out import EvaluationConfig
from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import LearnerConfig
from jaxrlvr.learning.optimizer import OptimizerConfig
from jaxrlvr.monitoring.guards import GuardConfig
from jaxrlvr.rollout.policy import PolicyConfig
from jaxrlvr.rollout.rollout import RolloutConfig
from jaxrlvr.rollout.tasks import TaskConfig
from jaxrlvr.runtime.settings import setting


@dataclass(frozen=True)
class RunConfig:
    """A training run."""

    about: str = setting("", on_resume="harmless")
    """Note for people: requirements and duration of the run."""
    steps: int = setting(40, at_least=1, on_resume="harmless")
    """Number of updates."""
    seed: int = setting(0, at_least=0, at_most=2**32 - 1)
    """Seed of tasks, sampling and every other random draw: 0 to 4294967295, JAX drops the bits above."""
    run_dir: str = ""
    """Directory of the run; empty for a new directory under runs/."""
    checkpoint_every: int = setting(5, at_least=1, on_resume="harmless")
    """Steps between checkpoints; the last step always makes one."""
    keep_checkpoints: int = setting(2, at_least=1, on_resume="harmless")
    """Number of checkpoints to keep; older ones are deleted."""
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    tasks: TaskConfig = field(default_factory=TaskConfig)
    rollout: RolloutConfig = field(default_factory=RolloutConfig)
    grpo: GRPOConfig = field(default_factory=GRPOConfig)
    learner: LearnerConfig = field(default_factory=LearnerConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    guards: GuardConfig = field(default_factory=GuardConfig)
