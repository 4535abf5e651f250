"""Tasks as frozen data: the request, the site, the tools on offer, the goal and the oracle; drafts and references."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from envs.api.faults import Faults
from envs.api.operation import Api, Json
from envs.api.world import World
from envs.claims.clauses import Claim
from envs.words import Split

DONE = "Done."
"""The last turn of a policy that has nothing to report."""


@dataclass(frozen=True)
class PlannedCall:
    """A call of an oracle; each takes one turn."""

    name: str
    arguments: Mapping[str, Json]
    note: str = ""
    """Text before the call, in the same turn."""
    fails: bool = False
    """Whether the API refuses the call: the read finds nothing, or the call meets one of the task's faults."""


@dataclass(frozen=True)
class Reference:
    """A phrase of a request that means exactly one record of the site."""

    text: str
    """The phrase."""
    table: str
    record: str
    """Id of the record meant."""
    conditions: Mapping[str, Json]
    """Statements of the phrase: values by dotted path, or by the name of a condition in `envs.requests.references`."""


@dataclass(frozen=True)
class TaskDraft:
    """The part of a task that a scenario draws; `Scenario.sample` adds the rest."""

    request: str
    world: World
    goal: Mapping[str, object] = field(default_factory=dict)
    """Values that mistakes need and that are not in the oracle's calls."""
    oracle: tuple[PlannedCall, ...] = ()
    """Calls that fulfil the request, in order."""
    answer: str = DONE
    claim: Claim | Callable[[World], Claim] | None = None
    """Claim of a true answer, or a function of the finished site; None if the request asks for no answer."""
    faults: Faults | None = None
    tools: tuple[str, ...] = ()
    """Operations that the oracle needs besides the scenario's."""
    references: tuple[Reference, ...] = ()
    """The records that the request means; on the task's site each phrase fits its record alone."""
    wordings: tuple[str, ...] = ()
    """The wordings that the request is made of, with values as slots in braces; empty if nobody compares them."""


class Named(Protocol):
    """A call, planned or executed."""

    @property
    def name(self) -> str:
        """The operation, or the unknown name that the model wrote."""


@dataclass(frozen=True)
class Task:
    """One task, determined by scenario, seed, split, difficulty and number of tools."""

    scenario: str
    seed: int
    split: Split
    difficulty: int
    request: str
    """The user's message."""
    tools: tuple[str, ...]
    """Names of the operations on offer."""
    api: Api = field(repr=False)
    world: World = field(repr=False)
    """The initial site; never modified."""
    goal: Mapping[str, Any]
    """Values that mistakes need and the oracle's calls do not hold."""
    oracle: tuple[PlannedCall, ...] = field(repr=False)
    """The calls that fulfil the request, in order."""
    answer: str = field(default=DONE, repr=False)
    """The oracle's last turn, after its calls."""
    claim: Claim | None = field(default=None, repr=False)
    """Claim of a true answer; None if the request asks for no answer."""
    faults: Faults | None = field(default=None, repr=False)
    """Injected API faults; None for none."""
    references: tuple[Reference, ...] = field(default=(), repr=False)
    """The records that the request means."""
    wordings: tuple[str, ...] = field(default=(), repr=False)
    """The wordings that the request is made of, with values as slots in braces."""

    def digest(self) -> str:
        """Return a hash of all that the task consists of: records of another task have another digest."""
        plan = [vars(call) for call in self.oracle]
        parts = (self.request, self.tools, self.world.digest(), plan, self.answer, repr(self.faults))
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def any_writes(self, calls: Iterable[Named]) -> bool:
        """Return whether one of the calls is a write, accepted or not."""
        operations = self.api.by_name()
        return any(call.name in operations and operations[call.name].writes for call in calls)
