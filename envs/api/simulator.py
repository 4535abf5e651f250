"""An in-memory API: a world and a table of operations."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from envs.api.errors import EnvError
from envs.api.faults import Faults, Rival
from envs.api.operation import Json, Operation, Response
from envs.api.world import World


class Simulator:
    """One member's own copy of a site. The initial world is never changed."""

    def __init__(
        self,
        initial: World,
        operations: Mapping[str, Operation],
        faults: Faults | None = None,
        digested: bool = False,
    ) -> None:
        """`digested` keeps the state's digest after each call in `digests`, at the price of a hash per call.

        Raises EnvError for a rival who uses an operation that is not in the table.
        """
        self.world = initial.copy()
        self.digests: list[str] = []
        self._digested = digested
        self.operations = operations
        self._faults = faults
        self._rival: Rival | None = faults.rival if faults else None
        self._asked = 0
        self._made: Counter[str] = Counter()
        for name, _ in self._rival.calls if self._rival else ():
            if name not in operations:
                raise EnvError(f"a rival's calls must be operations of the table, not {name!r}")

    def call(self, name: str, arguments: Mapping[str, Json]) -> Response:
        """Answer a call as the real API would; KeyError only for a name that is not in the table.

        A refused call leaves the world as it was, and so does one that a fault answers.
        """
        return self.perform(self.operations[name], arguments)

    def perform(self, operation: Operation, arguments: Mapping[str, Json]) -> Response:
        """`call` with the operation itself."""
        response = self._answer(operation, arguments)
        if self._digested:
            self.digests.append(self.world.digest())
        return response

    def _answer(self, operation: Operation, arguments: Mapping[str, Json]) -> Response:
        self._asked += 1
        if self._faults is not None:
            self._made[operation.name] += 1
            fault = self._faults.answer(self._asked, operation, self._made[operation.name])
            if fault is not None:
                return fault
        arguments = {key: _whole(value) for key, value in arguments.items()}
        if wrong := operation.schema_error(arguments):
            return operation.reject(wrong)
        if not operation.writes:
            return operation.handler(self.world, arguments)
        if self._rival is not None and self._rival.operation == operation.name:
            return self._raced(operation, arguments, self._rival)
        return self._write(operation, arguments)

    def _write(self, operation: Operation, arguments: Mapping[str, Json]) -> Response:
        """A write, undone if it is refused or breaks."""
        before = self.world.copy()
        done = False
        try:
            response = operation.handler(self.world, arguments)
            done = response.ok
        finally:
            if not done:
                self.world = before
        return response

    def _raced(self, operation: Operation, arguments: Mapping[str, Json], rival: Rival) -> Response:
        """A write that a rival is faster than, once it would be accepted."""
        before = self.world.copy()
        response = self._write(operation, arguments)
        if not response.ok:
            return response
        self.world, self._rival = before, None
        own, self.world.me = self.world.me, rival.account
        for name, theirs in rival.calls:
            self._write(self.operations[name], theirs)
        self.world.me = own
        response = self._write(operation, arguments)
        return response if response.ok else replace(response, cause="conflict")


def _whole(value: Json) -> Json:
    """The value with 2.0 as 2: in JSON they are one number, and a schema takes either for an integer."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
