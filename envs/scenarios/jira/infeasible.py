"""Requests that may be impossible: the read that decides, the write that fulfils, the parts that may be missing."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from envs.task import PlannedCall, Task

OR_ELSE = (
    " Where there is no way, touch nothing and write only what is lacking.",
    " Else I want to read the one thing that does not.",
)
ISSUE = '[|issue |ticket |the ticket ]"{issue}"'


@dataclass(frozen=True)
class RequestKind:
    """A kind of request: move, assign or create."""

    parts: tuple[str, ...]
    """Parts of the request."""
    can_miss: tuple[str, ...]
    """Parts that are missing in some tasks."""
    wordings: tuple[str, ...]
    held_out_wordings: tuple[str, ...]
    read: Callable[[Mapping[str, str]], PlannedCall]
    """(parts of the request) -> the read that shows whether the request is possible."""
    write: Callable[[Mapping[str, str], str], PlannedCall]
    """(parts of the request, the value that was read) -> the write that fulfils it."""
    next_best: Callable[[Task, random.Random], PlannedCall]
    """(task, generator) -> a write that is possible but not requested."""
