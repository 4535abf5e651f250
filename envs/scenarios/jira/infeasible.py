"""A kind of request that may be impossible: what is read to find out, what would be written, what may be missing."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from envs.task import PlannedCall, Task
from envs.trace import Call

OR_ELSE = (
    " Where there is no way, touch nothing and write only what is lacking.",
    " Else I want to read the one thing that does not.",
)
ISSUE = '[|issue |ticket |the ticket ]"{issue}"'


@dataclass(frozen=True)
class Kind:
    """A kind of request."""

    names: tuple[str, ...]
    """Parts of the request that an answer may name as missing."""
    can_miss: tuple[str, ...]
    wordings: tuple[str, ...]
    kept_back: tuple[str, ...]
    read: Callable[[Mapping[str, str]], PlannedCall]
    """(parts of the request) -> the read that tells whether it can be done."""
    write: Callable[[Mapping[str, str], str], PlannedCall]
    """(parts of the request, what was read) -> the write that does it."""
    asked: tuple[str, ...]
    """Arguments of the write that the request tells, as dotted paths."""
    found: str
    """The argument of the write that the read tells."""
    tells: Callable[[Call, PlannedCall], bool]
    """(call, the oracle's read) -> whether the call's answer tells if the task can be done."""
    next_best: Callable[[Task, random.Random], PlannedCall]
    """A write instead of what cannot be done."""


def asks_for(argument: str) -> Callable[[Call, PlannedCall], bool]:
    """Return a `Kind.tells`: the argument is the oracle's, and the API accepted the call or answered with 404."""

    def tells(call: Call, right: PlannedCall) -> bool:
        same = str(call.arguments.get(argument, "")).upper() == right.arguments[argument]
        return same and (call.ok or call.status == 404)

    return tells
