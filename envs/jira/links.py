"""Links between issues, and remote links from issues to web pages.

A link points from the request's inwardIssue to its outwardIssue, as on live sites: `{type: Blocks, inwardIssue: A,
outwardIssue: B}` says that A blocks B. In an issue's list of links, an entry names the other end: A's entry has
outwardIssue B, which the type's outward text describes, and B's entry has inwardIssue A. The history says the same.
"""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.comments import put_comment, wrong_body
from envs.jira.endpoint import ID_OR_KEY, OBJECT, STRING, endpoint, on_issue, path_id, query
from envs.jira.history import item, rewrite
from envs.jira.replies import NO_ISSUE, field_errors, find_issue, global_error, linked_issue
from envs.jira.world import LINK_TYPES


def type_body(world: World, record: Record) -> dict[str, Json]:
    """Return a body of schema IssueLinkType."""
    return {**record, "self": f"{world.site}/rest/api/3/issueLinkType/{record['id']}"}


def links_of(world: World, issue_id: str) -> list[Record]:
    """Return the links that have the issue at either end."""
    links = world.tables.get("issue_links", {}).values()
    return [link for link in links if issue_id in (link["inward"], link["outward"])]


def links_body(world: World, issue: Record) -> list[Json]:
    """Return the links of an issue in the form of its field issuelinks, each with the other end."""
    issues, bodies = world.table("issues"), []
    for link in links_of(world, issue["id"]):
        body = {"id": link["id"], "self": f"{world.site}/rest/api/3/issueLink/{link['id']}"}
        body["type"] = type_body(world, LINK_TYPES[link["type"]])
        # An issue cannot be linked to itself, so exactly one end is the other issue.
        side = "inward" if link["outward"] == issue["id"] else "outward"
        bodies.append({**body, f"{side}Issue": linked_issue(world, issues[link[side]])})
    return bodies


def _end(world: World, value: Json) -> Record | None:
    given = value if isinstance(value, dict) else {}
    return find_issue(world, str(given.get("key") or given.get("id") or ""))


def link_issues(world: World, arguments: Mapping[str, Json]) -> Response:
    """linkIssues: 201 without a body, also if the link exists already; a comment goes to the issue it points from."""
    given = arguments.get("type") or {}
    type_id, name = str(given.get("id")), given.get("name")
    kind = next((t for t in LINK_TYPES.values() if type_id == t["id"] or name == t["name"]), None)
    if kind is None:
        shown = given.get("name", given.get("id", ""))
        return global_error(404, f"No issue link type with name '{shown}' found.")
    inward, outward = _end(world, arguments.get("inwardIssue")), _end(world, arguments.get("outwardIssue"))
    if inward is None or outward is None:
        return global_error(404, NO_ISSUE)
    if inward["id"] == outward["id"]:
        return global_error(400, "You cannot link an issue to itself.")
    comment = arguments.get("comment")
    if comment and (wrong := wrong_body(comment.get("body"))):
        return field_errors({"comment": wrong})
    link = {"type": kind["id"], "inward": inward["id"], "outward": outward["id"]}
    if not world.find("issue_links", **link):
        link["id"] = world.new_id()
        world.table("issue_links")[link["id"]] = link
        for issue, other, words in ((inward, outward, kind["outward"]), (outward, inward, kind["inward"])):
            after = (other["key"], f"This issue {words} {other['key']}")
            rewrite(world, issue, [item("Link", (None, None), after)])
    if comment:
        commented = rewrite(world, world.table("issues")[inward["id"]], [])
        put_comment(world, commented, comment["body"], comment.get("visibility") or None)
    return Response(201)


