"""Families of tasks with the checks that define their rewards, in one registry by name."""

from envs.scenarios.registry import SCENARIOS, sample

__all__ = ["SCENARIOS", "sample"]
