"""Search by CQL, which only v1 has: searchByCQL, searchContentByCQL; users: getCurrentUser, createBulkUserLookup."""

import re
from collections.abc import Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.confluence import replies
from envs.confluence.cql import CqlError, parse, values_of

_STRING = {"type": "string"}
NAME = "Mia Krystof"
"""Display name of the caller, who is the only user of the site."""


def _found(world: World, cql: str) -> list[Record]:
    """Return the current pages that a query finds, in its order. Raises CqlError."""
    query = parse(cql)
    pages = [page for page in world.table("pages").values() if page["status"] == "current" and query.test(world, page)]
    for field, descending in reversed(query.order):
        pages.sort(key=lambda page: values_of(world, page, field), reverse=descending)
    return pages


def content_body(world: World, page: Record) -> Json:
    """Return a body of v1's schema Content."""
    space = world.table("spaces")[page["spaceId"]]
    webui = f"/spaces/{space['key']}/pages/{page['id']}"
    return {
        "id": page["id"],
        "type": "page",
        "status": page["status"],
        "title": page["title"],
        "_links": {"webui": webui, "self": f"{world.site}/wiki/rest/api/content/{page['id']}"},
    }


def _result(world: World, page: Record) -> Json:
    space = world.table("spaces")[page["spaceId"]]
    path = f"/spaces/{space['key']}"
    return {
        "content": content_body(world, page),
        "title": page["title"],
        "excerpt": re.sub(r"<[^>]*>", " ", page["body"]["value"]).strip()[:200],
        "url": f"{path}/pages/{page['id']}",
        "resultGlobalContainer": {"title": space["name"], "displayUrl": path},
        "breadcrumbs": [],
        "entityType": "content",
        "iconCssClass": "aui-icon content-type-page",
        "lastModified": replies.timestamp(replies.changed_at(page)),
        "score": 0.0,
    }


def search(world: World, arguments: Mapping[str, Json]) -> Response:
    """searchByCQL: 200 with a page of the pages that the query finds."""
    try:
        pages = _found(world, arguments.get("cql", ""))
    except CqlError as error:
        return replies.v1_error(400, f"Could not parse cql : {error}")
    start, limit = arguments.get("start", 0), arguments.get("limit", 25)
    results = [_result(world, page) for page in pages[start : start + limit]]
    links = {"base": f"{world.site}/wiki", "context": "/wiki"}
    if start + limit < len(pages):
        links["next"] = f"/rest/api/search?start={start + limit}&limit={limit}"
    paging = {"start": start, "limit": limit, "size": len(results), "totalSize": len(pages)}
    cql = {"cqlQuery": arguments["cql"], "searchDuration": 1}
    return Response(200, {"results": results, **paging, **cql, "_links": links})


def search_content(world: World, arguments: Mapping[str, Json]) -> Response:
    """searchContentByCQL: 200 with the content that the query finds."""
    try:
        pages = _found(world, arguments.get("cql", ""))
    except CqlError as error:
        return replies.v1_error(400, f"Could not parse cql : {error}")
    limit = arguments.get("limit", 25)
    results = [content_body(world, page) for page in pages[:limit]]
    links = {"base": f"{world.site}/wiki", "context": "/wiki"}
    return Response(200, {"results": results, "start": 0, "limit": limit, "size": len(results), "_links": links})


def current_user(world: World, arguments: Mapping[str, Json]) -> Response:
    """getCurrentUser: 200 with the caller."""
    user = {"type": "known", "accountId": world.me, "accountType": "atlassian", "email": ""}
    return Response(200, user | {"publicName": NAME, "displayName": NAME, "isExternalCollaborator": False})


def users(world: World, arguments: Mapping[str, Json]) -> Response:
    """createBulkUserLookup: 200 with the users of the given account ids that exist."""
    if not arguments.get("accountIds"):
        return replies.invalid("'accountIds' is required.")
    bodies = [
        {
            "accountId": world.me,
            "displayName": NAME,
            "publicName": NAME,
            "accountStatus": "active",
            "accountType": "atlassian",
            "isExternalCollaborator": False,
        }
        for account in dict.fromkeys(arguments["accountIds"])
        if account == world.me
    ]
    return replies.one_page(world, bodies, len(bodies) or 1)


_QUERY = {
    **_STRING,
    "description": "CQL, such as space = 'KEY' AND title = 'Title' AND label = 'name' AND created = '2026-01-04'",
}
_CQL = Parameter("cql", "query", _QUERY, required=True)
_LIMIT = Parameter("limit", "query", {"type": "integer", "minimum": 1, "maximum": 250}, compact={})
SEARCH_BY_CQL = Operation(
    name="searchByCQL",
    api="confluence",
    method="GET",
    path="/wiki/rest/api/search",
    description="Searches by a query in CQL.",
    parameters=(_CQL, _LIMIT, Parameter("start", "query", {"type": "integer", "minimum": 0}, compact={})),
    handler=search,
    reject=replies.v1_wrong_shape,
    compact_body=("results.content.title", "results.content.id"),
)
SEARCH_CONTENT_BY_CQL = Operation(
    name="searchContentByCQL",
    api="confluence",
    method="GET",
    path="/wiki/rest/api/content/search",
    description="Searches content by a query in CQL.",
    parameters=(_CQL, _LIMIT),
    handler=search_content,
    reject=replies.v1_wrong_shape,
    compact_body=("results.title", "results.id"),
)
GET_CURRENT_USER = Operation(
    name="getCurrentUser",
    api="confluence",
    method="GET",
    path="/wiki/rest/api/user/current",
    description="Returns the caller.",
    parameters=(),
    handler=current_user,
    reject=replies.v1_wrong_shape,
    compact_body=("displayName", "accountId"),
)
CREATE_BULK_USER_LOOKUP = Operation(
    name="createBulkUserLookup",
    api="confluence",
    method="POST",
    path="/wiki/api/v2/users-bulk",
    description="Returns users by their account ids.",
    parameters=(Parameter("accountIds", "body", {"type": "array", "items": _STRING}, required=True),),
    handler=users,
    reject=replies.wrong_shape,
    compact_body=("results.displayName", "results.accountId"),
)
