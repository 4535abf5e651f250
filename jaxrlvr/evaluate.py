"""Held-out tasks -> reward and success per scenario: `python -m jaxrlvr.evaluate --model DIR`.

The model may be the embedded seed, a run directory (its last checkpoint) or any Hugging Face directory. Every episode can be kept as
a line of JSON that `envs` can score again.
"""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxrlvr.chat import Chat
from jaxrlvr.rollout import Group, RolloutConfig, rollout
from jaxrlvr.sampler import Sampler
from jaxrlvr.tasks import TaskConfig, heldout_tasks


@dataclass(frozen=True)
class EvaluationConfig:
    """How a policy is judged."""

    tasks: int = 100
    """Held-out tasks per scenario."""
    every: int = 0
    """Steps between evaluations during training; 0 evaluates only before and after."""
    batch: int = 100
    """Tasks that are sampled side by side."""


@dataclass(frozen=True)
class Score:
    """Means over the held-out tasks of one scenario."""

    reward: float
    success: float
    tasks: int


def evaluate(
    sampler: Sampler,
    params: Any,
    chat: Chat,
    tasks: TaskConfig,
    config: EvaluationConfig,
    acting: RolloutConfig,
    *,
    temperature: float,
    seed: int = 0,
    keep: Callable[[Iterable[Group]], None] | None = None,
) -> dict[str, Score]:
    """One attempt at every held-out task of every scenario, greedy at temperature 0. Returns {scenario: Score}.

    An attempt whose simulator failed is left out of the means and of their count.
    """
    acting = dataclasses.replace(acting, group_size=1, temperature=temperature)
    scores = {}
    for scenario in tasks.scenarios:
        heldout = heldout_tasks(tasks, scenario, config.tasks)
        groups: list[Group] = []
        for begin in range(0, len(heldout), config.batch):
            part = heldout[begin : begin + config.batch]
            # The last batch is filled up, so that its shape is one already compiled.
            filled = part + heldout[: config.batch - len(part)]
            filled += [heldout[0]] * (config.batch - len(filled))
            numbers = [task.seed for task in filled]
            groups += rollout(sampler, params, chat, filled, acting, seed=seed, step=0, numbers=numbers)[: len(part)]
        if keep:
            keep(groups)
        scores[scenario] = score(groups)
    return scores


def score(groups: Sequence[Group]) -> Score:
    """Mean reward and success of every valid member."""
    verdicts = [member.verdict for group in groups for member in group.members if member.valid]
    count = max(1, len(verdicts))
    return Score(sum(v.reward for v in verdicts) / count, sum(v.success for v in verdicts) / count, len(verdicts))


def episode_lines(groups: Iterable[Group], chat: Chat, **about: Any) -> Iterable[str]:
    """One line of JSON per member: the episode as `envs` scores it, the text as the model wrote it, and `about`."""
    for group in groups:
        for number, member in enumerate(group.members):
            record = {
                **about,
                "member": number,
                "stop": member.stop,
                "text": chat.tokenizer.decode(member.tokens, skip_special_tokens=False),
                "episode": member.episode.to_dict(),
                "verdict": member.verdict.to_dict() if member.verdict else None,
            }
            yield json.dumps(record, ensure_ascii=False) + "\n"


def write_episodes(path: Path, groups: Iterable[Group], chat: Chat, **about: Any) -> None:
    """Append the groups' episodes to a JSONL file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(episode_lines(groups, chat, **about))
