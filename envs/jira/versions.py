"""Versions of projects: getProjectVersions(Paginated), createVersion, getVersion, updateVersion.

A release may move the issues that are not resolved to another version of the project.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import ID_OR_NUMBER, STRING, endpoint, path_id
from envs.jira.history import item, rewrite
from envs.jira.replies import field_errors, find_project, global_error, no_project

_DATES = ("startDate", "releaseDate")
_KINDS = {
    "released": lambda one: one.get("released", False) and not one.get("archived", False),
    "unreleased": lambda one: not one.get("released", False) and not one.get("archived", False),
    "archived": lambda one: one.get("archived", False),
}


def version_body(world: World, record: Record) -> dict[str, Json]:
    """Version; description and dates only where there are any."""
    made = {"self": f"{world.site}/rest/api/3/version/{record['id']}", "id": record["id"], "name": record["name"]}
    made |= {name: record[name] for name in ("description", *_DATES) if record.get(name)}
    released = record.get("released", False)
    if record.get("releaseDate") and not released:
        made["overdue"] = record["releaseDate"] < datetime.fromtimestamp(world.now_ms / 1000, UTC).date().isoformat()
    made |= {"archived": record.get("archived", False), "released": released}
    return {**made, "projectId": int(record["project"])}


def versions_of(world: World, project: Record, arguments: Mapping[str, Json] | None = None) -> list[Json]:
    """The versions of a project that match `query` and `status`, in the order asked for, else as they were made."""
    given = arguments or {}
    found = world.find("versions", project=project["id"])
    text, kinds = given.get("query", "").lower(), [kind for kind in given.get("status", "").split(",") if kind]
    found = [one for one in found if text in one["name"].lower() or text in one.get("description", "").lower()]
    found = [one for one in found if not kinds or any(kind in _KINDS and _KINDS[kind](one) for kind in kinds)]
    order = given.get("orderBy", "")
    name, backwards = order.lstrip("+-"), order.startswith("-")
    if name == "sequence":
        found = found[::-1] if backwards else found
    elif name:
        found = sorted(found, key=lambda one: str(one.get(name, "")).lower(), reverse=backwards)
    return [version_body(world, one) for one in found]


def _is_date(value: str) -> bool:
    try:
        return len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _values(world: World, project: str, arguments: Mapping[str, Json], own: Record) -> Record | Response:
    """What a request sets, or what is wrong with it; `own` is the version that is there, or empty."""
    names = ("name", "description", *_DATES, "released", "archived")
    given = {name: arguments[name] for name in names if name in arguments}
    name = str({**own, **given}.get("name", ""))
    errors = {}
    if not name.strip():
        errors["name"] = "You must specify a valid version name."
    elif len(name) > 255:
        errors["name"] = "The version name must not exceed 255 characters in length."
    elif any(one["id"] != own.get("id") for one in world.find("versions", project=project, name=name)):
        errors["name"] = "A version with this name already exists in this project."
    for place in _DATES:
        if given.get(place) and not _is_date(given[place]):
            errors[place] = "Error parsing date string: expected yyyy-MM-dd"
    start, release = ({**own, **given}.get(place) for place in _DATES)
    if not errors and start and release and release < start:
        errors["releaseDate"] = "The release date must not be before the start date."
    return field_errors(errors) if errors else given


def create(world: World, arguments: Mapping[str, Json]) -> Response:
    """createVersion: 201 with the version; 404 for an unknown project."""
    wanted = str(arguments.get("projectId") or arguments.get("project") or "")
    if not wanted:
        return field_errors({"project": "Project must be specified to create a version."})
    project = find_project(world, wanted)
    if project is None:
        return no_project(wanted)
    given = _values(world, project["id"], arguments, {})
    if isinstance(given, Response):
        return given
    world.tick()
    made = {"id": world.new_id(), "project": project["id"], "released": False, **given}
    world.table("versions")[made["id"]] = made
    return Response(201, version_body(world, made))


def _found(world: World, arguments: Mapping[str, Json]) -> Record | Response:
    wanted = arguments.get("id", "")
    found = world.tables.get("versions", {}).get(wanted)
    return found or global_error(404, f"Could not find version for id '{wanted}'")


def get(world: World, arguments: Mapping[str, Json]) -> Response:
    """getVersion: 200."""
    found = _found(world, arguments)
    return found if isinstance(found, Response) else Response(200, version_body(world, found))


def update(world: World, arguments: Mapping[str, Json]) -> Response:
    """updateVersion: 200 with the version; what is not given stays, and so does its project."""
    found = _found(world, arguments)
    if isinstance(found, Response):
        return found
    given = _values(world, found["project"], arguments, found)
    if isinstance(given, Response):
        return given
    link, target = arguments.get("moveUnfixedIssuesTo"), None
    if link:
        target = world.tables.get("versions", {}).get(link.rpartition("/version/")[2])
        if target is None or target["project"] != found["project"] or target["id"] == found["id"]:
            return field_errors({"moveUnfixedIssuesTo": "The version to move issues to is not one of this project."})
    world.tick()
    world.table("versions")[found["id"]] = {**found, **given}
    if target and given.get("released") and not found.get("released"):
        _move_unresolved(world, found, target)
    return Response(200, version_body(world, {**found, **given}))


def _move_unresolved(world: World, version: Record, target: Record) -> None:
    for issue in world.find("issues", project=version["project"]):
        fixed = issue["fields"].get("fixVersions", [])
        if version["id"] in fixed and not issue.get("resolution"):
            kept = list(dict.fromkeys(target["id"] if one == version["id"] else one for one in fixed))
            told = item("fixVersions", (version["id"], version["name"]), (target["id"], target["name"]))
            rewrite(world, issue, [told], fields={**issue["fields"], "fixVersions": kept})


_DAY = {"type": "string", "description": "YYYY-MM-DD"}
_TRUTH = {"type": "boolean"}
_SET = (
    Parameter("description", "body", STRING, compact={}),
    Parameter("startDate", "body", _DAY, compact={}),
    Parameter("releaseDate", "body", _DAY),
    Parameter("released", "body", _TRUTH),
    Parameter("archived", "body", _TRUTH, compact={}),
)
_KEPT = ("id", "name", "released")
VERSIONS = (
    endpoint(
        "createVersion", "POST", "/version", "Adds a version to a project.", create,
        Parameter("name", "body", STRING, required=True), Parameter("projectId", "body", ID_OR_NUMBER),
        Parameter("project", "body", STRING, compact={}), *_SET, keep=_KEPT,
    ),
    endpoint("getVersion", "GET", "/version/{id}", "Returns a version.", get, path_id(), keep=_KEPT),
    endpoint(
        "updateVersion", "PUT", "/version/{id}", "Changes or releases a version.", update, path_id(),
        Parameter("name", "body", STRING), *_SET, Parameter("moveUnfixedIssuesTo", "body", STRING, compact={}),
        keep=_KEPT,
    ),
)  # fmt: skip
