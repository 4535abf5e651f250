"""Scored groups to updated parameters: advantages, losses, micro-batches, optimizer and the learner."""

from jaxrlvr.learning.grpo import GRPOConfig
from jaxrlvr.learning.learner import LearnerConfig
from jaxrlvr.learning.optimizer import OptimizerConfig

__all__ = ["GRPOConfig", "LearnerConfig", "OptimizerConfig"]
