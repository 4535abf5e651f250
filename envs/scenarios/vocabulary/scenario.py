"""A scenario: a family of tasks over one API, as data and small functions."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from envs.api.distractors import crowd
from envs.api.errors import EnvError
from envs.api.operation import Api
from envs.requests.references import confusable
from envs.reward.checks import Check
from envs.task import PlannedCall, Task, TaskDraft
from envs.words import SPLITS, Split

Plan = Sequence[PlannedCall]
Mistake = Callable[[Plan, Task, random.Random], Plan]
"""(the oracle's plan, task, generator) -> a worse plan."""
HARDEST = 5
_MORE_TOOLS = (0, 2, 5, 12, 1_000)
"""How many unneeded tools each difficulty offers, if the API has that many."""


@dataclass(frozen=True)
class Scenario:
    """A family of tasks."""

    name: str
    api: Api
    tools: tuple[str, ...]
    """Operations that every task of the scenario offers."""
    draw: Callable[[random.Random, Split], TaskDraft]
    """Draws a task's world, request and oracle."""
    mistakes: Mapping[str, Mistake] = field(default_factory=dict)
    """Ways of doing the task badly, for sloppy demonstrations."""
    checks: tuple[Check, ...] = ()
    """Demands beyond those that follow from the oracle."""
    talk: Callable[[random.Random, Split, int], TaskDraft] | None = None
    """Draws a task as people would word it, from the generator, split and difficulty: used from difficulty 2 on."""
    held_out_operations: Mapping[str, str] = field(default_factory=dict)
    """By operation, its replacement in held-out tasks, with the same arguments; other splits never offer it."""

    def sample(self, seed: int, split: str, difficulty: int = 1, tools: int = 0) -> Task:
        """Return the task of a seed: the same arguments always give the same task.

        Difficulties above 1 add unneeded tools and near namesakes and, in a scenario with `talk`, change the request.
        The task offers the operations it needs and as many others as make `tools` in all, if the API has that many.
        Raises EnvError for an unknown split or difficulty, or negative `tools`.
        """
        if split not in SPLITS:
            raise EnvError(f"unknown split {split!r}; there are {', '.join(SPLITS)}")
        if difficulty not in range(1, HARDEST + 1):
            raise EnvError(f"{self.name} has no difficulty {difficulty!r}; there are 1 to {HARDEST}")
        if tools < 0:
            raise EnvError(f"{tools} tools cannot be offered; 0 offers those that are needed")
        rng = random.Random(f"{self.name}/{split}/{difficulty}/{seed}")
        draft = self.talk(rng, split, difficulty) if self.talk and difficulty > 1 else self.draw(rng, split)
        replacements = self.held_out_operations if split == "heldout" else {}
        oracle = tuple(replace(call, name=replacements[call.name]) if call.name in replacements else call
                       for call in draft.oracle)  # fmt: skip
        if difficulty > 1:
            unwanted = partial(confusable, draft.references)
            crowd(draft.world, self.api.distractors, rng, split, difficulty - 1, unwanted)
        needed = tuple(dict.fromkeys((*self.tools, *draft.tools)))
        return Task(
            scenario=self.name,
            seed=seed,
            split=split,
            difficulty=difficulty,
            request=draft.request,
            tools=self._offered(rng, needed, max(tools, len(needed) + _MORE_TOOLS[difficulty - 1]), replacements),
            api=self.api,
            world=draft.world,
            goal=draft.goal,
            oracle=oracle,
            answer=draft.answer,
            claim=draft.claim(draft.world) if callable(draft.claim) else draft.claim,
            faults=draft.faults,
            references=draft.references,
            wordings=draft.wordings,
        )

    def _offered(
        self, rng: random.Random, wanted: Sequence[str], count: int, replacements: Mapping[str, str]
    ) -> tuple[str, ...]:
        needed = tuple(replacements.get(name, name) for name in wanted)
        excluded = {*wanted, *self.held_out_operations, *self.held_out_operations.values()}
        others = [name for name in self.api.by_name() if name not in excluded]
        chosen = rng.sample(others, min(max(count - len(needed), 0), len(others)))
        if not chosen:
            return needed
        return tuple(rng.sample([*needed, *chosen], len(needed) + len(chosen)))
