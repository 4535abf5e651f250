"""A task: frozen data. What is asked, of which site, with which tools, and what would be right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from envs.api.faults import Faults
from envs.api.operation import Api, Json
from envs.api.world import World
from envs.words import Split

DONE = "Done."
"""The last turn of whoever has nothing to say: words, and no call."""


@dataclass(frozen=True)
class PlannedCall:
    """A call of an oracle, one turn long."""

    name: str
    arguments: Mapping[str, Json]
    note: str = ""
    """What the model writes before the call."""
    fails: bool = False
    """Whether the API will not do it: a read that finds nothing, or a call that meets one of the task's faults."""


class Named(Protocol):
    """A call, planned or made."""

    @property
    def name(self) -> str:
        """Its operation, or whatever the model wrote."""


@dataclass(frozen=True)
class Task:
    """One task. It follows from scenario, seed, split, difficulty and the number of tools alone."""

    scenario: str
    seed: int
    split: Split
    difficulty: int
    request: str
    """What the user asks."""
    tools: tuple[str, ...]
    """Names of the operations offered."""
    api: Api = field(repr=False)
    world: World = field(repr=False)
    """The site before the first call; never changed."""
    goal: Mapping[str, Any]
    """What the checks compare with."""
    oracle: tuple[PlannedCall, ...] = field(repr=False)
    """Calls that fulfil the request, in order."""
    answer: str = field(default=DONE, repr=False)
    """What an oracle writes when it has made them."""
    faults: Faults | None = field(default=None, repr=False)
    """Which calls fail although nothing is wrong with them."""

    def any_writes(self, calls: Iterable[Named]) -> bool:
        """Whether one of the calls would change the site, accepted or not."""
        operations = self.api.by_name()
        return any(call.name in operations and operations[call.name].writes for call in calls)
