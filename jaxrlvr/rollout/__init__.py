"""Tasks to scored groups: members write turns within a rollout's limits, simulators answer, verdicts become rewards."""

from jaxrlvr.rollout.policy import PolicyConfig
from jaxrlvr.rollout.rollout import RolloutConfig
from jaxrlvr.rollout.tasks import TaskConfig

__all__ = ["PolicyConfig", "RolloutConfig", "TaskConfig"]
