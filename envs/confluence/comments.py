"""Comments on pages: footer comments and their replies, and inline comments on a selection of the page's text."""

import re
from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.confluence import replies
from envs.confluence.endpoint import ANY_ID, endpoint
from envs.confluence.pages import BODY, STORAGE, find, plain_body, wrong_body
from envs.confluence.spaces import CURSOR, LIMIT

_FORMAT = Parameter("body-format", "query", {"enum": ["storage", "atlas_doc_format"]}, compact={"enum": ["storage"]})
_OTHERS = ("blogPostId", "attachmentId", "customContentId")
_OWNERS = ("pageId", "parentCommentId", *_OTHERS)


def comment_body(world: World, comment: Record, body_format: str | None) -> dict[str, Json]:
    """Return a body of schema FooterCommentModel or InlineCommentModel, which lists use too."""
    body: dict[str, Json] = {
        "id": comment["id"],
        "status": "current",
        "title": f"Re: {world.table('pages')[comment['pageId']]['title']}",
        "version": replies.version_body(world, comment["version"], comment["updatedAt"]),
        "body": {},
        "_links": {"webui": f"/pages/{comment['pageId']}?focusedCommentId={comment['id']}"},
    }
    owner = "parentCommentId" if comment["parentCommentId"] else "pageId"
    body[owner] = comment[owner]
    if body_format and body_format == comment["body"]["representation"]:
        body["body"] = {body_format: dict(comment["body"])}
    if comment["kind"] == "inline":
        body["resolutionStatus"] = "open"
        body["properties"] = {
            "inlineMarkerRef": f"marker-{comment['id']}",
            "inlineOriginalSelection": comment["selection"],
        }
    return body


def find_comment(world: World, arguments: Mapping[str, Json], name: str, kind: str) -> Record | Response:
    """Return the comment whose id an argument gives, or the error."""
    comment_id = str(arguments.get(name, ""))
    if not comment_id.isdigit():
        return replies.not_a_number(name, comment_id)
    comment = world.table("comments").get(comment_id)
    return comment if comment and comment["kind"] == kind else replies.error(404, "NOT_FOUND")


def _created(world: World, arguments: Mapping[str, Json], kind: str, **more: Json) -> Response:
    """Add a comment to a page, or a reply to another comment."""
    body = plain_body(arguments.get("body") or {})
    if wrong := wrong_body(body):
        return replies.invalid(wrong)
    parent_id, page_id = None, arguments.get("pageId")
    if "parentCommentId" in arguments:
        parent = find_comment(world, arguments, "parentCommentId", kind)
        if isinstance(parent, Response):
            return parent
        parent_id, page_id = parent["id"], parent["pageId"]
    page = find(world, {"pageId": page_id}, "pageId")
    if isinstance(page, Response):
        return page
    now = world.tick()
    comment = {
        "id": world.new_id(),
        "kind": kind,
        "pageId": page["id"],
        "parentCommentId": parent_id,
        "body": {"representation": body["representation"], "value": body["value"]},
        "version": 1,
        "createdAt": now,
        "updatedAt": now,
        **more,
    }
    world.table("comments")[comment["id"]] = comment
    return Response(201, comment_body(world, comment, body["representation"]))


def create_footer_comment(world: World, arguments: Mapping[str, Json]) -> Response:
    """createFooterComment: 201 with the comment; exactly one of the possible owners must be given."""
    owners = [name for name in _OWNERS if name in arguments]
    if len(owners) != 1:
        return replies.invalid(f"Exactly one of {', '.join(_OWNERS)} must be given.")
    if owners[0] not in ("pageId", "parentCommentId"):
        return replies.error(404, "NOT_FOUND")
    return _created(world, arguments, "footer")


def create_inline_comment(world: World, arguments: Mapping[str, Json]) -> Response:
    """createInlineComment: 201 with the comment; the selection's match count and index must be right."""
    if ("pageId" in arguments) == ("parentCommentId" in arguments):
        return replies.invalid("Exactly one of pageId, parentCommentId must be given.")
    if "parentCommentId" in arguments:
        return _created(world, arguments, "inline", selection="")
    page = find(world, arguments, "pageId")
    if isinstance(page, Response):
        return page
    given = arguments.get("inlineCommentProperties") or {}
    selection, index = given.get("textSelection", ""), given.get("textSelectionMatchIndex", -1)
    count = re.sub(r"<[^>]*>", "", page["body"]["value"]).count(selection) if selection else 0
    if count == 0 or given.get("textSelectionMatchCount") != count or not 0 <= index < count:
        return replies.invalid(f"The text selection stands in the page {count} times; count and index must fit that.")
    return _created(world, arguments, "inline", selection=selection)


def _read(kind: str):
    def handler(world: World, arguments: Mapping[str, Json]) -> Response:
        comment = find_comment(world, arguments, "comment-id", kind)
        if isinstance(comment, Response):
            return comment
        return Response(200, comment_body(world, comment, arguments.get("body-format")))

    return handler


def _list(kind: str):
    def handler(world: World, arguments: Mapping[str, Json]) -> Response:
        page = find(world, arguments)
        if isinstance(page, Response):
            return page
        comments = world.find("comments", kind=kind, pageId=page["id"], parentCommentId=None)
        bodies = [comment_body(world, comment, arguments.get("body-format")) for comment in comments]
        path = f"/pages/{page['id']}/{kind}-comments"
        return replies.one_page(world, bodies, arguments.get("limit", 25), path, arguments.get("cursor", ""))

    return handler


