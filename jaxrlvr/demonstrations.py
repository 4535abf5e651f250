"""Scenarios -> demonstrated conversations as tokens: what supervised fine-tuning imitates.

A demonstration is a policy of `envs.policies` run through the real simulator. Only the tokens that a model would have
written count in the loss; prompts and answers are context.
"""

import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

import envs
from envs import policies
from envs.tools import Detail
from jaxrlvr.batch import Row, Suffix
from jaxrlvr.chat import Chat

Habits = Mapping[str, float]
"""Probability of each named fault of a scenario, applied independently; empty for perfect demonstrations."""


def conversation(
    scenario: str, split: str, seed: int, habits: Habits, difficulty: int = 1, detail: Detail = "compact"
) -> tuple[envs.Task, tuple[tuple[str, tuple[str, ...]], ...]]:
    """One task and its demonstrated turns: [(what the model writes, what the tools answer), ...]."""
    task = envs.SCENARIOS[scenario].sample(seed, split, difficulty)
    own = {name: chance for name, chance in habits.items() if name in envs.SCENARIOS[scenario].habits}
    turns = policies.sloppy(task, random.Random(seed), own) if own else policies.oracle(task)
    return task, policies.demonstrate(task, turns, detail).turns


def texts(chosen: Sequence[tuple[str, str, int]]) -> Iterator[str]:
    """The texts of perfect demonstrations, for training a tokenizer: (scenario, split, seed) each."""
    for scenario, split, seed in chosen:
        task, turns = conversation(scenario, split, seed, {})
        yield task.request
        for written, answers in turns:
            yield written
            yield from answers


def row(chat: Chat, scenario: str, split: str, seed: int, habits: Habits, detail: Detail = "compact") -> Row:
    """One demonstration as a group of one member."""
    task, turns = conversation(scenario, split, seed, habits, detail=detail)
    tokens: list[int] = []
    sampled: list[bool] = []
    for written, answers in turns:
        turn = chat.turn(written)
        answer = chat.answer(answers) if answers else []
        tokens += turn + answer
        sampled += [True] * len(turn) + [False] * len(answer)
    suffix = Suffix(np.array(tokens, np.int32), np.array(sampled), np.zeros(len(tokens), np.float32), 1.0)
    return Row(chat.prompt(task.request, envs.tool_schemas(task, detail=detail)), [suffix])
