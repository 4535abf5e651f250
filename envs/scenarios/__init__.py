"""The scenarios by name: `registry` lists them, each other module is one."""

from envs.scenarios.registry import SCENARIOS, sample

__all__ = ["SCENARIOS", "sample"]
