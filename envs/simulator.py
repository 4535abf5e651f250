"""An in-memory API: a world and a table of operations."""

from collections.abc import Mapping

from envs.operation import Json, Operation, Response
from envs.world import World


class Simulator:
    """One member's own copy of a site. The initial world is never changed."""

    def __init__(self, initial: World, operations: Mapping[str, Operation]) -> None:
        self.world = initial.copy()
        self.operations = operations

    def call(self, name: str, arguments: Mapping[str, Json]) -> Response:
        """Answer a call as the real API would; KeyError only for a name that is not in the table.

        A refused call leaves the world as it was.
        """
        operation = self.operations[name]
        if wrong := operation.wrong_shape(arguments):
            return operation.refuse(wrong)
        before = self.world.copy() if operation.writes else None
        response = operation.handler(self.world, arguments)
        if before is not None and not response.ok:
            self.world = before
        return response
