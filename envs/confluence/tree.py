"""The page tree: getChildPages, getPageDirectChildren, getPageDescendants, getPageAncestors."""

from collections.abc import Callable, Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.confluence import replies
from envs.confluence.pages import find
from envs.confluence.spaces import CURSOR, LIMIT

_ID = Parameter("id", "path", {"type": ["string", "integer"]}, required=True)
_SHOWN = ("current", "archived")


def children(world: World, page_id: str) -> list[Record]:
    """Return the current and archived child pages of a page, by position."""
    pages = [page for page in world.find("pages", parentId=page_id) if page["status"] in _SHOWN]
    return sorted(pages, key=lambda page: page.get("position", 0))


def below(world: World, page_id: str, depth: int = 1) -> list[tuple[Record, int]]:
    """Return (page, depth) of all descendants of a page, in depth-first order; the children have the given depth."""
    descendants = []
    for child in children(world, page_id):
        descendants += [(child, depth), *below(world, child["id"], depth + 1)]
    return descendants


def above(world: World, page: Record) -> list[Record]:
    """Return the ancestors of a page, topmost first."""
    ancestors: list[Record] = []
    while page["parentId"]:
        page = world.table("pages")[page["parentId"]]
        ancestors.insert(0, page)
    return ancestors


def _child_body(page: Record) -> dict[str, Json]:
    return {
        "id": page["id"],
        "status": page["status"],
        "title": page["title"],
        "spaceId": page["spaceId"],
        "childPosition": page.get("position", 0),
    }


def _listed(path: str, shown: Callable[[World, Record, Mapping[str, Json]], list[Json]]):
    """Return a handler that lists the results of `shown` for the page in the path; `path` follows the page's id."""

    def handler(world: World, arguments: Mapping[str, Json]) -> Response:
        page = find(world, arguments)
        if isinstance(page, Response):
            return page
        results, full_path = shown(world, page, arguments), f"/pages/{page['id']}/{path}"
        return replies.one_page(world, results, arguments.get("limit", 25), full_path, arguments.get("cursor", ""))

    return handler


def _children(world: World, page: Record, arguments: Mapping[str, Json]) -> list[Json]:
    return [_child_body(child) for child in children(world, page["id"])]


def _direct_children(world: World, page: Record, arguments: Mapping[str, Json]) -> list[Json]:
    return [_child_body(child) | {"type": "page"} for child in children(world, page["id"])]


def _descendants(world: World, page: Record, arguments: Mapping[str, Json]) -> list[Json]:
    bodies = []
    for inner, depth in below(world, page["id"]):
        if depth <= arguments.get("depth", 2):
            body = _child_body(inner) | {"type": "page", "parentId": inner["parentId"], "depth": depth}
            del body["spaceId"]
            bodies.append(body)
    return bodies


def _ancestors(world: World, page: Record, arguments: Mapping[str, Json]) -> list[Json]:
    return [{"id": ancestor["id"], "type": "page"} for ancestor in above(world, page)]


def _operation(name: str, path: str, description: str, shown, *more: Parameter, keep: tuple[str, ...]) -> Operation:
    return Operation(
        name=name,
        api="confluence",
        method="GET",
        path=f"/wiki/api/v2/pages/{{id}}/{path}",
        description=description,
        parameters=(_ID, LIMIT, *more),
        handler=_listed(path, shown),
        reject=replies.wrong_shape,
        compact_body=keep,
    )


_KEPT = ("results.title", "results.id")
GET_CHILD_PAGES = _operation(
    "getChildPages", "children", "Returns the child pages of a page.", _children, CURSOR, keep=_KEPT
)
GET_PAGE_DIRECT_CHILDREN = _operation(
    "getPageDirectChildren", "direct-children", "Returns what is under a page.", _direct_children, CURSOR, keep=_KEPT
)
GET_PAGE_DESCENDANTS = _operation(
    "getPageDescendants",
    "descendants",
    "Returns what is under a page, down to a depth.",
    _descendants,
    CURSOR,
    Parameter("depth", "query", {"type": "integer", "minimum": 1, "maximum": 10}, compact={}),
    keep=("results.title", "results.id", "results.parentId"),
)
GET_PAGE_ANCESTORS = _operation(
    "getPageAncestors", "ancestors", "Returns the pages above a page, topmost first.", _ancestors, keep=("results.id",)
)
