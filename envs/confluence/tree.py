"""The tree of pages: getChildPages, getPageDirectChildren, getPageDescendants, getPageAncestors."""

from collections.abc import Callable, Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.confluence import replies
from envs.confluence.pages import find
from envs.confluence.spaces import CURSOR, LIMIT

_ID = Parameter("id", "path", {"type": ["string", "integer"]}, required=True)
_SHOWN = ("current", "archived")


def children(world: World, page_id: str) -> list[Record]:
    """The pages right under a page, in their order there; none that is in the trash."""
    found = [page for page in world.find("pages", parentId=page_id) if page["status"] in _SHOWN]
    return sorted(found, key=lambda page: page.get("position", 0))


def below(world: World, page_id: str, depth: int = 1) -> list[tuple[Record, int]]:
    """(page, depth) of all pages under a page, each before those under it."""
    found = []
    for child in children(world, page_id):
        found += [(child, depth), *below(world, child["id"], depth + 1)]
    return found


def above(world: World, page: Record) -> list[Record]:
    """The pages over a page, the topmost first."""
    found: list[Record] = []
    while page["parentId"]:
        page = world.table("pages")[page["parentId"]]
        found.insert(0, page)
    return found


def _child_body(page: Record) -> dict[str, Json]:
    return {
        "id": page["id"],
        "status": page["status"],
        "title": page["title"],
        "spaceId": page["spaceId"],
        "childPosition": page.get("position", 0),
    }


def _listed(path: str, shown: Callable[[World, Record, Mapping[str, Json]], list[Json]]):
    """A handler that lists what `shown` finds for the page in the path."""

    def handler(world: World, arguments: Mapping[str, Json]) -> Response:
        page = find(world, arguments)
        if isinstance(page, Response):
            return page
        where = f"/pages/{page['id']}/{path}"
        found = shown(world, page, arguments)
        return replies.one_page(world, found, arguments.get("limit", 25), where, arguments.get("cursor", ""))

    return handler


def _children(world: World, page: Record, arguments: Mapping[str, Json]) -> list[Json]:
    return [_child_body(child) for child in children(world, page["id"])]


def _direct_children(world: World, page: Record, arguments: Mapping[str, Json]) -> list[Json]:
    return [_child_body(child) | {"type": "page"} for child in children(world, page["id"])]


def _descendants(world: World, page: Record, arguments: Mapping[str, Json]) -> list[Json]:
    found = []
    for inner, depth in below(world, page["id"]):
        if depth <= arguments.get("depth", 2):
            body = _child_body(inner) | {"type": "page", "parentId": inner["parentId"], "depth": depth}
            del body["spaceId"]
            found.append(body)
    return found


def _ancestors(world: World, page: Record, arguments: Mapping[str, Json]) -> list[Json]:
    return [{"id": one["id"], "type": "page"} for one in above(world, page)]


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
