"""An in-memory API: a world and a table of operations."""

from collections.abc import Mapping

from envs.faults import Faults
from envs.operation import Json, Operation, Response
from envs.world import World


class Simulator:
    """One member's own copy of a site. The initial world is never changed."""

    def __init__(
        self,
        initial: World,
        operations: Mapping[str, Operation],
        faults: Faults | None = None,
        digested: bool = False,
    ) -> None:
        """`digested` keeps the state's digest after each call in `digests`, at the price of a hash per call."""
        self.world = initial.copy()
        self.digests: list[str] = []
        self._digested = digested
        self.operations = operations
        self._faults = faults
        self._asked = 0

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
        if self._faults is not None and (fault := self._faults.answer(self._asked, operation)) is not None:
            return fault
        arguments = {key: _whole(value) for key, value in arguments.items()}
        if wrong := operation.wrong_shape(arguments):
            return operation.refuse(wrong)
        if not operation.writes:
            return operation.handler(self.world, arguments)
        before = self.world.copy()
        done = False
        try:
            response = operation.handler(self.world, arguments)
            done = response.ok
        finally:
            if not done:
                self.world = before
        return response


def _whole(value: Json) -> Json:
    """The value with 2.0 as 2: in JSON they are one number, and a schema takes either for an integer."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
