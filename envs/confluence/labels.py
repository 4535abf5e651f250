"""Labels: v2 reads them (getPageLabels, getLabelPages), v1 writes them (addLabelsToContent, removeLabelFromContent).

The same label has the same id on every page. Names are lower case.
"""

import hashlib
from collections.abc import Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.confluence import replies
from envs.confluence.pages import find
from envs.confluence.spaces import CURSOR, IDS, LIMIT

_STRING = {"type": "string"}
_ID = Parameter("id", "path", {"type": ["string", "integer"]}, required=True)
PREFIXES = ("global", "my", "team", "system")


def label(name: str, prefix: str = "global") -> Record:
    """Label, as v2 shows it."""
    number = int.from_bytes(hashlib.sha256(f"{prefix}:{name}".encode()).digest()[:4], "big")
    return {"id": str(10_000_000 + number % 90_000_000), "name": name, "prefix": prefix}


def get_page_labels(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageLabels: 200 with the labels of the page."""
    page = find(world, arguments)
    if isinstance(page, Response):
        return page
    found = [one for one in page.get("labels", []) if one["prefix"] == arguments.get("prefix", one["prefix"])]
    where = f"/pages/{page['id']}/labels"
    return replies.one_page(world, found, arguments.get("limit", 25), where, arguments.get("cursor", ""))


def get_label_pages(world: World, arguments: Mapping[str, Json]) -> Response:
    """getLabelPages: 200 with the pages that have the label; 404 for a label that no page has."""
    wanted = str(arguments.get("id", ""))
    if not wanted.isdigit():
        return replies.not_a_number("id", wanted)
    pages = [page for page in world.table("pages").values() if page["status"] in ("current", "archived")]
    found = [page for page in pages if any(one["id"] == wanted for one in page.get("labels", []))]
    if not found:
        return replies.error(404, "NOT_FOUND")
    spaces = [str(space) for space in arguments.get("space-id", [])]
    bodies = [replies.page_body(world, page) for page in found if not spaces or page["spaceId"] in spaces]
    return replies.one_page(
        world, bodies, arguments.get("limit", 25), f"/labels/{wanted}/pages", arguments.get("cursor", "")
    )


def _content(world: World, arguments: Mapping[str, Json]) -> Record | Response:
    """The page of a v1 path, or v1's refusal."""
    page = world.table("pages").get(str(arguments.get("id")))
    return replies.v1_unknown(str(arguments.get("id"))) if page is None or page["status"] == "trashed" else page


def add_labels(world: World, arguments: Mapping[str, Json]) -> Response:
    """addLabelsToContent: 200 with all labels of the content; one that is there already stays once."""
    page = _content(world, arguments)
    if isinstance(page, Response):
        return page
    given = arguments.get("labels")
    wanted = [given] if isinstance(given, dict) else given
    if not wanted:
        return replies.v1_error(400, "At least one label is required.")
    made = []
    for one in wanted:
        name, prefix = one.get("name", ""), one.get("prefix", "")
        if prefix not in PREFIXES:
            return replies.v1_error(400, f"A label's prefix is one of {', '.join(PREFIXES)}, not {prefix!r}.")
        if not name or any(letter.isspace() for letter in name):
            return replies.v1_error(400, f"The label {name!r} is empty or contains spaces.")
        made.append(label(name.lower(), prefix))
    there = page.get("labels", [])
    new = [one for place, one in enumerate(made) if one not in there and one not in made[:place]]
    if new:
        labels = sorted([*there, *new], key=lambda one: (one["name"], one["prefix"]))
        world.table("pages")[page["id"]] = page = {**page, "labels": labels}
        world.tick()
    results = [one | {"label": one["name"]} for one in page.get("labels", [])]
    links = {"base": f"{world.site}/wiki", "context": "/wiki"}
    return Response(200, {"results": results, "start": 0, "limit": 200, "size": len(results), "_links": links})


def remove_label(world: World, arguments: Mapping[str, Json]) -> Response:
    """removeLabelFromContent: 204; 404 if the content has no such label, 400 for a name with a slash in the path."""
    if "/" in str(arguments.get("label", "")):
        return replies.v1_error(400, "A label with a slash is removed with the query parameter name.")
    return remove_named(world, {**arguments, "name": arguments.get("label", "")})


def remove_named(world: World, arguments: Mapping[str, Json]) -> Response:
    """removeLabelFromContentUsingQueryParameter: 204; 404 if the content has no such label."""
    page = _content(world, arguments)
    if isinstance(page, Response):
        return page
    name = arguments.get("name", "").lower()
    kept = [one for one in page.get("labels", []) if one["name"] != name]
    if len(kept) == len(page.get("labels", [])):
        return replies.v1_error(404, f"The content {page['id']} has no label {name!r}.")
    world.table("pages")[page["id"]] = {**page, "labels": kept}
    world.tick()
    return Response(204)


_LABEL = {
    "type": "object",
    "properties": {"prefix": {"enum": list(PREFIXES)}, "name": _STRING},
    "required": ["prefix", "name"],
}
_COMPACT = {"type": "array", "items": {"type": "object", "properties": {"prefix": _STRING, "name": _STRING}}}
_ROOT = "/wiki/rest/api/content/{id}/label"
GET_PAGE_LABELS = Operation(
    name="getPageLabels",
    api="confluence",
    method="GET",
    path="/wiki/api/v2/pages/{id}/labels",
    description="Returns the labels of a page.",
    parameters=(_ID, Parameter("prefix", "query", {"enum": list(PREFIXES)}, compact={}), LIMIT, CURSOR),
    handler=get_page_labels,
    reject=replies.wrong_shape,
    compact_body=("results.name",),
)
GET_LABEL_PAGES = Operation(
    name="getLabelPages",
    api="confluence",
    method="GET",
    path="/wiki/api/v2/labels/{id}/pages",
    description="Returns the pages that have a label.",
    parameters=(_ID, Parameter("space-id", "query", IDS, compact={}), LIMIT, CURSOR),
    handler=get_label_pages,
    reject=replies.wrong_shape,
    compact_body=("results.title", "results.id"),
)
ADD_LABELS = Operation(
    name="addLabelsToContent",
    api="confluence",
    method="POST",
    path=_ROOT,
    # The body is no object with a property "labels" but the list (or the one label) itself.
    description="Adds labels to a page. The labels are the whole request body.",
    parameters=(
        _ID,
        Parameter(
            "labels",
            "body",
            {"anyOf": [{"type": "array", "items": _LABEL}, _LABEL]},
            required=True,
            compact=_COMPACT,
        ),
    ),
    handler=add_labels,
    reject=replies.v1_wrong_shape,
    compact_body=("results.name",),
    whole_body="labels",
)
REMOVE_LABEL = Operation(
    name="removeLabelFromContent",
    api="confluence",
    method="DELETE",
    path=f"{_ROOT}/{{label}}",
    description="Removes a label from a page.",
    parameters=(_ID, Parameter("label", "path", _STRING, required=True)),
    handler=remove_label,
    reject=replies.v1_wrong_shape,
)
REMOVE_LABEL_BY_NAME = Operation(
    name="removeLabelFromContentUsingQueryParameter",
    api="confluence",
    method="DELETE",
    path=_ROOT,
    description="Removes a label, which may have a slash in its name, from a page.",
    parameters=(_ID, Parameter("name", "query", _STRING, required=True)),
    handler=remove_named,
    reject=replies.v1_wrong_shape,
)
