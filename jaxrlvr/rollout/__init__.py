"""Tasks to scored groups: the policy writes turns, the simulators answer, the verdict is the reward."""

from jaxrlvr.rollout.policy import PolicyConfig
from jaxrlvr.rollout.rollout import RolloutConfig
from jaxrlvr.rollout.tasks import TaskConfig

__all__ = ["PolicyConfig", "RolloutConfig", "TaskConfig"]