def get_link(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssueLink: 200 with the link and both issues."""
    link = world.tables.get("issue_links", {}).get(arguments.get("linkId", ""))
    if link is None:
        return _no_link(arguments)
    issues = world.table("issues")
    body = {"id": link["id"], "self": f"{world.site}/rest/api/3/issueLink/{link['id']}"}
    body["type"] = type_body(world, LINK_TYPES[link["type"]])
    body |= {f"{side}Issue": linked_issue(world, issues[link[side]]) for side in ("inward", "outward")}
    return Response(200, body)


def delete_link(world: World, arguments: Mapping[str, Json]) -> Response:
    """deleteIssueLink: 204."""
    link = world.tables.get("issue_links", {}).get(arguments.get("linkId", ""))
    if link is None:
        return _no_link(arguments)
    drop(world, link)
    return Response(204)


def drop(world: World, link: Record) -> None:
    """Delete a link and add that to the history of both issues."""
    del world.table("issue_links")[link["id"]]
    kind, issues = LINK_TYPES[link["type"]], world.table("issues")
    for side, other in (("inward", "outward"), ("outward", "inward")):
        key = issues[link[other]]["key"]
        before = (key, f"This issue {kind[other]} {key}")
        rewrite(world, issues[link[side]], [item("Link", before, (None, None))])


def _no_link(arguments: Mapping[str, Json]) -> Response:
    return global_error(404, f"No issue link with id '{arguments.get('linkId', '')}' exists.")


def get_types(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssueLinkTypes: 200 with all link types."""
    return Response(200, {"issueLinkTypes": [type_body(world, record) for record in LINK_TYPES.values()]})


def _remote_body(world: World, link: Record) -> dict[str, Json]:
    details = {name: link[name] for name in ("globalId", "relationship", "object") if link[name]}
    url = f"{world.site}/rest/api/3/issue/{link['issue']}/remotelink/{link['id']}"
    return {"id": int(link["id"]), "self": url, **details}


def _remote_links(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    links = world.find("remote_links", issue=issue["id"])
    if "globalId" in arguments:
        matches = [link for link in links if link["globalId"] == arguments["globalId"]]
        return (
            Response(200, _remote_body(world, matches[0])) if matches else global_error(404, "No remote link exists.")
        )
    return Response(200, [_remote_body(world, link) for link in links])


def _put_remote(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    given = arguments.get("object") or {}
    errors = {name: f"'{name}' is required." for name in ("title", "url") if not given.get(name)}
    if errors:
        return field_errors(errors)
    target = {"title": given["title"], "url": given["url"]}
    target |= {"summary": given["summary"]} if isinstance(given.get("summary"), str) else {}
    global_id = arguments.get("globalId") or ""
    existing = world.find("remote_links", issue=issue["id"], globalId=global_id) if global_id else []
    link_id = existing[0]["id"] if existing else world.new_id()
    world.tick()
    link = {"id": link_id, "issue": issue["id"], "globalId": global_id, "object": target}
    link["relationship"] = arguments.get("relationship") or ""
    world.table("remote_links")[link_id] = link
    body = _remote_body(world, link)
    return Response(200 if existing else 201, {"id": body["id"], "self": body["self"]})


_NAMES = {**STRING, "description": f"The type's name: {', '.join(kind['name'] for kind in LINK_TYPES.values())}."}
_TYPE = {"type": "object", "properties": {"id": {"type": ["string", "integer"]}, "name": _NAMES}}
_ISSUE = {"type": "object", "properties": {"key": STRING, "id": {"type": ["string", "integer"]}}}
_NAME, _KEY = ({"type": "object", "properties": {name: kind}} for name, kind in (("name", _NAMES), ("key", STRING)))
_FROM, _TO = ({"description": f"{side} in 'A duplicates B' or 'A blocks B'."} for side in "AB")
_OBJECT = {
    "type": "object",
    "properties": {"url": STRING, "title": STRING, "summary": STRING},
    "required": ["url", "title"],
}
LINKS = (
    endpoint(
        "linkIssues", "POST /issueLink", "Links two issues.", link_issues,
        Parameter("type", "body", _TYPE, required=True, compact=_NAME),
        Parameter("inwardIssue", "body", {**_ISSUE, **_FROM}, required=True, compact={**_KEY, **_FROM}),
        Parameter("outwardIssue", "body", {**_ISSUE, **_TO}, required=True, compact={**_KEY, **_TO}),
        Parameter("comment", "body", OBJECT, compact={}),
    ),
    endpoint(
        "getIssueLink", "GET /issueLink/{linkId}", "Returns a link between issues.", get_link, path_id("linkId"),
        keep=("type.name", "inwardIssue.key", "outwardIssue.key"),
    ),
    endpoint("deleteIssueLink", "DELETE /issueLink/{linkId}", "Deletes a link.", delete_link, path_id("linkId")),
    endpoint(
        "getIssueLinkTypes", "GET /issueLinkType", "Returns the types of links.", get_types,
        keep=("issueLinkTypes.name", "issueLinkTypes.inward", "issueLinkTypes.outward"),
    ),
    endpoint(
        "getRemoteIssueLinks", "GET /issue/{issueIdOrKey}/remotelink", "Returns links of an issue to elsewhere.",
        on_issue(_remote_links), ID_OR_KEY, query("globalId"), keep=("object.title", "object.url", "id"),
    ),
    endpoint(
        "createOrUpdateRemoteIssueLink", "POST /issue/{issueIdOrKey}/remotelink",
        "Links an issue to a page elsewhere.", on_issue(_put_remote), ID_OR_KEY,
        Parameter("object", "body", _OBJECT, required=True), Parameter("globalId", "body", STRING, compact={}),
        Parameter("relationship", "body", STRING, compact={}), keep=("id",),
    ),
)  # fmt: skip
