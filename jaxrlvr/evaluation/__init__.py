"""Held-out scores of a policy, greedy and sampled, and the files of evaluated episodes."""

from jaxrlvr.evaluation.held_out import EvaluationConfig

__all__ = ["EvaluationConfig"]
