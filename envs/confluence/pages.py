"""Pages: getPages, getPageById, createPage."""

import json
from collections.abc import Mapping

from envs.confluence import replies
from envs.confluence.spaces import IDS, LIMIT, STRINGS
from envs.operation import Json, Operation, Parameter, Response
from envs.world import World

REPRESENTATIONS = ("storage", "atlas_doc_format", "wiki")
DUPLICATE = "A page with this title already exists: A page already exists with the same TITLE in this space"
_STRING = {"type": "string"}
_BODY = {
    "type": "object",
    "properties": {"representation": {"type": "string", "enum": list(REPRESENTATIONS)}, "value": _STRING},
}
_COMPACT_BODY = {"type": "object", "properties": {"representation": _STRING, "value": _STRING}}


def get_pages(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPages: 200 with the pages that match every filter."""
    spaces = [str(space_id) for space_id in arguments.get("space-id", [])]
    for space_id in spaces:
        if not space_id.isdigit():
            return replies.not_a_number("space-id", space_id)
    statuses = arguments.get("status", ["current", "archived"])
    found = [
        replies.page_body(world, page, arguments.get("body-format"))
        for page in world.table("pages").values()
        if ("space-id" not in arguments or page["spaceId"] in spaces)
        and ("title" not in arguments or page["title"] == arguments["title"])
        and page["status"] in statuses
    ]
    return replies.one_page(world, found, arguments.get("limit", 25))


def get_page_by_id(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageById: 200 with the page, its body only if `body-format` asks for it."""
    page_id = str(arguments.get("id", ""))
    if not page_id.isdigit():
        return replies.not_a_number("id", page_id)
    page = world.table("pages").get(page_id)
    if page is None:
        return replies.error(404, "NOT_FOUND")
    return Response(200, replies.page_body(world, page, arguments.get("body-format")))


def create_page(world: World, arguments: Mapping[str, Json]) -> Response:
    """createPage: 200 with the new page at version 1; without a parent it hangs under the space's homepage."""
    space_id = str(arguments.get("spaceId", ""))
    if not space_id.isdigit():
        return replies.not_a_number("spaceId", space_id)
    space = world.table("spaces").get(space_id)
    if space is None:
        return replies.error(404, "NOT_FOUND")
    status, title = arguments.get("status", "current"), arguments.get("title", "")
    if status == "current" and not title.strip():
        return replies.error(400, "INVALID_REQUEST_PARAMETER", "A title is required unless the page is a draft.")
    parent_id = str(arguments.get("parentId") or space["homepageId"])
    parent = world.table("pages").get(parent_id)
    if parent is None or parent["spaceId"] != space_id:
        return replies.error(
            400, "INVALID_REQUEST_PARAMETER", f"No page with id {parent_id} in the space to be its parent."
        )
    if any(page["title"] == title and page["status"] == "current" for page in world.find("pages", spaceId=space_id)):
        return replies.error(400, "INVALID_REQUEST_PARAMETER", DUPLICATE)
    body = arguments.get("body") or {"representation": "storage", "value": ""}
    if wrong := _wrong_body(body):
        return replies.error(400, "INVALID_REQUEST_PARAMETER", wrong)
    now, page_id = world.tick(), world.new_id()
    page = {
        "id": page_id,
        "spaceId": space_id,
        "parentId": parent_id,
        "title": title,
        "status": status,
        "body": {"representation": body["representation"], "value": body["value"]},
        "version": 1,
        "createdAt": now,
    }
    world.table("pages")[page_id] = page
    return Response(200, replies.page_body(world, page, body["representation"]))


def _wrong_body(body: Mapping[str, Json]) -> str:
    if body.get("representation") not in REPRESENTATIONS or not isinstance(body.get("value"), str):
        return f"The body needs a representation ({', '.join(REPRESENTATIONS)}) and a value."
    if body["representation"] == "atlas_doc_format":
        try:
            document = json.loads(body["value"])
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict) or document.get("type") != "doc":
            return "The body's value is not an Atlassian Document in JSON."
    return ""


GET_PAGES = Operation(
    name="getPages",
    api="confluence",
    method="GET",
    path="/wiki/api/v2/pages",
    description="Returns pages, filtered by space ids, title or status.",
    parameters=(
        Parameter("space-id", "query", IDS, compact=STRINGS),
        Parameter("title", "query", _STRING),
        Parameter(
            "status",
            "query",
            {"type": "array", "items": {"enum": ["current", "archived", "deleted", "trashed"]}},
            compact={},
        ),
        Parameter("body-format", "query", {"enum": ["storage", "atlas_doc_format"]}, compact={}),
        LIMIT,
    ),
    handler=get_pages,
    refuse=replies.wrong_shape,
    compact_body=("results.title", "results.id"),
)
GET_PAGE_BY_ID = Operation(
    name="getPageById",
    api="confluence",
    method="GET",
    path="/wiki/api/v2/pages/{id}",
    description="Returns a page.",
    parameters=(
        Parameter("id", "path", {"type": ["string", "integer"]}, required=True),
        Parameter("body-format", "query", {"enum": ["storage", "atlas_doc_format"]}, compact={}),
    ),
    handler=get_page_by_id,
    refuse=replies.wrong_shape,
    compact_body=("id", "title", "spaceId", "parentId"),
)
CREATE_PAGE = Operation(
    name="createPage",
    api="confluence",
    method="POST",
    path="/wiki/api/v2/pages",
    description="Creates a page in a space.",
    parameters=(
        Parameter("spaceId", "body", {"type": ["string", "integer"]}, required=True),
        Parameter("parentId", "body", {"type": ["string", "integer"]}),
        Parameter("title", "body", _STRING, required=True),
        Parameter("status", "body", {"enum": ["current", "draft"]}, compact={}),
        Parameter("body", "body", _BODY, compact=_COMPACT_BODY),
    ),
    handler=create_page,
    refuse=replies.wrong_shape,
    compact_body=("id", "title"),
)
