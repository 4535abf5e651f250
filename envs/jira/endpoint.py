"""Short forms for rows of Jira's table of operations, and the refusals and pages that most handlers share."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from envs.api.operation import Json, Operation, Parameter, Response
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
    method: Literal["GET", "POST", "PUT", "DELETE"],
    path: str,
    description: str,
    handler: Handler,
    *parameters: Parameter,
    keep: tuple[str, ...] = (),
    whole: str = "",
    reads: bool = False,
) -> Operation:
    """A row of the table. `path` is below /rest/api/3 unless it begins with /rest/."""
    full = path if path.startswith("/rest/") else f"/rest/api/3{path}"
    return Operation(
        name, "jira", method, full, description, parameters, handler, replies.wrong_shape, keep, whole, reads
    )


def path_id(name: str = "id") -> Parameter:
    """An id in the path."""
    return Parameter(name, "path", STRING, required=True)


def query(name: str, schema: Mapping[str, Any] = STRING, required: bool = False) -> Parameter:
    """A query parameter that small models need not see."""
    return Parameter(name, "query", schema, required, None if required else {})


def on_issue(handler: OnIssue) -> Handler:
    """A handler that first finds the issue of the path; 404 without one."""

    def found(world: World, arguments: Mapping[str, Json]) -> Response:
        issue = replies.find_issue(world, str(arguments.get("issueIdOrKey", "")))
        return replies.global_error(404, replies.NO_ISSUE) if issue is None else handler(world, issue, arguments)

    return found


def cut(items: list[Any], arguments: Mapping[str, Json], most: int = 50) -> tuple[list[Any], dict[str, int]]:
    """A page of the items, and its startAt, maxResults and total."""
    start, size = arguments.get("startAt", 0), arguments.get("maxResults", most)
    return items[start : start + size], {"startAt": start, "maxResults": size, "total": len(items)}


def page_bean(world: World, path: str, items: list[Any], arguments: Mapping[str, Json], most: int = 50) -> Response:
    """PageBean: 200 with values, isLast, and nextPage where there is one. More than `most` is silently less."""
    asked = {**arguments, "maxResults": min(arguments.get("maxResults", most), most)}
    values, told = cut(items, asked, most)
    following = told["startAt"] + len(values)
    link = f"{world.site}/rest/api/3{path}"
    body: dict[str, Json] = {
        "self": f"{link}?startAt={told['startAt']}&maxResults={told['maxResults']}",
        **told,
        "isLast": following >= told["total"],
        "values": values,
    }
    if not body["isLast"]:
        body["nextPage"] = f"{link}?startAt={following}&maxResults={told['maxResults']}"
    return Response(200, body)
