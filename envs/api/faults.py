"""Injected faults: valid calls that the site answers with 429, 409 or 500.

The seed and the number of the call alone determine its fault, so that the same calls meet the same faults in a
simulator and over HTTP. A call that meets a fault changes nothing, and repeating it may succeed.

A `Rival` makes a call fail in another way: another user writes between the caller's read and write, so that the site
refuses the write by its own rules.

429  too many requests, with the header Retry-After
409  conflict with another user's write; writes only
500  the site itself failed

Clients react to the status and to Retry-After. The sentences are our own: those of the real sites are not documented.
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
    """Another user, who writes once, directly before the first call of `operation` that the site would accept."""

    operation: str
    calls: tuple[tuple[str, Mapping[str, Json]], ...]
    """Their calls: (operation, arguments) each."""
    account: str = "5b10a2844c20165700ede22h"
    """Their account id."""


@dataclass(frozen=True)
class Faults:
    """Calls that fail, at random or by number. Raises EnvError for invalid probabilities or statuses."""

    seed: int = 0
    limited: float = 0.0
    """Probability of 429 per call."""
    conflict: float = 0.0
    """Probability of 409 per write."""
    broken: float = 0.0
    """Probability of 500 per call."""
    at: tuple[tuple[int, int], ...] = ()
    """Certain faults: (number of the call among all calls, from 1; status). A read ignores 409."""
    on: tuple[tuple[str, int, int], ...] = ()
    """Certain faults of an operation: (its name; number of the call among its calls, from 1; status)."""
    rival: Rival | None = None
    """The simulator must have the operations that the rival calls."""
    retry_after_s: int = 2
    """Seconds that a 429 asks the client to wait."""

    def __post_init__(self) -> None:
        chances = (self.limited, self.conflict, self.broken)
        if not all(0 <= chance <= 1 for chance in chances) or sum(chances) > 1:
            raise EnvError(
                f"fault probabilities must be 0 to 1 and sum to at most 1, not {', '.join(map(str, chances))}"
            )
        for status in (*(fault[-1] for fault in self.at), *(fault[-1] for fault in self.on)):
            if status not in KINDS:
                raise EnvError(f"the status of a fault should be one of {', '.join(map(str, KINDS))}, not {status}")

    def status(self, number: int, writes: bool) -> int:
        """Return the status of the fault that call `number` (from 1) meets, or 0."""
        drawn = dict(self.at).get(number, 0)
        if not drawn:
            remaining = random.Random(f"fault:{self.seed}:{number}").random()
            for kind, chance in zip(KINDS, (self.limited, self.conflict, self.broken), strict=True):
                if remaining < chance:
                    drawn = kind
                    break
                remaining -= chance
        return drawn if writes or drawn != 409 else 0

    def answer(self, number: int, operation: Operation, count: int = 0) -> Response | None:
        """Return the response of the fault that a call meets, or None.

        `number` counts all calls, `count` the calls of the operation, both from 1.
        """
        certain = next((status for name, nth, status in self.on if (name, nth) == (operation.name, count)), 0)
        status = certain if certain != 409 or operation.writes else 0
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
