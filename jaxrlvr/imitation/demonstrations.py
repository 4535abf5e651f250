"""Scenarios -> demonstrated conversations as tokens, for supervised fine-tuning.

A demonstration is a policy of `envs.scripted_policies` run through the simulator. Only the tokens that a model would
have written count in the loss; prompts and API responses are context.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

import envs
from envs import scripted_policies
from envs.api.tools import Detail
from jaxrlvr.learning.batch import TrainingGroup, TrainingSuffix
from jaxrlvr.rollout.chat_template import Chat

Mistakes = Mapping[str, float]
"""Name of a scenario's mistake -> its probability, drawn independently; empty for perfect demonstrations."""
Turns = tuple[tuple[str, tuple[str, ...]], ...]
"""Per turn: the text that the model writes, and the answers of its tools."""


class TaskSeed(NamedTuple):
    """A task, as `envs.SCENARIOS[scenario].sample(seed, split)` draws it."""

    scenario: str
    split: str
    seed: int


def conversation(
    drawn: TaskSeed, mistakes: Mistakes, detail: Detail = "compact", member: int = 0
) -> tuple[envs.Task, Turns]:
    """Return a task and the turns that demonstrate it.

    With mistakes, each `member` is another attempt at the same task. Mistakes of other scenarios are ignored.
    """
    scenario = envs.SCENARIOS[drawn.scenario]
    task = scenario.sample(drawn.seed, drawn.split)
    possible = {name: chance for name, chance in mistakes.items() if name in scenario.mistakes}
    rng = random.Random(f"{drawn.seed}/{member}" if member else drawn.seed)
    turns = scripted_policies.sloppy(task, rng, possible) if possible else scripted_policies.oracle(task)
    return task, scripted_policies.demonstrate(task, turns, detail).turns


def texts(tasks: Sequence[tuple[str, str, int]]) -> Iterator[str]:
    """Yield the texts of perfect demonstrations, to train a tokenizer on; tasks are (scenario, split, seed)."""
    for scenario, split, seed in tasks:
        task, turns = conversation(TaskSeed(scenario, split, seed), {})
        yield task.request
        for written, answers in turns:
            yield written
            yield from answers


def training_group(
    chat: Chat, drawn: TaskSeed, mistakes: Mistakes, detail: Detail = "compact", members: int = 1
) -> TrainingGroup:
    """Return `members` demonstrations of one task as a group: they share its prompt."""
    shown = [conversation(drawn, mistakes, detail, member) for member in range(members)]
    task = shown[0][0]
    prefix = chat.prompt(task.request, envs.tool_schemas(task, detail=detail))
    return TrainingGroup(prefix, [_suffix(chat, turns) for _, turns in shown])


def _suffix(chat: Chat, turns: Turns) -> TrainingSuffix:
    tokens: list[int] = []
    sampled: list[bool] = []
    for written, answers in turns:
        turn = chat.turn(written)
        answer = chat.answer(answers) if answers else []
        tokens += turn + answer
        sampled += [True] * len(turn) + [False] * len(answer)
    return TrainingSuffix(np.array(tokens, np.int32), np.array(sampled), np.zeros(len(tokens), np.float32), 1.0)
