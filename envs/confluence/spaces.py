"""Spaces: getSpaces, getSpaceById, createSpace. Paths take space ids only; getSpaces resolves a key to an id."""

from collections.abc import Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import World
from envs.confluence import replies
from envs.confluence.world import put_space

STRINGS = {"type": "array", "items": {"type": "string"}}
# The official document says numbers, but response bodies have strings: clients send both.
IDS = {"type": "array", "items": {"type": ["string", "integer"]}}
CURSOR = Parameter("cursor", "query", {"type": "string"}, compact={})
LIMIT = Parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 250}, compact={})


def get_spaces(world: World, arguments: Mapping[str, Json]) -> Response:
    """getSpaces: 200 with the spaces that match every filter."""
    ids = [str(space_id) for space_id in arguments.get("ids", [])]
    for space_id in ids:
        if not space_id.isdigit():
            return replies.not_a_number("ids", space_id)
    bodies = [
        replies.space_body(world, space)
        for space in world.table("spaces").values()
        if ("keys" not in arguments or space["key"] in arguments["keys"])
        and ("ids" not in arguments or space["id"] in ids)
    ]
    return replies.one_page(world, bodies, arguments.get("limit", 25), "/spaces", arguments.get("cursor", ""))


def get_space_by_id(world: World, arguments: Mapping[str, Json]) -> Response:
    """getSpaceById: 200 with the space."""
    space_id = str(arguments.get("id", ""))
    if not space_id.isdigit():
        return replies.not_a_number("id", space_id)
    space = world.table("spaces").get(space_id)
    return Response(200, replies.space_body(world, space)) if space else replies.error(404, "NOT_FOUND")


def create_space(world: World, arguments: Mapping[str, Json]) -> Response:
    """createSpace: 201 with the space; it gets a homepage."""
    name, key = arguments.get("name", ""), arguments.get("key") or arguments.get("alias") or ""
    if not name.strip() or not key:
        return replies.invalid("A space needs a name, and a key or an alias.")
    if not key.isalnum():
        return replies.invalid(f"The key {key!r} may have letters and digits only.")
    if any(space["key"].upper() == key.upper() for space in world.table("spaces").values()):
        return replies.invalid(f"A space already exists with key {key}")
    world.tick()
    space = put_space(world, world.new_id(), world.new_id(), key, name)
    return Response(201, replies.space_body(world, space))


GET_SPACES = Operation(
    name="getSpaces",
    api="confluence",
    method="GET",
    path="/wiki/api/v2/spaces",
    description="Returns spaces, filtered by keys or ids.",
    parameters=(Parameter("keys", "query", STRINGS), Parameter("ids", "query", IDS, compact={}), LIMIT, CURSOR),
    handler=get_spaces,
    reject=replies.wrong_shape,
    compact_body=("results.key", "results.id"),
)
GET_SPACE_BY_ID = Operation(
    name="getSpaceById",
    api="confluence",
    method="GET",
    path="/wiki/api/v2/spaces/{id}",
    description="Returns a space.",
    parameters=(Parameter("id", "path", {"type": ["string", "integer"]}, required=True),),
    handler=get_space_by_id,
    reject=replies.wrong_shape,
    compact_body=("key", "id", "name", "homepageId"),
)
CREATE_SPACE = Operation(
    name="createSpace",
    api="confluence",
    method="POST",
    path="/wiki/api/v2/spaces",
    description="Creates a space with a homepage.",
    parameters=(
        Parameter("name", "body", {"type": "string"}, required=True),
        Parameter("key", "body", {"type": "string"}),
        Parameter("alias", "body", {"type": "string"}, compact={}),
    ),
    handler=create_space,
    reject=replies.wrong_shape,
    compact_body=("key", "id", "homepageId"),
)