def get_children(world: World, arguments: Mapping[str, Json]) -> Response:
    """getFooterCommentChildren: 200 with the replies to a comment."""
    comment = find_comment(world, arguments, "id", "footer")
    if isinstance(comment, Response):
        return comment
    children = world.find("comments", parentCommentId=comment["id"])
    bodies = [comment_body(world, child, arguments.get("body-format")) for child in children]
    path = f"/footer-comments/{comment['id']}/children"
    return replies.one_page(world, bodies, arguments.get("limit", 25), path, arguments.get("cursor", ""))


def update_footer_comment(world: World, arguments: Mapping[str, Json]) -> Response:
    """updateFooterComment: 200 with the comment at its next version; 409 if the given version is not that."""
    comment = find_comment(world, arguments, "comment-id", "footer")
    if isinstance(comment, Response):
        return comment
    number = (arguments.get("version") or {}).get("number")
    if number != comment["version"] + 1:
        versions = f"Current Version: [{comment['version']}]. Provided version: [{number}]"
        return replies.error(409, "CONFLICT", f"Version must be incremented when updating a comment. {versions}")
    body = plain_body(arguments.get("body") or {})
    if wrong := wrong_body(body):
        return replies.invalid(wrong)
    text = {"representation": body["representation"], "value": body["value"]}
    updated = {**comment, "body": text, "version": number, "updatedAt": world.tick()}
    world.table("comments")[comment["id"]] = updated
    return Response(200, comment_body(world, updated, body["representation"]))


def _delete(kind: str):
    def handler(world: World, arguments: Mapping[str, Json]) -> Response:
        comment = find_comment(world, arguments, "comment-id", kind)
        if isinstance(comment, Response):
            return comment
        remaining = [comment["id"]]
        while remaining:
            removed = remaining.pop()
            remaining += [reply["id"] for reply in world.find("comments", parentCommentId=removed)]
            del world.table("comments")[removed]
        world.tick()
        return Response(204)

    return handler


_COMMENT_ID = Parameter("comment-id", "path", ANY_ID, required=True)
_ID = Parameter("id", "path", ANY_ID, required=True)
_TEXT = Parameter("body", "body", BODY, required=True, compact=STORAGE)
_PAGE_ID, _PARENT_ID = Parameter("pageId", "body", ANY_ID), Parameter("parentCommentId", "body", ANY_ID)
_VERSION = {"type": "object", "properties": {"number": {"type": "integer"}, "message": {"type": "string"}}}
_NUMBER = {"type": "object", "properties": {"number": {"type": "integer"}}}
_SELECTION = {
    "type": "object",
    "properties": {
        "textSelection": {"type": "string"},
        "textSelectionMatchCount": {"type": "integer"},
        "textSelectionMatchIndex": {"type": "integer"},
    },
}
_ONE, _MANY = ("id", "version.number", "body.storage.value"), ("results.id", "results.body.storage.value")
COMMENTS = (
    endpoint(
        "createFooterComment", "POST /footer-comments",
        "Comments on a page, or answers a comment.",
        create_footer_comment,
        _PAGE_ID,
        _PARENT_ID,
        *(Parameter(name, "body", ANY_ID, compact={}) for name in _OTHERS),
        _TEXT,
        keep=("id",),
    ),
    endpoint(
        "getFooterCommentById", "GET /footer-comments/{comment-id}", "Returns a comment.", _read("footer"),
        _COMMENT_ID, _FORMAT, keep=_ONE,
    ),
    endpoint(
        "updateFooterComment", "PUT /footer-comments/{comment-id}", "Replaces a comment's text.",
        update_footer_comment, _COMMENT_ID, _TEXT,
        Parameter("version", "body", _VERSION, required=True, compact=_NUMBER), keep=("id", "version.number"),
    ),
    endpoint(
        "deleteFooterComment", "DELETE /footer-comments/{comment-id}", "Deletes a comment and the answers to it.",
        _delete("footer"), _COMMENT_ID,
    ),
    endpoint(
        "getFooterCommentChildren", "GET /footer-comments/{id}/children", "Returns the answers to a comment.",
        get_children, _ID, _FORMAT, LIMIT, CURSOR, keep=_MANY,
    ),
    endpoint(
        "getPageFooterComments", "GET /pages/{id}/footer-comments", "Returns the comments on a page.",
        _list("footer"), _ID, _FORMAT, LIMIT, CURSOR, keep=_MANY,
    ),
    endpoint(
        "createInlineComment", "POST /inline-comments", "Comments on a selection of a page's text.",
        create_inline_comment, _PAGE_ID, _PARENT_ID, _TEXT,
        Parameter("inlineCommentProperties", "body", _SELECTION), keep=("id",),
    ),
    endpoint(
        "getInlineCommentById", "GET /inline-comments/{comment-id}", "Returns an inline comment.", _read("inline"),
        _COMMENT_ID, _FORMAT, keep=_ONE,
    ),
    endpoint(
        "deleteInlineComment", "DELETE /inline-comments/{comment-id}", "Deletes an inline comment.",
        _delete("inline"), _COMMENT_ID,
    ),
    endpoint(
        "getPageInlineComments", "GET /pages/{id}/inline-comments", "Returns the inline comments on a page.",
        _list("inline"), _ID, _FORMAT, LIMIT, CURSOR, keep=_MANY,
    ),
)  # fmt: skip
