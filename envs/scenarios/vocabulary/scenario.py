"""A scenario: a family of tasks over one API, as data and small functions."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from envs.api.distractors import crowd
from envs.api.errors import EnvError
from envs.api.faults import Faults
from envs.api.operation import Api
from envs.api.world import World
from envs.reward.checks import Check
from envs.task import DONE, PlannedCall, Task
from envs.words import SPLITS, Split

Plan = Sequence[PlannedCall]
Mistake = Callable[[Plan, Task, random.Random], Plan]
"""A way of doing a task badly: the oracle's plan in, a worse one out."""
HARDEST = 5
_MORE_TOOLS = (0, 2, 5, 12, 1_000)
"""By difficulty, tools offered beside the needed ones, as far as the API has so many."""


@dataclass(frozen=True)
class TaskDraft:
    """What a scenario draws for one task; `Scenario.sample` adds the rest."""

    request: str
    world: World
    goal: Mapping[str, object] = field(default_factory=dict)
    """What checks need and the oracle's calls do not hold."""
    oracle: tuple[PlannedCall, ...] = ()
    """Calls that fulfil the request, in order."""
    answer: str = DONE
    faults: Faults | None = None


@dataclass(frozen=True)
class Scenario:
    """A family of tasks."""

    name: str
    api: Api
    tools: tuple[str, ...]
    """Operations that its tasks need; the least that is offered."""
    checks: tuple[Check, ...]
    """Their weights sum to 1."""
    mistakes: Mapping[str, Mistake]
    """Named faults that sloppy demonstrations show."""
    draw: Callable[[random.Random, Split], TaskDraft]
    """Draws a task's site, request and goal."""
    held_out_operations: Mapping[str, str] = field(default_factory=dict)
    """Operations that stand in held-out tasks for others of the same arguments; no other split is offered them."""

    def sample(self, seed: int, split: str, difficulty: int = 1, tools: int = 0) -> Task:
        """The task of a seed: same arguments, same task.

        Above difficulty 1 there are more tools and near namesakes. `tools` is how many operations of the API are
        offered at least, as far as there are so many; those that are needed always are. Raises EnvError for an unknown
        split or difficulty, or tools below 0.
        """
        if split not in SPLITS:
            raise EnvError(f"unknown split {split!r}; there are {', '.join(SPLITS)}")
        if difficulty not in range(1, HARDEST + 1):
            raise EnvError(f"{self.name} has no difficulty {difficulty!r}; there are 1 to {HARDEST}")
        if tools < 0:
            raise EnvError(f"{tools} tools cannot be offered; 0 offers those that are needed")
        rng = random.Random(f"{self.name}/{split}/{difficulty}/{seed}")
        draft = self.draw(rng, split)
        stand_ins = self.held_out_operations if split == "heldout" else {}
        oracle = tuple(replace(call, name=stand_ins[call.name]) if call.name in stand_ins else call
                       for call in draft.oracle)  # fmt: skip
        if difficulty > 1:
            crowd(draft.world, self.api.distractors, rng, split, difficulty - 1)
        return Task(
            self.name,
            seed,
            split,
            difficulty,
            draft.request,
            self._offered(rng, max(tools, len(self.tools) + _MORE_TOOLS[difficulty - 1]), stand_ins),
            self.api,
            draft.world,
            draft.goal,
            oracle,
            draft.answer,
            draft.faults,
        )

    def _offered(self, rng: random.Random, count: int, stand_ins: Mapping[str, str]) -> tuple[str, ...]:
        needed = tuple(stand_ins.get(name, name) for name in self.tools)
        never = {*self.tools, *self.held_out_operations, *self.held_out_operations.values()}
        others = [name for name in self.api.by_name() if name not in never]
        chosen = rng.sample(others, min(max(count - len(needed), 0), len(others)))
        if not chosen:
            return needed
        return tuple(rng.sample([*needed, *chosen], len(needed) + len(chosen)))
