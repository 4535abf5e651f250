"""Traces: the ordered calls of an episode with the API's responses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from envs.api.errors import EnvError
from envs.api.operation import Json

ERRORS = ("malformed_json", "malformed_call", "unknown_tool", "refused", "unavailable", "conflict")
"""Reasons for a failed call: the text is not JSON; the JSON is not a call; the tool is not offered; the API refused it
with status 400 or above. The last two are not the call's fault (see `envs.api.faults`): the site failed; another
user's write came first."""
SEEN = ("", "refused", "unavailable", "conflict")
"""Values of `Call.error` for calls that reached the API; empty for success."""
BLAMELESS = ("unavailable", "conflict")
"""Errors after which it is right to repeat the call."""


@dataclass(frozen=True)
class Call:
    """One attempted call. A call that did not reach the API has status 0; a malformed one has no name or arguments."""

    name: str
    arguments: Mapping[str, Json]
    status: int
    body: Json
    error: str = ""
    """One of ERRORS; empty if the call succeeded."""
    turn: int = 0
    """Number of the turn that made the call, from 0."""

    @property
    def ok(self) -> bool:
        """Whether the call succeeded."""
        return not self.error

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**vars(self), "arguments": dict(self.arguments)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Call":
        """Return the call that `to_dict` stored. Raises EnvError for unknown or missing fields."""
        try:
            return cls(**data)
        except TypeError as error:
            raise EnvError(f"not a stored call: {error}") from error


@dataclass(frozen=True)
class Trace:
    """All calls of an episode, and how the model ended it."""

    calls: tuple[Call, ...] = ()
    stopped: bool = False
    """Whether the last turn called no tool."""
    answer: str = ""
    """The text of that turn; empty if the model did not stop."""

    def __iter__(self):
        return iter(self.calls)

    def __len__(self) -> int:
        return len(self.calls)

    def of(self, name: str) -> list[Call]:
        """Return the calls of one operation, in order."""
        return [call for call in self.calls if call.name == name]


def answered_before(calls: Sequence[Call], index: int) -> list[Call]:
    """Return the calls that had been answered when call `index` was written: those of earlier turns.

    All calls of one turn are written before any of them is answered. Returns an empty list for index -1, which stands
    for a call that was not made.
    """
    return [call for call in calls[:index] if call.turn < calls[index].turn] if index > 0 else []
