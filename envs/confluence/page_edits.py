"""Change existing pages: updatePage, updatePageTitle, deletePage, and v1's movePage.

Every write increments a page's version. An update must give the next version, so that it conflicts if another user has
written since the page was read.
"""

from collections.abc import Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.confluence import replies
from envs.confluence.pages import BODY, DUPLICATE, STORAGE, find, plain_body, title_taken, wrong_body, wrong_parent
from envs.confluence.tree import below, children

ID = {"type": ["string", "integer"]}
_STRING = {"type": "string"}
_POSITIONS = ("before", "after", "append")


def write(world: World, page: Record, message: str = "", **changed: Json) -> Record:
    """Store the page's next version and add the old one to its history; return the new record."""
    old = {name: page[name] for name in ("version", "title", "body")}
    old |= {"updatedAt": page.get("updatedAt", page["createdAt"]), "message": page.get("message", "")}
    history = [*page.get("history", []), old]
    new = {**page, **changed, "version": page["version"] + 1, "message": message, "history": history}
    world.table("pages")[page["id"]] = new | {"updatedAt": world.tick()}
    return world.table("pages")[page["id"]]


def update_page(world: World, arguments: Mapping[str, Json]) -> Response:
    """updatePage: 200 with the page at its next version; 409 if the given version is not that."""
    page = find(world, arguments, trashed=True)
    if isinstance(page, Response):
        return page
    if missing := [name for name in ("status", "title", "body", "version") if name not in arguments]:
        return replies.invalid(f"'{missing[0]}' is required.")
    title, status, body = arguments["title"], arguments["status"], plain_body(arguments["body"])
    if not title.strip() and status == "current":
        return replies.invalid("A title is required unless the page is a draft.")
    if str(arguments.get("spaceId", page["spaceId"])) != page["spaceId"]:
        return replies.invalid("A page cannot be updated into another space.")
    parent_id = str(arguments["parentId"]) if arguments.get("parentId") else page["parentId"]
    if parent_id == page["parentId"] and page["status"] == "trashed" and parent_id:
        # The parent may have been deleted after the page was moved to the trash.
        if wrong_parent(world, page["spaceId"], parent_id):
            parent_id = world.table("spaces")[page["spaceId"]]["homepageId"]
            parent_id = None if wrong_parent(world, page["spaceId"], parent_id) else parent_id
    elif parent_id != page["parentId"] and (wrong := wrong_move(world, page, parent_id)):
        return replies.invalid(wrong)
    number = arguments["version"].get("number")
    if number is None:
        return replies.invalid("'version.number' is required.")
    # Turning a page into a draft is also allowed with version 1.
    if number != page["version"] + 1 and not (status == "draft" and number == 1):
        return replies.error(
            409,
            "CONFLICT",
            "Version must be incremented when updating a page. "
            f"Current Version: [{page['version']}]. Provided version: [{number}]",
        )
    if status == "current" and title_taken(world, page["spaceId"], title, but=page["id"]):
        return replies.invalid(DUPLICATE)
    if wrong := wrong_body(body):
        return replies.invalid(wrong)
    text = {"representation": body["representation"], "value": body["value"]}
    message = arguments["version"].get("message", "")
    page = write(world, page, message, title=title, status=status, body=text, parentId=parent_id)
    return Response(200, replies.single_page(world, page, body["representation"]))


def wrong_move(world: World, page: Record, parent_id: str) -> str:
    """Return why a page cannot be moved under another, or an empty string."""
    if parent_id == page["id"] or any(inner["id"] == parent_id for inner, _ in below(world, page["id"])):
        return "A page cannot be moved under itself."
    return wrong_parent(world, page["spaceId"], parent_id)


def update_title(world: World, arguments: Mapping[str, Json]) -> Response:
    """updatePageTitle: 200 with the page at its next version."""
    page = find(world, arguments)
    if isinstance(page, Response):
        return page
    if missing := [name for name in ("status", "title") if name not in arguments]:
        return replies.invalid(f"'{missing[0]}' is required.")
    if not arguments["title"].strip():
        return replies.invalid("A title is required.")
    if title_taken(world, page["spaceId"], arguments["title"], but=page["id"]):
        return replies.invalid(DUPLICATE)
    return Response(200, replies.single_page(world, write(world, page, title=arguments["title"])))


def delete_page(world: World, arguments: Mapping[str, Json]) -> Response:
    """deletePage: 204; moves the page to the trash or, with `purge`, deletes a page in the trash for good."""
    page = find(world, arguments, trashed=bool(arguments.get("purge")))
    if isinstance(page, Response):
        return page
    if world.table("spaces")[page["spaceId"]]["homepageId"] == page["id"]:
        return replies.invalid("The homepage of a space cannot be deleted.")
    if arguments.get("purge"):
        if page["status"] != "trashed":
            return replies.invalid("Only a page in the trash can be purged.")
        del world.table("pages")[page["id"]]
        for table in ("comments", "properties", "attachments"):
            for record in world.find(table, pageId=page["id"]):
                del world.table(table)[record["id"]]
        world.tick()
        return Response(204)
    if (page["status"] == "draft") != bool(arguments.get("draft")):
        return replies.error(404, "NOT_FOUND")
    world.table("pages")[page["id"]] = {**page, "status": "trashed"}
    # Its children move up to its parent.
    for child in children(world, page["id"]):
        world.table("pages")[child["id"]] = {**child, "parentId": page["parentId"]}
    world.tick()
    return Response(204)


