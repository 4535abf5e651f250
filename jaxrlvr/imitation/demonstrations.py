"""Scenarios -> demonstrated conversations as tokens: what supervised fine-tuning imitates.

A demonstration is a policy of `envs.scripted_policies` run through the real simulator. Only the tokens that a model would have
written count in the loss; prompts and answers are context.
"""

import random
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

import envs
from envs import scripted_policies
from envs.api.tools import Detail
from jaxrlvr.learning.batch import TrainingGroup, TrainingSuffix
from jaxrlvr.rollout.chat_template import Chat

Mistakes = Mapping[str, float]
"""Probability of each named fault of a scenario, applied independently; empty for perfect demonstrations."""


def conversation(
    scenario: str,
    split: str,
    seed: int,
    mistakes: Mistakes,
    difficulty: int = 1,
    detail: Detail = "compact",
    member: int = 0,
) -> tuple[envs.Task, tuple[tuple[str, tuple[str, ...]], ...]]:
    """One task and its demonstrated turns: [(what the model writes, what the tools answer), ...].

    With mistakes, each `member` is another attempt at the same task.
    """
    task = envs.SCENARIOS[scenario].sample(seed, split, difficulty)
    own = {name: chance for name, chance in mistakes.items() if name in envs.SCENARIOS[scenario].mistakes}
    rng = random.Random(f"{seed}/{member}" if member else seed)
    turns = scripted_policies.sloppy(task, rng, own) if own else scripted_policies.oracle(task)
    return task, scripted_policies.demonstrate(task, turns, detail).turns


def texts(chosen: Sequence[tuple[str, str, int]]) -> Iterator[str]:
    """The texts of perfect demonstrations, for training a tokenizer: (scenario, split, seed) each."""
    for scenario, split, seed in chosen:
        task, turns = conversation(scenario, split, seed, {})
        yield task.request
        for written, answers in turns:
            yield written
            yield from answers


def row(
    chat: Chat,
    scenario: str,
    split: str,
    seed: int,
    mistakes: Mistakes,
    detail: Detail = "compact",
    members: int = 1,
) -> TrainingGroup:
    """Demonstrations of one task as a group: they share its prompt."""
    shown = [conversation(scenario, split, seed, mistakes, detail=detail, member=member) for member in range(members)]
    task = shown[0][0]
    prefix = chat.prompt(task.request, envs.tool_schemas(task, detail=detail))
    return TrainingGroup(prefix, [_suffix(chat, turns) for _, turns in shown])


def _suffix(chat: Chat, turns: Sequence[tuple[str, tuple[str, ...]]]) -> TrainingSuffix:
    tokens: list[int] = []
    sampled: list[bool] = []
    for written, answers in turns:
        turn = chat.turn(written)
        answer = chat.answer(answers) if answers else []
        tokens += turn + answer
        sampled += [True] * len(turn) + [False] * len(answer)
    return TrainingSuffix(np.array(tokens, np.int32), np.array(sampled), np.zeros(len(tokens), np.float32), 1.0)
