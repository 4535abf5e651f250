"""Field metadata: types and allowed values of the fields that creating, editing and transition screens accept."""

from collections.abc import Callable, Mapping

from envs.api.operation import Json, Response
from envs.api.world import Record, World
from envs.jira.components import components_of
from envs.jira.endpoint import ID_OR_KEY, MAX_RESULTS, START_AT, endpoint, on_issue, path_id, query
from envs.jira.field_list import NAMES, type_body
from envs.jira.fields import CHECKS
from envs.jira.replies import find_project, global_error, issue_type_body, named_body, no_project, project_body
from envs.jira.versions import versions_of
from envs.jira.world import RESOLUTIONS

Allowed = Callable[[World, Record], list[Json]]
"""(world, project) -> the allowed values of a field."""


def _priorities(world: World, project: Record) -> list[Json]:
    return [named_body(world, "priority", record) for record in world.find("priorities")]


def _resolutions(world: World, project: Record) -> list[Json]:
    return [named_body(world, "resolution", record) for record in RESOLUTIONS.values()]


ALLOWED: dict[str, Allowed] = {
    "priority": _priorities,
    "resolution": _resolutions,
    "components": components_of,
    "fixVersions": versions_of,
    "versions": versions_of,
}


def field_meta(world: World, project: Record, name: str, required: bool) -> dict[str, Json]:
    """Return a body of schema FieldMetadata for one field."""
    kind = type_body(name)
    verbs = ["add", "set", "remove"] if kind["type"] == "array" else ["set"]
    body: dict[str, Json] = {"required": required, "schema": kind, "name": NAMES[name][0], "key": name}
    body |= {"hasDefaultValue": name == "priority", "operations": verbs}
    return body | ({"allowedValues": ALLOWED[name](world, project)} if name in ALLOWED else {})


def _of_creating(world: World, project: Record, kind: Record) -> dict[str, Json]:
    """Return the metadata of the fields for creating an issue of a type, by field id."""
    fields: dict[str, Json] = {}
    for name, allowed in (("project", project_body(world, project)), ("issuetype", issue_type_body(world, kind))):
        fields[name] = field_meta(world, project, name, True) | {"allowedValues": [allowed]}
    for name in CHECKS:
        if name != "parent" or kind["hierarchyLevel"] < 1:
            required = name == "summary" or name == "parent" and kind["subtask"]
            fields[name] = field_meta(world, project, name, required)
    return fields


def _types(world: World, project: Record) -> list[Record]:
    return [world.table("issuetypes")[type_id] for type_id in project["issuetypes"]]


def _page(items: list[Json], name: str, arguments: Mapping[str, Json]) -> Response:
    start, size = arguments.get("startAt", 0), arguments.get("maxResults", 50)
    if size > 200:
        return global_error(400, "Parameter 'maxResults' must not exceed the limit '200'")
    paging = {"startAt": start, "maxResults": size, "total": len(items)}
    return Response(200, {name: items[start : start + size], **paging})


def create_types(world: World, arguments: Mapping[str, Json]) -> Response:
    """getCreateIssueMetaIssueTypes: 200 with a page of the project's issue types."""
    id_or_key = arguments.get("projectIdOrKey", "")
    project = find_project(world, id_or_key)
    if project is None:
        return no_project(id_or_key, 400)
    return _page([issue_type_body(world, kind) for kind in _types(world, project)], "issueTypes", arguments)


def create_fields(world: World, arguments: Mapping[str, Json]) -> Response:
    """getCreateIssueMetaIssueTypeId: 200 with a page of the fields for creating an issue of a type."""
    id_or_key = arguments.get("projectIdOrKey", "")
    project = find_project(world, id_or_key)
    if project is None:
        return no_project(id_or_key, 400)
    types = _types(world, project)
    kind = next((record for record in types if record["id"] == arguments.get("issueTypeId")), None)
    if kind is None:
        return global_error(400, f"Issue type with id '{arguments.get('issueTypeId', '')}' was not found.")
    fields = [{"fieldId": name, **meta} for name, meta in _of_creating(world, project, kind).items()]
    return _page(fields, "fields", arguments)


def create_meta(world: World, arguments: Mapping[str, Json]) -> Response:
    """getCreateIssueMeta (deprecated, but still called): 200 with projects, their types and, if expanded, fields."""
    with_fields = "projects.issuetypes.fields" in arguments.get("expand", "")
    chosen = {name: arguments.get(name) or [] for name in ("projectIds", "projectKeys")}
    ids, names = arguments.get("issuetypeIds") or [], arguments.get("issuetypeNames") or []
    projects = []
    for project in world.find("projects"):
        if any(chosen.values()) and project["id"] not in chosen["projectIds"]:
            if project["key"] not in chosen["projectKeys"]:
                continue
        kinds = []
        for kind in _types(world, project):
            if (ids or names) and kind["id"] not in ids and kind["name"] not in names:
                continue
            body = issue_type_body(world, kind) | {"expand": "fields"}
            kinds.append(body | ({"fields": _of_creating(world, project, kind)} if with_fields else {}))
        whole = project_body(world, project)
        short = {name: whole[name] for name in ("self", "id", "key", "name")}
        projects.append({"expand": "issuetypes", **short, "issuetypes": kinds})
    return Response(200, {"expand": "projects", "projects": projects})


def edit_fields(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    """getEditIssueMeta: 200 with the fields that an edit can set."""
    project = world.table("projects")[issue["project"]]
    return Response(200, {"fields": {name: field_meta(world, project, name, name == "summary") for name in CHECKS}})


_ROOT = "/issue/createmeta"
_KEPT = ("fields.name", "fields.fieldId", "fields.required")
_STRINGS = {"type": "array", "items": {"type": "string"}}
FIELD_META = (
    endpoint(
        "getCreateIssueMetaIssueTypes", f"GET {_ROOT}/{{projectIdOrKey}}/issuetypes",
        "Returns the issue types that can be created in a project.", create_types, path_id("projectIdOrKey"), START_AT,
        MAX_RESULTS, keep=("issueTypes.name", "issueTypes.id"),
    ),
    endpoint(
        "getCreateIssueMetaIssueTypeId", f"GET {_ROOT}/{{projectIdOrKey}}/issuetypes/{{issueTypeId}}",
        "Returns the fields of an issue type that can be set on creating.", create_fields, path_id("projectIdOrKey"),
        path_id("issueTypeId"), START_AT, MAX_RESULTS, keep=_KEPT,
    ),
    endpoint(
        "getCreateIssueMeta", f"GET {_ROOT}", "Returns projects with the issue types and fields for creating.",
        create_meta, query("projectIds", _STRINGS), query("projectKeys", _STRINGS), query("issuetypeIds", _STRINGS),
        query("issuetypeNames", _STRINGS), query("expand"), keep=("projects.key", "projects.issuetypes.name"),
    ),
    endpoint(
        "getEditIssueMeta", "GET /issue/{issueIdOrKey}/editmeta", "Returns the fields that an edit may set.",
        on_issue(edit_fields), ID_OR_KEY, keep=("fields",),
    ),
)  # fmt: skip
