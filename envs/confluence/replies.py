"""Confluence's error bodies, and the shapes of records in answers."""

from datetime import UTC, datetime
from typing import Any

from envs.operation import Json, Response
from envs.world import Record, World

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


def one_page(world: World, results: list[Json], limit: int) -> Response:
    """The v2 list envelope. Lists here fit one page: the cursor is a later chapter."""
    return Response(200, {"results": results[:limit], "_links": {"base": f"{world.site}/wiki"}})


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


def page_body(world: World, page: Record, body_format: str | None = None) -> Json:
    """PageSingle or PageBulk; the body only in a format that was asked for."""
    made: dict[str, Any] = {
        "id": page["id"],
        "status": page["status"],
        "title": page["title"],
        "spaceId": page["spaceId"],
        "parentId": page["parentId"],
        "parentType": "page" if page["parentId"] else None,
        "position": 0,
        "authorId": world.me,
        "ownerId": world.me,
        "createdAt": timestamp(page["createdAt"]),
        "version": {
            "createdAt": timestamp(page["createdAt"]),
            "message": "",
            "number": page["version"],
            "minorEdit": False,
            "authorId": world.me,
        },
        "body": {},
        "_links": {"webui": f"/spaces/{world.table('spaces')[page['spaceId']]['key']}/pages/{page['id']}"},
    }
    if body_format and body_format == page["body"]["representation"]:
        made["body"] = {body_format: dict(page["body"])}
    return made
