"""Labels: v2 reads them (getPageLabels, getLabelPages), v1 writes them (addLabelsToContent, removeLabelFromContent).

A label has the same id on every page. Its name is in lower case.
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
    """Return a body of schema Label (v2)."""
    number = int.from_bytes(hashlib.sha256(f"{prefix}:{name}".encode()).digest()[:4], "big")
    return {"id": str(10_000_000 + number % 90_000_000), "name": name, "prefix": prefix}


def get_page_labels(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPageLabels: 200 with the labels of a page, of one prefix if that is given."""
    page = find(world, arguments)
    if isinstance(page, Response):
        return page
    labels = [each for each in page.get("labels", []) if each["prefix"] == arguments.get("prefix", each["prefix"])]
    path = f"/pages/{page['id']}/labels"
    return replies.one_page(world, labels, arguments.get("limit", 25), path, arguments.get("cursor", ""))


def get_label_pages(world: World, arguments: Mapping[str, Json]) -> Response:
    """getLabelPages: 200 with the pages that have a label; 404 if no page has it."""
    label_id = str(arguments.get("id", ""))
    if not label_id.isdigit():
        return replies.not_a_number("id", label_id)
    pages = [page for page in world.table("pages").values() if page["status"] in ("current", "archived")]
    labelled = [page for page in pages if any(each["id"] == label_id for each in page.get("labels", []))]
    if not labelled:
        return replies.error(404, "NOT_FOUND")
    spaces = [str(space) for space in arguments.get("space-id", [])]
    bodies = [replies.page_body(world, page) for page in labelled if not spaces or page["spaceId"] in spaces]
    return replies.one_page(
        world, bodies, arguments.get("limit", 25), f"/labels/{label_id}/pages", arguments.get("cursor", "")
    )


def _content(world: World, arguments: Mapping[str, Json]) -> Record | Response:
    """Return the page of a v1 path, or v1's error."""
    page = world.table("pages").get(str(arguments.get("id")))
    return replies.v1_unknown(str(arguments.get("id"))) if page is None or page["status"] == "trashed" else page


def add_labels(world: World, arguments: Mapping[str, Json]) -> Response:
    """addLabelsToContent: 200 with all labels of the page; labels that it already has are not added again."""
    page = _content(world, arguments)
    if isinstance(page, Response):
        return page
    given = arguments.get("labels")
    items = [given] if isinstance(given, dict) else given
    if not items:
        return replies.v1_error(400, "At least one label is required.")
    labels = []
    for item in items:
        name, prefix = item.get("name", ""), item.get("prefix", "")
        if prefix not in PREFIXES:
            return replies.v1_error(400, f"A label's prefix is one of {', '.join(PREFIXES)}, not {prefix!r}.")
        if not name or any(letter.isspace() for letter in name):
            return replies.v1_error(400, f"The label {name!r} is empty or contains spaces.")
        labels.append(label(name.lower(), prefix))
    old = page.get("labels", [])
    new = [each for index, each in enumerate(labels) if each not in old and each not in labels[:index]]
    if new:
        together = sorted([*old, *new], key=lambda each: (each["name"], each["prefix"]))
        world.table("pages")[page["id"]] = page = {**page, "labels": together}
        world.tick()
    results = [each | {"label": each["name"]} for each in page.get("labels", [])]
    links = {"base": f"{world.site}/wiki", "context": "/wiki"}
    return Response(200, {"results": results, "start": 0, "limit": 200, "size": len(results), "_links": links})


def remove_label(world: World, arguments: Mapping[str, Json]) -> Response:
    """removeLabelFromContent: 204; 404 if the page has no such label, 400 for a name with a slash."""
    if "/" in str(arguments.get("label", "")):
        return replies.v1_error(400, "A label with a slash is removed with the query parameter name.")
    return remove_named(world, {**arguments, "name": arguments.get("label", "")})


def remove_named(world: World, arguments: Mapping[str, Json]) -> Response:
    """removeLabelFromContentUsingQueryParameter: 204; 404 if the page has no such label."""
    page = _content(world, arguments)
    if isinstance(page, Response):
        return page
    name = arguments.get("name", "").lower()
    others = [each for each in page.get("labels", []) if each["name"] != name]
    if len(others) == len(page.get("labels", [])):
        return replies.v1_error(404, f"The content {page['id']} has no label {name!r}.")
    world.table("pages")[page["id"]] = {**page, "labels": others}
    world.tick()
    return Response(204)


_LABEL = {
    "type": "object",
    "properties": {"prefix": {"enum": list(PREFIXES)}, "name": _STRING},
    "required": ["prefix", "name"],
}
_GLOBAL = {"enum": ["global"]}
_COMPACT = {"type": "array", "items": {"type": "object", "properties": {"prefix": _GLOBAL, "name": _STRING}}}
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
    # The body is the list of labels, or one label, not an object with a property "labels".
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