def move_page(world: World, arguments: Mapping[str, Json]) -> Response:
    """movePage: 200; moves the page before, after or under (append) the target, without a new version."""
    pages, page_id, target_id = world.table("pages"), str(arguments.get("pageId")), str(arguments.get("targetId"))
    for content_id in (page_id, target_id):
        if content_id not in pages or pages[content_id]["status"] == "trashed":
            return replies.v1_unknown(content_id)
    page, target, position = pages[page_id], pages[target_id], arguments.get("position")
    if position not in _POSITIONS:
        return replies.v1_error(400, f"The position is one of {', '.join(_POSITIONS)}.")
    parent_id = target_id if position == "append" else target["parentId"]
    if page["spaceId"] != target["spaceId"] or parent_id is None:
        return replies.v1_error(400, f"The page {page_id} cannot be moved there.")
    if wrong := wrong_move(world, page, parent_id):
        return replies.v1_error(400, wrong)
    siblings = [child for child in children(world, parent_id) if child["id"] != page_id]
    if position != "append" and target_id not in [sibling["id"] for sibling in siblings]:
        return replies.v1_error(400, f"The page {page_id} cannot be moved beside {target_id}.")
    if position == "append":
        last = max((sibling.get("position", 0) for sibling in siblings), default=-1)
        pages[page_id] = {**page, "parentId": parent_id, "position": last + 1}
    else:
        index = next(i for i, sibling in enumerate(siblings) if sibling["id"] == target_id) + (position == "after")
        for number, child in enumerate([*siblings[:index], {**page, "parentId": parent_id}, *siblings[index:]]):
            # Records whose position stays the same are not rewritten, so that a move changes as few pages as possible.
            if child.get("position", 0) != number or child["id"] == page_id:
                pages[child["id"]] = {**child, "position": number}
    world.tick()
    return Response(200, {"pageId": page_id})


_VERSION = {
    "type": "object",
    "properties": {"number": {"type": "integer"}, "message": _STRING},
    "required": ["number"],
}
UPDATE_PAGE = Operation(
    name="updatePage",
    api="confluence",
    method="PUT",
    path="/wiki/api/v2/pages/{id}",
    description="Replaces a page's title and body. version.number is the current version plus one.",
    parameters=(
        Parameter("id", "path", ID, required=True),
        Parameter("status", "body", {"enum": ["current", "draft"]}, required=True),
        Parameter("title", "body", _STRING, required=True),
        Parameter("body", "body", BODY, required=True, compact=STORAGE),
        Parameter(
            "version",
            "body",
            _VERSION,
            required=True,
            compact={"type": "object", "properties": {"number": {"type": "integer"}}},
        ),
        Parameter("parentId", "body", ID, compact={}),
        Parameter("spaceId", "body", ID, compact={}),
    ),
    handler=update_page,
    reject=replies.wrong_shape,
    compact_body=("title", "id", "version.number"),
)
UPDATE_PAGE_TITLE = Operation(
    name="updatePageTitle",
    api="confluence",
    method="PUT",
    path="/wiki/api/v2/pages/{id}/title",
    description="Renames a page.",
    parameters=(
        Parameter("id", "path", ID, required=True),
        Parameter("status", "body", {"enum": ["current", "draft"]}, required=True),
        Parameter("title", "body", _STRING, required=True),
    ),
    handler=update_title,
    reject=replies.wrong_shape,
    compact_body=("title", "id", "version.number"),
)
DELETE_PAGE = Operation(
    name="deletePage",
    api="confluence",
    method="DELETE",
    path="/wiki/api/v2/pages/{id}",
    description="Moves a page to the trash, or purges one that is there.",
    parameters=(
        Parameter("id", "path", ID, required=True),
        Parameter("purge", "query", {"type": "boolean"}, compact={}),
        Parameter("draft", "query", {"type": "boolean"}, compact={}),
    ),
    handler=delete_page,
    reject=replies.wrong_shape,
)
MOVE_PAGE = Operation(
    name="movePage",
    api="confluence",
    method="PUT",
    path="/wiki/rest/api/content/{pageId}/move/{position}/{targetId}",
    description="Moves a page under a target page (append), or before or after it.",
    parameters=(
        Parameter("pageId", "path", ID, required=True),
        Parameter("position", "path", {"enum": list(_POSITIONS)}, required=True),
        Parameter("targetId", "path", ID, required=True),
    ),
    handler=move_page,
    reject=replies.v1_wrong_shape,
)
