"""What a member did: the ordered list of its calls and the API's answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs.api.errors import EnvError
from envs.api.operation import Json

ERRORS = ("malformed_json", "malformed_call", "unknown_tool", "refused", "unavailable", "conflict")
"""Why a call failed: text that is no JSON; JSON that is no call; a tool not offered; a status of 400 or more. The last
two are no fault of the call, see `envs.api.faults`: the site failed; somebody else's write came between."""
SEEN = ("", "refused", "unavailable", "conflict")
"""Errors of calls that reached the API, and none."""
BLAMELESS = ("unavailable", "conflict")
"""Errors of calls that are right to be made once more."""


@dataclass(frozen=True)
class Call:
    """One attempted call. A malformed one has no arguments and status 0: the API never saw it."""

    name: str
    arguments: Mapping[str, Json]
    status: int
    body: Json
    error: str = ""
    """One of ERRORS, or empty."""
    turn: int = 0
    """The turn that made it, from 0."""

    @property
    def ok(self) -> bool:
        """Whether the API did what it was asked."""
        return not self.error

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "arguments": dict(self.arguments)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Call":
        """The call that `to_dict` described. Raises EnvError if it is not one."""
        try:
            return cls(**data)
        except TypeError as error:
            raise EnvError(f"not a stored call: {error}") from error


@dataclass(frozen=True)
class Trace:
    """All calls of an episode, and whether the model ended it by itself."""

    calls: tuple[Call, ...] = ()
    stopped: bool = False
    """True once the model wrote a turn without a call."""
    answer: str = ""
    """What it wrote in that turn."""

    def __iter__(self):
        return iter(self.calls)

    def __len__(self) -> int:
        return len(self.calls)

    def of(self, name: str) -> list[Call]:
        """The calls of one operation."""
        return [call for call in self.calls if call.name == name]


def answered_before(calls: Sequence[Call], place: int) -> list[Call]:
    """The calls whose answers were there when the call at `place` was written: those of earlier turns.

    What stands in the same turn was written before any of it was answered. None for the place -1 of a call that was
    not made.
    """
    return [call for call in calls[:place] if call.turn < calls[place].turn] if place > 0 else []
