"""Families of tasks, by the site that they are on."""

from envs.scenarios.registry import SCENARIOS, sample

__all__ = ["SCENARIOS", "sample"]
