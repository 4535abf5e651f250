"""Held-out tasks -> reward and success per scenario. Every episode can be kept as a line of JSON to be scored again."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypedDict

from jaxrlvr.rollout.chat_template import Chat
from jaxrlvr.rollout.multihost import rollout
from jaxrlvr.rollout.rollout import Group, RolloutConfig
from jaxrlvr.rollout.tasks import TaskConfig, heldout_tasks
from jaxrlvr.runtime.settings import setting
from jaxrlvr.sampling.sampler import Sampler


@dataclass(frozen=True)
class EvaluationConfig:
    """How a policy is evaluated."""

    tasks: int = setting(100, at_least=1, on_resume="harmless")
    """Held-out tasks per scenario."""
    every: int = setting(0, at_least=0, on_resume="harmless")
    """Steps between evaluations during training; 0 evaluates only before and after."""
    batch: int = setting(100, at_least=1, on_resume="harmless")
    """Tasks sampled at a time."""


class Score(TypedDict):
    """Means over the held-out tasks of one scenario."""

    reward: float
    success: float
    tasks: int


Scores = dict[str, Score]
"""By scenario."""


Evaluation = dict[str, Scores]
"""By way of acting: greedy, or sampled at the training temperature."""


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
    keep: Callable[[Sequence[Group]], None] | None = None,
    moved: Callable[[], object] = lambda: None,
) -> Scores:
    """One attempt at every held-out task of every scenario, greedy at temperature 0. Returns {scenario: Score}.

    `keep` gets each scenario's groups; `moved` is called after every batch of them.

    An attempt whose simulator failed is left out of the means and of their count.
    """
    acting = dataclasses.replace(acting, group_size=1, temperature=temperature, slots=0)
    scores: Scores = {}
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
            moved()
        if keep:
            keep(groups)
        scores[scenario] = score(groups)
    return scores


def judge(
    sampler: Sampler,
    params: Any,
    chat: Chat,
    tasks: TaskConfig,
    config: EvaluationConfig,
    acting: RolloutConfig,
    *,
    seed: int,
    keep: Callable[[str, Sequence[Group]], None],
    moved: Callable[[], object] = lambda: None,
) -> Evaluation:
    """Evaluate greedily and at the training temperature; `keep` gets the way of acting and the episodes."""
    ways = {"greedy": 0.0, "sampled": acting.temperature}
    return {
        way: evaluate(
            sampler,
            params,
            chat,
            tasks,
            config,
            acting,
            temperature=heat,
            seed=seed,
            keep=partial(keep, way),
            moved=moved,
        )
        for way, heat in ways.items()
    }


def score(groups: Sequence[Group]) -> Score:
    """Mean reward and success of every valid member."""
    verdicts = [member.verdict for group in groups for member in group.members if member.valid]
    count = max(1, len(verdicts))
    return Score(
        reward=sum(verdict.reward for verdict in verdicts) / count,
        success=sum(verdict.success for verdict in verdicts) / count,
        tasks=len(verdicts),
    )


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
            if member.version is not None:
                record["policy_version"] = member.version
            yield json.dumps(record, ensure_ascii=False) + "\n"


def write_episodes(path: Path, groups: Iterable[Group], chat: Chat, **about: Any) -> None:
    """Append the groups' episodes to a JSONL file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.writelines(episode_lines(groups, chat, **about))
