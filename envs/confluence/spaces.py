"""Spaces: getSpaces. A path never takes a space key: a key is resolved to an id here first."""

from collections.abc import Mapping

from envs.confluence import replies
from envs.operation import Json, Operation, Parameter, Response
from envs.world import World

STRINGS = {"type": "array", "items": {"type": "string"}}
# The document says numbers, its bodies give strings: clients send both.
IDS = {"type": "array", "items": {"type": ["string", "integer"]}}
LIMIT = Parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 250}, compact={})


def get_spaces(world: World, arguments: Mapping[str, Json]) -> Response:
    """getSpaces: 200 with the spaces that match every filter."""
    ids = [str(space_id) for space_id in arguments.get("ids", [])]
    for space_id in ids:
        if not space_id.isdigit():
            return replies.not_a_number("ids", space_id)
    found = [
        replies.space_body(world, space)
        for space in world.table("spaces").values()
        if ("keys" not in arguments or space["key"] in arguments["keys"])
        and ("ids" not in arguments or space["id"] in ids)
    ]
    return replies.one_page(world, found, arguments.get("limit", 25))


GET_SPACES = Operation(
    name="getSpaces",
    api="confluence",
    method="GET",
    path="/wiki/api/v2/spaces",
    description="Returns spaces, filtered by keys or ids.",
    parameters=(Parameter("keys", "query", STRINGS), Parameter("ids", "query", IDS, compact={}), LIMIT),
    handler=get_spaces,
    refuse=replies.wrong_shape,
    compact_body=("results.key", "results.id"),
)
