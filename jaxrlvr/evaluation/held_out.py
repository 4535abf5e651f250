"""Held-out evaluation: mean reward and success per scenario, greedy and at the training temperature."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypedDict

from jaxrlvr.rollout.multihost import rollout
from jaxrlvr.rollout.rollout import Actor, RolloutConfig, RolloutKey
from jaxrlvr.rollout.tasks import TaskConfig, heldout_tasks
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime.settings import setting


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
"""Scenario -> score."""

Evaluation = dict[str, Scores]
"""Way of sampling ("greedy", or "sampled" at the training temperature) -> scores."""


@dataclass(frozen=True)
class HeldOut:
    """The held-out tasks of a run, and the settings with which a policy attempts them."""

    tasks: TaskConfig
    evaluation: EvaluationConfig
    rollout: RolloutConfig
    seed: int
    """Fixes the sampled tokens; the tasks are the same for every run."""


def evaluate(
    actor: Actor,
    held_out: HeldOut,
    on_groups: Callable[[str, Sequence[Group]], None],
    on_batch: Callable[[], object] = lambda: None,
) -> Evaluation:
    """Evaluate greedily and at the training temperature.

    `on_groups` receives the way of sampling and a scenario's groups; `on_batch` is called after each batch.
    """
    temperatures = {"greedy": 0.0, "sampled": held_out.rollout.temperature}
    return {
        way: evaluate_at(temperature, actor, held_out, partial(on_groups, way), on_batch)
        for way, temperature in temperatures.items()
    }


def evaluate_at(
    temperature: float,
    actor: Actor,
    held_out: HeldOut,
    on_groups: Callable[[Sequence[Group]], None] = lambda groups: None,
    on_batch: Callable[[], object] = lambda: None,
) -> Scores:
    """Attempt every held-out task of every scenario once; greedily at temperature 0.

    Attempts whose simulator failed count neither in the means nor in `tasks`.
    """
    batch = held_out.evaluation.batch
    settings = replace(held_out.rollout, group_size=1, temperature=temperature, slots=0)
    scores: Scores = {}
    for scenario in held_out.tasks.scenarios:
        tasks = heldout_tasks(held_out.tasks, scenario, held_out.evaluation.tasks)
        groups: list[Group] = []
        for begin in range(0, len(tasks), batch):
            part = tasks[begin : begin + batch]
            # Fill the last batch up, so that its shape is one that is compiled already.
            filled = part + tasks[: batch - len(part)]
            filled += [tasks[0]] * (batch - len(filled))
            key = RolloutKey(held_out.seed, 0, [task.seed for task in filled])
            groups += rollout(actor, filled, settings, key).groups[: len(part)]
            on_batch()
        on_groups(groups)
        scores[scenario] = score(groups)
    return scores


def score(groups: Sequence[Group]) -> Score:
    """Compute mean reward and success of all valid members."""
    verdicts = [member.verdict for group in groups for member in group.members if member.valid]
    count = max(1, len(verdicts))
    return Score(
        reward=sum(verdict.reward for verdict in verdicts) / count,
        success=sum(verdict.success for verdict in verdicts) / count,
        tasks=len(verdicts),
    )
