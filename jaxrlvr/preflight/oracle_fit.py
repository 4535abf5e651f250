"""Whether the tasks of a run can be solved within its limits: the oracle fits its turns, tokens and buckets."""

import envs
from envs.scripted_policies import demonstrate, oracle
from jaxrlvr.config import RunConfig
from jaxrlvr.preflight.validation import first_tasks
from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.tasks import heldout_tasks

_HELD_OUT = 4
"""Held-out tasks to try per scenario."""


def why_unsolvable(config: RunConfig, chat: Chat | None) -> str:
    """Return why the oracle of a first or held-out task does not fit the rollouts; an empty string if all fit.

    Without a chat, only turns are counted.
    """
    tried = [task for name in config.tasks.scenarios for task in heldout_tasks(config.tasks, name, _HELD_OUT)]
    for task in [*first_tasks(config), *tried]:
        if problem := _problem(config, chat, task):
            return f"{task.scenario} cannot be solved here: {problem}"
    return ""


def _problem(config: RunConfig, chat: Chat | None, task: envs.Task) -> str:
    """Return why the oracle of a task does not fit, or an empty string."""
    rollout, turns = config.rollout, len(task.oracle) + 1
    if turns > rollout.max_turns:
        return f"its oracle needs {turns} turns and --rollout.max-turns is {rollout.max_turns}: use {turns} or more"
    if chat is None:
        return ""
    total = 0
    for written, answers in demonstrate(task, oracle(task), rollout.detail).turns:
        tokens = len(chat.turn(written))
        if tokens > rollout.turn_tokens:
            return (
                f"a turn of its oracle has {tokens} tokens and --rollout.turn-tokens is {rollout.turn_tokens}: "
                f"use {tokens} or more"
            )
        total += tokens + (len(chat.answer(answers)) if answers else 0)
    longest = rollout.suffix_buckets[-1]
    if total > longest:
        return (
            f"its oracle's turns and their answers have {total} tokens, and the largest of --rollout.suffix-buckets is "
            f"{longest}: add one of {64 * -(-total // 64)}, and the same to --learner.suffix-buckets"
        )
    return ""
