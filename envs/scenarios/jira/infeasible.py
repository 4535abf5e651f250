"""Requests that may be impossible: the read that decides, the write that fulfils, the parts that may be missing."""

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
class RequestKind:
    """A kind of request: move, assign or create."""

    names: tuple[str, ...]
    """Parts of the request that an answer may name as missing."""
    can_miss: tuple[str, ...]
    """Parts that are missing in some tasks."""
    wordings: tuple[str, ...]
    held_out_wordings: tuple[str, ...]
    read: Callable[[Mapping[str, str]], PlannedCall]
    """(parts of the request) -> the read that shows whether the request is possible."""
    write: Callable[[Mapping[str, str], str], PlannedCall]
    """(parts of the request, the value that was read) -> the write that fulfils it."""
    given_paths: tuple[str, ...]
    """Dotted paths of the write's arguments that the request contains."""
    read_path: str
    """Dotted path of the write's argument that the read returns."""
    decides: Callable[[Call, PlannedCall], bool]
    """(call, the oracle's read) -> whether the call's response shows if the task is possible."""
    next_best: Callable[[Task, random.Random], PlannedCall]
    """(task, generator) -> a write that is possible but not requested."""


def asks_for(argument: str) -> Callable[[Call, PlannedCall], bool]:
    """Return a `RequestKind.decides`: the call has the oracle's argument and was accepted or answered with 404."""

    def decides(call: Call, right: PlannedCall) -> bool:
        same = str(call.arguments.get(argument, "")).upper() == right.arguments[argument]
        return same and (call.ok or call.status == 404)

    return decides
