"""Comments on issues: getComments, addComment, getComment, updateComment, deleteComment."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import (
    DOCUMENT,
    ID_OR_KEY,
    MAX_RESULTS,
    OBJECT,
    START_AT,
    cut,
    endpoint,
    on_issue,
    path_id,
    query,
)
from envs.jira.fields import is_document
from envs.jira.history import rewrite
from envs.jira.replies import field_errors, global_error, timestamp, user_of


def comments_of(world: World, issue: Record) -> list[Record]:
    """Return the comments on an issue, oldest first."""
    return world.find("issue_comments", issue=issue["id"]) if world.tables.get("issue_comments") else []


def comment_body(world: World, comment: Record) -> dict[str, Json]:
    """Return a body of schema Comment."""
    link = f"{world.site}/rest/api/3/issue/{comment['issue']}/comment/{comment['id']}"
    body: dict[str, Json] = {
        "self": link,
        "id": comment["id"],
        "author": user_of(world, comment["author"]),
        "body": comment["body"],
        "updateAuthor": user_of(world, comment["updateAuthor"]),
        "created": timestamp(comment["created"]),
        "updated": timestamp(comment["updated"]),
        "jsdPublic": True,
    }
    if comment["visibility"]:
        body["visibility"] = comment["visibility"]
    return body


def comments_body(world: World, issue: Record, arguments: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """Return a body of schema PageOfComments."""
    comments = comments_of(world, issue)
    if (arguments or {}).get("orderBy", "").startswith("-"):
        comments = comments[::-1]
    page, paging = cut(comments, arguments or {}, 100)
    return {"comments": [comment_body(world, comment) for comment in page], **paging}


def wrong_body(body: Json) -> str:
    """Return the error sentence for a comment's body, or an empty string."""
    if not is_document(body):
        return "Comment body is not valid!"
    return "" if body["content"] else "Comment body can not be empty!"


def added_comments(steps: Json) -> tuple[list[Json], str]:
    """Return the documents that the steps of `update.comment` add, and the first error sentence or an empty string."""
    if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
        return [], "Operations must be a list of objects."
    for step in steps:
        if other := next((verb for verb in step if verb != "add"), ""):
            return [], f"Field 'comment' does not support operation '{other}'"
    bodies = [step["add"].get("body") if isinstance(step["add"], dict) else None for step in steps if step]
    return bodies, next(filter(None, map(wrong_body, bodies)), "")


def put_comment(world: World, issue: Record, body: Json, visibility: Json = None) -> Record:
    """Add a comment with the clock's current time."""
    comment = {"id": world.new_id(), "issue": issue["id"], "author": world.me, "updateAuthor": world.me, "body": body}
    comment |= {"created": world.now_ms, "updated": world.now_ms, "visibility": visibility}
    world.table("issue_comments")[comment["id"]] = comment
    return comment


def _list(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    order = arguments.get("orderBy", "created")
    if order.lstrip("+-") != "created":
        error = f"The field to order by should be one of [created]. Instead, it was: {order.lstrip('+-')}."
        return global_error(400, error)
    return Response(200, comments_body(world, issue, arguments))


def _add(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    if wrong := wrong_body(arguments.get("body")):
        return field_errors({"comment": wrong})
    rewrite(world, issue, [])
    comment = put_comment(world, issue, arguments["body"], arguments.get("visibility") or None)
    return Response(201, comment_body(world, comment))


def _found(world: World, issue: Record, arguments: Mapping[str, Json]) -> Record | Response:
    comment = world.tables.get("issue_comments", {}).get(arguments.get("id", ""))
    if comment is None or comment["issue"] != issue["id"]:
        return global_error(404, f"Can not find a comment for the id: {arguments.get('id', '')}.")
    return comment


def _get(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    comment = _found(world, issue, arguments)
    return comment if isinstance(comment, Response) else Response(200, comment_body(world, comment))


def _update(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    comment = _found(world, issue, arguments)
    if isinstance(comment, Response):
        return comment
    if wrong := wrong_body(arguments.get("body")):
        return field_errors({"comment": wrong})
    rewrite(world, issue, [])
    updated = {**comment, "body": arguments["body"], "updateAuthor": world.me, "updated": world.now_ms}
    updated["visibility"] = arguments.get("visibility", comment["visibility"])
    world.table("issue_comments")[comment["id"]] = updated
    return Response(200, comment_body(world, updated))


def _delete(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    comment = _found(world, issue, arguments)
    if isinstance(comment, Response):
        return comment
    rewrite(world, issue, [])
    del world.table("issue_comments")[comment["id"]]
    return Response(204)


_PATH = "/issue/{issueIdOrKey}/comment"
_SHAPE = (
    '{"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": "..."}, '
    '{"type": "mention", "attrs": {"id": "ACCOUNT ID"}}]}]}'
)
_COMMENT = {"type": "object", "description": f"An Atlassian Document, such as {_SHAPE}"}
_TEXT = Parameter("body", "body", _COMMENT, required=True, compact=DOCUMENT, accepted_schema={})
_SEEN = Parameter("visibility", "body", OBJECT, compact={}, accepted_schema={"type": ["object", "null"]})
COMMENTS = (
    endpoint(
        "getComments", f"GET {_PATH}", "Returns the comments on an issue.", on_issue(_list), ID_OR_KEY, START_AT,
        MAX_RESULTS, query("orderBy"), keep=("comments.author.displayName", "comments.body", "comments.id"),
    ),
    endpoint(
        "addComment", f"POST {_PATH}", "Comments on an issue.", on_issue(_add), ID_OR_KEY, _TEXT, _SEEN, keep=("id",)
    ),
    endpoint(
        "getComment", f"GET {_PATH}/{{id}}", "Returns a comment.", on_issue(_get), ID_OR_KEY, path_id(),
        keep=("author.displayName", "body", "id"),
    ),
    endpoint(
        "updateComment", f"PUT {_PATH}/{{id}}", "Replaces a comment.", on_issue(_update), ID_OR_KEY, path_id(),
        _TEXT, _SEEN, keep=("id",),
    ),
    endpoint(
        "deleteComment", f"DELETE {_PATH}/{{id}}", "Deletes a comment.", on_issue(_delete), ID_OR_KEY, path_id()
    ),
)  # fmt: skip
