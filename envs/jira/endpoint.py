"""Short constructors for rows of Jira's table of operations, and the paging that handlers share."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from envs.api.operation import Json, Method, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.jira import replies

STRING: dict[str, Any] = {"type": "string"}
STRINGS: dict[str, Any] = {"type": "array", "items": STRING}
OBJECT: dict[str, Any] = {"type": "object"}
ID_OR_NUMBER: dict[str, Any] = {"type": ["string", "integer"]}
ID_OR_KEY = Parameter(
    "issueIdOrKey", "path", {"type": "string", "description": "The ID or key of the issue."}, required=True
)
START_AT = Parameter("startAt", "query", {"type": "integer", "minimum": 0}, compact={})
MAX_RESULTS = Parameter("maxResults", "query", {"type": "integer", "minimum": 0}, compact={})
DOCUMENT = {"type": "object", "description": 'An Atlassian Document: {"type": "doc", "version": 1, "content": [...]}'}

Handler = Callable[[World, Mapping[str, Json]], Response]
OnIssue = Callable[[World, Record, Mapping[str, Json]], Response]


def endpoint(
    name: str,
    route: str,
    description: str,
    handler: Handler,
    *parameters: Parameter,
    keep: tuple[str, ...] = (),
    reads: bool = False,
) -> Operation:
    """Return an operation of Jira.

    `route` is a method and a path, such as "GET /issue/{issueIdOrKey}"; the path is below /rest/api/3 unless it begins
    with /rest/. `keep` are the paths of a successful body in the compact view.
    """
    method, _, path = route.partition(" ")
    return Operation(
        name=name,
        api="jira",
        method=cast(Method, method),
        path=path if path.startswith("/rest/") else f"/rest/api/3{path}",
        description=description,
        parameters=parameters,
        handler=handler,
        reject=replies.wrong_shape,
        compact_body=keep,
        reads=reads,
    )


def path_id(name: str = "id") -> Parameter:
    """Return a required path parameter for an id."""
    return Parameter(name, "path", STRING, required=True)


def query(name: str, schema: Mapping[str, Any] = STRING, required: bool = False) -> Parameter:
    """Return a query parameter; unless it is required, the compact view leaves it out."""
    return Parameter(name, "query", schema, required, compact=None if required else {})


def on_issue(handler: OnIssue) -> Handler:
    """Return a handler that first looks up the issue of the path; 404 if there is none."""

    def with_issue(world: World, arguments: Mapping[str, Json]) -> Response:
        issue = replies.find_issue(world, str(arguments.get("issueIdOrKey", "")))
        return replies.global_error(404, replies.NO_ISSUE) if issue is None else handler(world, issue, arguments)

    return with_issue


def cut(items: list[Any], arguments: Mapping[str, Json], most: int = 50) -> tuple[list[Any], dict[str, int]]:
    """Return a page of the items, and its startAt, maxResults and total."""
    start, size = arguments.get("startAt", 0), arguments.get("maxResults", most)
    return items[start : start + size], {"startAt": start, "maxResults": size, "total": len(items)}


def page_bean(world: World, path: str, items: list[Any], arguments: Mapping[str, Json], most: int = 50) -> Response:
    """Return 200 with a page of schema PageBean: values, isLast, and nextPage if there is one.

    A maxResults above `most` is silently reduced to it.
    """
    bounded = {**arguments, "maxResults": min(arguments.get("maxResults", most), most)}
    values, paging = cut(items, bounded, most)
    following = paging["startAt"] + len(values)
    link = f"{world.site}/rest/api/3{path}"
    body: dict[str, Json] = {
        "self": f"{link}?startAt={paging['startAt']}&maxResults={paging['maxResults']}",
        **paging,
        "isLast": following >= paging["total"],
        "values": values,
    }
    if not body["isLast"]:
        body["nextPage"] = f"{link}?startAt={following}&maxResults={paging['maxResults']}"
    return Response(200, body)
