"""Simulator: a world, and a table of operations to call on it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from envs.api.errors import EnvError
from envs.api.faults import Faults, Rival
from envs.api.operation import Json, Operation, Response
from envs.api.world import World


class Simulator:
    """An in-memory API over its own copy of a world; the initial world is never modified."""

    def __init__(
        self,
        initial: World,
        operations: Mapping[str, Operation],
        faults: Faults | None = None,
        digested: bool = False,
    ) -> None:
        """Copy the initial world; with `digested`, append the world's digest to `digests` after every call.

        Raises EnvError if a rival's call is not in the table of operations.
        """
        self.world = initial.copy()
        self.digests: list[str] = []
        self._digested = digested
        self.operations = operations
        self._faults = faults
        self._rival: Rival | None = faults.rival if faults else None
        self._call_count = 0
        self._operation_counts: Counter[str] = Counter()
        for name, _ in self._rival.calls if self._rival else ():
            if name not in operations:
                raise EnvError(f"a rival calls {name!r}, which is not an operation of this simulator")

    def call(self, name: str, arguments: Mapping[str, Json]) -> Response:
        """Answer a call as the real API would. Raises KeyError only for a name that is not in the table.

        A call that is refused or meets a fault leaves the world unchanged.
        """
        return self.perform(self.operations[name], arguments)

    def perform(self, operation: Operation, arguments: Mapping[str, Json]) -> Response:
        """Answer a call of an operation, which need not be in the table; otherwise as `call`."""
        response = self._answer(operation, arguments)
        if self._digested:
            self.digests.append(self.world.digest())
        return response

    def _answer(self, operation: Operation, arguments: Mapping[str, Json]) -> Response:
        self._call_count += 1
        if self._faults is not None:
            self._operation_counts[operation.name] += 1
            fault = self._faults.answer(self._call_count, operation, self._operation_counts[operation.name])
            if fault is not None:
                return fault
        arguments = {key: _with_integers(value) for key, value in arguments.items()}
        if problem := operation.schema_error(arguments):
            return operation.reject(problem)
        if not operation.writes:
            return operation.handler(self.world, arguments)
        if self._rival is not None and self._rival.operation == operation.name:
            return self._raced(operation, arguments, self._rival)
        return self._write(operation, arguments)

    def _write(self, operation: Operation, arguments: Mapping[str, Json]) -> Response:
        """Make a write; undo it if it is refused or raises."""
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
        """Make a write; if it would be accepted, let the rival write first, once."""
        before = self.world.copy()
        response = self._write(operation, arguments)
        if not response.ok:
            return response
        self.world, self._rival = before, None
        caller, self.world.me = self.world.me, rival.account
        for name, rival_arguments in rival.calls:
            self._write(self.operations[name], rival_arguments)
        self.world.me = caller
        response = self._write(operation, arguments)
        return response if response.ok else replace(response, cause="conflict")


def _with_integers(value: Json) -> Json:
    """Return the value with floats such as 2.0 as integers: in JSON they are one number, and valid as an integer."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {key: _with_integers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_integers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
