"""Confluence's error bodies, and the shapes of records in answers."""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from envs.api.operation import Json, Response
from envs.api.world import Record, World

_TITLES = {400: "Bad Request", 404: "Not Found", 409: "Conflict"}


def error(status: int, code: str, title: str = "", detail: str | None = None) -> Response:
    """The v2 error envelope."""
    return Response(
        status, {"errors": [{"status": status, "code": code, "title": title or _TITLES[status], "detail": detail}]}
    )


def wrong_shape(why: str) -> Response:
    """The answer to arguments of the wrong JSON type."""
    return error(400, "INVALID_REQUEST_PARAMETER", why)


def not_a_number(name: str, value: str) -> Response:
    """The answer to an id that is no number."""
    return error(
        400,
        "INVALID_REQUEST_PARAMETER",
        f"Provided value {{{value}}} for '{name}' is not the correct type. Expected type is long.",
    )


def timestamp(ms: int) -> str:
    """Confluence v2's form of a time."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def one_page(world: World, results: Sequence[Json], limit: int, path: str = "", cursor: str = "") -> Response:
    """The v2 list envelope: the results after the cursor, and at `path` where the next ones are if there are more."""
    begin = _offset(cursor)
    if begin is None:
        return error(400, "INVALID_REQUEST_PARAMETER", f"The cursor {cursor!r} was not given out by this resource.")
    links = {"base": f"{world.site}/wiki"}
    if path and begin + limit < len(results):
        made = base64.urlsafe_b64encode(f"after {begin + limit}".encode()).decode()
        links["next"] = f"/wiki/api/v2{path}?limit={limit}&cursor={made}"
    return Response(200, {"results": list(results[begin : begin + limit]), "_links": links})


def _offset(cursor: str) -> int | None:
    """How many results lie before a cursor; None for one that is none."""
    if not cursor:
        return 0
    try:
        told = base64.urlsafe_b64decode(cursor.encode()).decode("ascii")
    except (ValueError, binascii.Error):
        return None
    count = told.removeprefix("after ")
    return int(count) if told.startswith("after ") and count.isdigit() and len(count) < 10 else None


def v1_error(status: int, message: str) -> Response:
    """The v1 error envelope."""
    data = {"authorized": True, "valid": status != 400, "errors": [], "successful": False}
    return Response(status, {"statusCode": status, "data": data, "message": message, "reason": _TITLES[status]})


def v1_wrong_shape(why: str) -> Response:
    """v1's answer to arguments of the wrong JSON type."""
    return v1_error(400, why)


def v1_unknown(content_id: str) -> Response:
    """v1's answer to an id of no content."""
    return v1_error(404, f"No content found with id: ContentId{{id={content_id}}}")


def invalid(title: str) -> Response:
    """v2's refusal of a value."""
    return error(400, "INVALID_REQUEST_PARAMETER", title)


def changed_at(page: Record) -> int:
    """When a page was last written, in Unix milliseconds."""
    return page.get("updatedAt") or page["createdAt"]


def version_body(world: World, number: int, ms: int, message: str = "") -> Json:
    """Version."""
    return {
        "createdAt": timestamp(ms),
        "message": message,
        "number": number,
        "minorEdit": False,
        "authorId": world.me,
    }


def included(results: Sequence[Json], self_link: str) -> Json:
    """An optional part of a single body: all of its records."""
    return {"results": list(results), "meta": {"hasMore": False}, "_links": {"self": self_link}}


def space_body(world: World, space: Record) -> Json:
    """SpaceBulk."""
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
    """PageSingle as the answer to a request about one page: its links tell where the site is."""
    made = page_body(world, page, body_format)
    return {**made, "_links": {**made["_links"], "base": f"{world.site}/wiki"}}


def page_body(world: World, page: Record, body_format: str | None = None) -> Json:
    """PageSingle or PageBulk; the body only in a format that was asked for."""
    made: dict[str, Any] = {
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
        made["body"] = {body_format: dict(page["body"])}
    return made
