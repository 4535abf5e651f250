"""Pages: getPages, getPageById, createPage, and helpers that all operations on pages share."""

import json
from collections.abc import Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.confluence import replies
from envs.confluence.spaces import CURSOR, IDS, LIMIT, STRINGS

REPRESENTATIONS = ("storage", "atlas_doc_format", "wiki")
DUPLICATE = "A page with this title already exists: A page already exists with the same TITLE in this space"
_STRING = {"type": "string"}
BODY = {
    "type": "object",
    "properties": {
        "representation": {"type": "string", "enum": list(REPRESENTATIONS)},
        "value": {**_STRING, "description": "The text; in storage, each paragraph is between <p> and </p>."},
    },
}
STORAGE = {
    "type": "object",
    "properties": {"representation": {"enum": ["storage"]}, "value": {**_STRING, "description": "<p>text</p>"}},
}
"""Compact schema of a body, with the one representation that the tasks need."""


def find(world: World, arguments: Mapping[str, Json], name: str = "id", trashed: bool = False) -> Record | Response:
    """Return the page whose id an argument gives, or the error; pages in the trash exist only if `trashed`."""
    page_id = str(arguments.get(name, ""))
    if not page_id.isdigit():
        return replies.not_a_number(name, page_id)
    page = world.table("pages").get(page_id)
    if page is None or (page["status"] == "trashed" and not trashed):
        return replies.error(404, "NOT_FOUND")
    return page


def get_pages(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPages: 200 with the pages that match every filter."""
    for name in ("space-id", "id"):
        for value in arguments.get(name, []):
            if not str(value).isdigit():
                return replies.not_a_number(name, str(value))
    spaces, ids = ([str(value) for value in arguments.get(name, [])] for name in ("space-id", "id"))
    statuses = arguments.get("status", ["current", "archived"])
    pages = [
        page
        for page in world.table("pages").values()
        if ("space-id" not in arguments or page["spaceId"] in spaces)
        and ("id" not in arguments or page["id"] in ids)
        and ("title" not in arguments or page["title"] == arguments["title"])
        and page["status"] in statuses
    ]
    bodies = [replies.page_body(world, page, arguments.get("body-format")) for page in in_order(pages, arguments)]
    return replies.one_page(world, bodies, arguments.get("limit", 25), "/pages", arguments.get("cursor", ""))


_SORTS = {
    "id": lambda page: int(page["id"]),
    "title": lambda page: page["title"],
    "created-date": lambda page: page["createdAt"],
    "modified-date": lambda page: page.get("updatedAt", page["createdAt"]),
}
SORT = Parameter("sort", "query", {"enum": [sign + name for name in _SORTS for sign in ("", "-")]}, compact={})


def in_order(pages: list[Record], arguments: Mapping[str, Json]) -> list[Record]:
    """Return pages in the order of the argument `sort`, or else in order of creation."""
    sort = arguments.get("sort", "")
    return sorted(pages, key=_SORTS[sort.lstrip("-")], reverse=sort.startswith("-")) if sort else pages


def get_page_by_id(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageById: 200 with the page, including its body only in the given `body-format`."""
    page = find(world, arguments, trashed="trashed" in arguments.get("status", []))
    if isinstance(page, Response):
        return page
    if "status" in arguments and page["status"] not in arguments["status"]:
        return replies.error(404, "NOT_FOUND")
    shown = page
    if "version" in arguments and arguments["version"] != page["version"]:
        old = next((entry for entry in page.get("history", []) if entry["version"] == arguments["version"]), None)
        if old is None:
            return replies.error(404, "NOT_FOUND")
        shown = {**page, **old, "status": "historical"}
    body = replies.single_page(world, shown, arguments.get("body-format"))
    if arguments.get("include-labels"):
        body["labels"] = replies.included(page.get("labels", []), f"/wiki/api/v2/pages/{page['id']}/labels")
    return Response(200, body)


def create_page(world: World, arguments: Mapping[str, Json]) -> Response:
    """createPage: 200 with the new page at version 1; its default parent is the space's homepage."""
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
    if arguments.get("root-level"):
        if arguments.get("parentId"):
            return replies.invalid("A page at root level has no parentId.")
        parent_id = ""
    elif wrong := wrong_parent(world, space_id, parent_id):
        return replies.invalid(wrong)
    if status == "current" and title_taken(world, space_id, title):
        return replies.invalid(DUPLICATE)
    body = plain_body(arguments.get("body") or {"representation": "storage", "value": ""})
    if wrong := wrong_body(body):
        return replies.invalid(wrong)
    now, page_id = world.tick(), world.new_id()
    page = {
        "id": page_id,
        "spaceId": space_id,
        "parentId": parent_id or None,
        "title": title,
        "status": status,
        "body": {"representation": body["representation"], "value": body["value"]},
        "version": 1,
        "createdAt": now,
    }
    world.table("pages")[page_id] = page
    return Response(200, replies.single_page(world, page, body["representation"]))


def wrong_parent(world: World, space_id: str, parent_id: str) -> str:
    """Return why a page cannot be a parent in the space, or an empty string."""
    parent = world.table("pages").get(parent_id)
    if parent is None or parent["spaceId"] != space_id or parent["status"] == "trashed":
        return f"No page with id {parent_id} in the space to be its parent."
    return ""


def title_taken(world: World, space_id: str, title: str, but: str = "") -> bool:
    """Return whether a current or archived page of the space, other than the page `but`, has the title."""
    pages = world.find("pages", spaceId=space_id, title=title)
    return any(page["status"] in ("current", "archived") and page["id"] != but for page in pages)


def plain_body(body: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a body as {"representation", "value"}, also if it is nested under the name of its representation."""
    nested = [{"representation": name, **body[name]} for name in REPRESENTATIONS if isinstance(body.get(name), dict)]
    return nested[0] if len(nested) == 1 and "value" not in body else body


def wrong_body(body: Mapping[str, Json]) -> str:
    """Return why a body is invalid, or an empty string."""
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
        Parameter("body-format", "query", {"enum": ["storage", "atlas_doc_format", "none"]}, compact={}),
        Parameter("id", "query", IDS, compact={}),
        SORT,
        LIMIT,
        CURSOR,
    ),
    handler=get_pages,
    reject=replies.wrong_shape,
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
        Parameter(
            "body-format",
            "query",
            {"enum": ["storage", "atlas_doc_format", "view", "export_view", "styled_view", "editor", "none"]},
            compact={"enum": ["storage"]},
        ),
        Parameter("version", "query", {"type": "integer"}, compact={}),
        Parameter(
            "status",
            "query",
            {"type": "array", "items": {"enum": ["current", "archived", "draft", "trashed"]}},
            compact={},
        ),
        Parameter("include-labels", "query", {"type": "boolean"}, compact={}),
    ),
    handler=get_page_by_id,
    reject=replies.wrong_shape,
    compact_body=("title", "id", "spaceId", "parentId", "version.number", "body.storage.value"),
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
        Parameter("body", "body", BODY, compact=STORAGE),
        Parameter("root-level", "query", {"type": "boolean"}, compact={}),
    ),
    handler=create_page,
    reject=replies.wrong_shape,
    compact_body=("id", "title"),
)
