"""Short constructor for rows of Confluence's table of operations (v2)."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from envs.api.operation import Json, Method, Operation, Parameter, Response
from envs.api.world import World
from envs.confluence import replies

ANY_ID: dict[str, Any] = {"type": ["string", "integer"]}


def endpoint(
    name: str,
    route: str,
    description: str,
    handler: Callable[[World, Mapping[str, Json]], Response],
    *parameters: Parameter,
    keep: tuple[str, ...] = (),
) -> Operation:
    """Return an operation of Confluence v2.

    `route` is a method and a path below /wiki/api/v2, such as "GET /pages/{id}". `keep` are the paths of a successful
    body in the compact view.
    """
    method, _, path = route.partition(" ")
    return Operation(
        name=name,
        api="confluence",
        method=cast(Method, method),
        path=f"/wiki/api/v2{path}",
        description=description,
        parameters=parameters,
        handler=handler,
        reject=replies.wrong_shape,
        compact_body=keep,
    )
