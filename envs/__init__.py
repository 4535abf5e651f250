"""Simulated APIs, scenarios of tasks on them, and rewards that a program can verify, in pure Python."""

from envs.api.errors import EnvError
from envs.episode import Episode, Reply, rescore, tool_schemas
from envs.reward.site_diff import changes
from envs.reward.verdict import Verdict, judge
from envs.scenarios import SCENARIOS, sample
from envs.task import Task

__all__ = [
    "SCENARIOS",
    "EnvError",
    "Episode",
    "Reply",
    "Task",
    "Verdict",
    "changes",
    "judge",
    "rescore",
    "sample",
    "tool_schemas",
]
