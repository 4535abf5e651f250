"""Faults on request: calls that the site answers with 429, 409 or 500 although nothing is wrong with them.

Which call meets which fault follows from the seed and the call's number alone, so the same calls meet the same faults,
in a simulator or over HTTP. A call that meets a fault changes nothing; the same call again may succeed.

A rival is the other way to fail: somebody else writes between our read and our write, so that what we read is out of
date, and the site refuses our write by its own rules.

429  too many requests, with the header Retry-After
409  somebody else was faster; writes only
500  the site itself failed

The statuses and Retry-After are what clients react to; the real sites' sentences are not on record, these are our own.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from envs.api.errors import EnvError
from envs.api.operation import Json, Operation, Response

KINDS = (429, 409, 500)
_SENTENCES = {
    429: ("TOO_MANY_REQUESTS", "Too Many Requests", "Rate limit exceeded. Retry later."),
    409: ("CONFLICT", "Conflict", "The request conflicts with a change that was made at the same time. Try again."),
    500: ("INTERNAL_SERVER_ERROR", "Internal Server Error", "Internal server error."),
}


@dataclass(frozen=True)
class Rival:
    """Somebody else, who is faster once: just before the first write of ours by `operation` that would be accepted."""

    operation: str
    calls: tuple[tuple[str, Mapping[str, Json]], ...]
    """What they do: (operation, arguments) each."""
    account: str = "5b10a2844c20165700ede22h"
    """Who they are."""


@dataclass(frozen=True)
class Faults:
    """How often calls fail, and which. Raises EnvError for chances that cannot be."""

    seed: int = 0
    limited: float = 0.0
    """Chance of 429, per call."""
    conflict: float = 0.0
    """Chance of 409, per call that writes."""
    broken: float = 0.0
    """Chance of 500, per call."""
    at: tuple[tuple[int, int], ...] = ()
    """Sure faults: (number of the call, counted from 1; status). At a read, 409 passes."""
    on: tuple[tuple[str, int, int], ...] = ()
    """Sure faults of an operation: (its name; number of the call among its own, counted from 1; status)."""
    rival: Rival | None = None
    """Needs a simulator that has the table of the operations."""
    retry_after_s: int = 2
    """Seconds that a 429 asks to wait."""

    def __post_init__(self) -> None:
        chances = (self.limited, self.conflict, self.broken)
        if not all(0 <= chance <= 1 for chance in chances) or sum(chances) > 1:
            raise EnvError(f"chances of faults are 0 to 1 and at most 1 together, not {', '.join(map(str, chances))}")
        for status in (*(fault[-1] for fault in self.at), *(fault[-1] for fault in self.on)):
            if status not in KINDS:
                raise EnvError(f"a fault has the status {', '.join(map(str, KINDS))}, not {status}")

    def status(self, number: int, writes: bool) -> int:
        """The fault that the call of this number meets; 0 for none."""
        drawn = dict(self.at).get(number, 0)
        if not drawn:
            place = random.Random(f"fault:{self.seed}:{number}").random()
            for kind, chance in zip(KINDS, (self.limited, self.conflict, self.broken), strict=True):
                if place < chance:
                    drawn = kind
                    break
                place -= chance
        return drawn if writes or drawn != 409 else 0

    def answer(self, number: int, operation: Operation, own: int = 0) -> Response | None:
        """What a call gets instead of an answer; None if it meets no fault.

        `number` counts all calls, `own` those of the operation, both from 1.
        """
        sure = next((status for name, place, status in self.on if (name, place) == (operation.name, own)), 0)
        status = sure if sure != 409 or operation.writes else 0
        status = status or self.status(number, operation.writes)
        if not status:
            return None
        headers = (("Retry-After", str(self.retry_after_s)),) if status == 429 else ()
        return Response(status, _body(operation, status), headers, "conflict" if status == 409 else "unavailable")


def _body(operation: Operation, status: int) -> Json:
    code, title, sentence = _SENTENCES[status]
    if operation.path.startswith("/wiki/api/v2"):
        return {"errors": [{"status": status, "code": code, "title": title, "detail": sentence}]}
    if operation.path.startswith("/wiki/"):
        return {"statusCode": status, "message": sentence, "reason": title}
    return {"errorMessages": [sentence], "errors": {}}
