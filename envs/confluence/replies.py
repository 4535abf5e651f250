"""Confluence's error responses, and the bodies of records in responses."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from envs.api.operation import Json, Response
from envs.api.world import Record, World

_TITLES = {400: "Bad Request", 404: "Not Found", 409: "Conflict"}


def error(status: int, code: str, title: str = "", detail: str | None = None) -> Response:
    """Return an error in v2's envelope."""
    return Response(
        status, {"errors": [{"status": status, "code": code, "title": title or _TITLES[status], "detail": detail}]}
    )


def wrong_shape(why: str) -> Response:
    """Return v2's error for arguments that fail validation."""
    return error(400, "INVALID_REQUEST_PARAMETER", why)


def not_a_number(name: str, value: str) -> Response:
    """Return v2's error for an id that is not a number."""
    return error(
        400,
        "INVALID_REQUEST_PARAMETER",
        f"Provided value {{{value}}} for '{name}' is not the correct type. Expected type is long.",
    )


def timestamp(ms: int) -> str:
    """Return a time (Unix milliseconds) in v2's format."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def one_page(world: World, results: Sequence[Json], limit: int, path: str = "", cursor: str = "") -> Response:
    """Return 200 with v2's list envelope: `limit` results from the cursor on, and a link to the next ones at `path`."""
    begin = _offset(cursor)
    if begin is None:
        return error(400, "INVALID_REQUEST_PARAMETER", f"The cursor {cursor!r} was not given out by this resource.")
    links = {"base": f"{world.site}/wiki"}
    if path and begin + limit < len(results):
        following = base64.urlsafe_b64encode(f"after {begin + limit}".encode()).decode()
        links["next"] = f"/wiki/api/v2{path}?limit={limit}&cursor={following}"
    return Response(200, {"results": list(results[begin : begin + limit]), "_links": links})


def _offset(cursor: str) -> int | None:
    """Return the number of results before a cursor; None if it is invalid."""
    if not cursor:
        return 0
    try:
        decoded = base64.urlsafe_b64decode(cursor.encode()).decode("ascii")
    except (ValueError, binascii.Error):
        return None
    count = decoded.removeprefix("after ")
    return int(count) if decoded.startswith("after ") and count.isdigit() and len(count) < 10 else None


def v1_error(status: int, message: str) -> Response:
    """Return an error in v1's envelope."""
    data = {"authorized": True, "valid": status != 400, "errors": [], "successful": False}
    return Response(status, {"statusCode": status, "data": data, "message": message, "reason": _TITLES[status]})


def v1_wrong_shape(why: str) -> Response:
    """Return v1's error for arguments that fail validation."""
    return v1_error(400, why)


def v1_unknown(content_id: str) -> Response:
    """Return v1's error for an unknown content id."""
    return v1_error(404, f"No content found with id: ContentId{{id={content_id}}}")


def invalid(title: str) -> Response:
    """Return v2's error for an invalid value."""
    return error(400, "INVALID_REQUEST_PARAMETER", title)


def changed_at(page: Record) -> int:
    """Return the time of a page's last write, in Unix milliseconds."""
    return page.get("updatedAt") or page["createdAt"]


def version_body(world: World, number: int, ms: int, message: str = "") -> Json:
    """Return a body of schema Version; `ms` is its time in Unix milliseconds."""
    return {
        "createdAt": timestamp(ms),
        "message": message,
        "number": number,
        "minorEdit": False,
        "authorId": world.me,
    }


def included(results: Sequence[Json], self_link: str) -> Json:
    """Return an optional list inside the body of one page."""
    return {"results": list(results), "meta": {"hasMore": False}, "_links": {"self": self_link}}


def space_body(world: World, space: Record) -> Json:
    """Return a body of schema SpaceBulk."""
    return {
        "id": space["id"],
        "key": space["key"],
        "name": space["name"],
        "type": "global",
        "status": "current",
        "authorId": world.me,
        "createdAt": timestamp(space["createdAt"]),
        "homepageId": space["homepageId"],
        "currentActiveAlias": None,
        "_links": {"webui": f"/spaces/{space['key']}"},
    }


def single_page(world: World, page: Record, body_format: str | None = None) -> Json:
    """Return a body of schema PageSingle, whose links include the site's address."""
    body = page_body(world, page, body_format)
    return {**body, "_links": {**body["_links"], "base": f"{world.site}/wiki"}}


def page_body(world: World, page: Record, body_format: str | None = None) -> Json:
    """Return a body of schema PageSingle or PageBulk; the page's text only if it is stored in `body_format`."""
    body: dict[str, Any] = {
        "id": page["id"],
        "status": page["status"],
        "title": page["title"],
        "spaceId": page["spaceId"],
        "parentId": page["parentId"],
        "parentType": "page" if page["parentId"] else None,
        "position": page.get("position", 0),
        "authorId": world.me,
        "ownerId": world.me,
        "createdAt": timestamp(page["createdAt"]),
        "version": version_body(world, page["version"], changed_at(page), page.get("message", "")),
        "body": {},
        "_links": {"webui": f"/spaces/{world.table('spaces')[page['spaceId']]['key']}/pages/{page['id']}"},
    }
    if body_format and body_format == page["body"]["representation"]:
        body["body"] = {body_format: dict(page["body"])}
    return body
