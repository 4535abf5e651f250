"""Faults on request: calls that the site answers with 429, 409 or 500 although nothing is wrong with them.

Which call meets which fault follows from the seed and the call's number alone, so the same calls meet the same faults,
in a simulator or over HTTP. A call that meets a fault changes nothing; the same call again may succeed.

429  too many requests, with the header Retry-After
409  somebody else was faster; writes only
500  the site itself failed

The statuses and Retry-After are what clients react to; the real sites' sentences are not on record, these are our own.
"""

import random
from dataclasses import dataclass

from envs.errors import EnvError
from envs.operation import Json, Operation, Response

KINDS = (429, 409, 500)
_SENTENCES = {
    429: ("TOO_MANY_REQUESTS", "Too Many Requests", "Rate limit exceeded. Retry later."),
    409: ("CONFLICT", "Conflict", "The request conflicts with a change that was made at the same time. Try again."),
    500: ("INTERNAL_SERVER_ERROR", "Internal Server Error", "Internal server error."),
}


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
    retry_after_s: int = 2
    """Seconds that a 429 asks to wait."""

    def __post_init__(self) -> None:
        chances = (self.limited, self.conflict, self.broken)
        if not all(0 <= chance <= 1 for chance in chances) or sum(chances) > 1:
            raise EnvError(f"chances of faults are 0 to 1 and at most 1 together, not {', '.join(map(str, chances))}")
        for _, status in self.at:
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

    def answer(self, number: int, operation: Operation) -> Response | None:
        """What the call of this number gets instead of an answer; None if it meets no fault."""
        status = self.status(number, operation.writes)
        if not status:
            return None
        headers = (("Retry-After", str(self.retry_after_s)),) if status == 429 else ()
        return Response(status, _body(operation, status), headers)


def _body(operation: Operation, status: int) -> Json:
    code, title, sentence = _SENTENCES[status]
    if operation.path.startswith("/wiki/api/v2"):
        return {"errors": [{"status": status, "code": code, "title": title, "detail": sentence}]}
    if operation.path.startswith("/wiki/"):
        return {"statusCode": status, "message": sentence, "reason": title}
    return {"errorMessages": [sentence], "errors": {}}
