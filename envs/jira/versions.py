"""Versions of projects: getProjectVersions(Paginated), createVersion, getVersion, updateVersion.

Releasing a version can move its unresolved issues to another version of the project.
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
    "released": lambda version: version.get("released", False) and not version.get("archived", False),
    "unreleased": lambda version: not version.get("released", False) and not version.get("archived", False),
    "archived": lambda version: version.get("archived", False),
}


def version_body(world: World, record: Record) -> dict[str, Json]:
    """Return a body of schema Version, with description and dates only if they are set."""
    body = {"self": f"{world.site}/rest/api/3/version/{record['id']}", "id": record["id"], "name": record["name"]}
    body |= {name: record[name] for name in ("description", *_DATES) if record.get(name)}
    released = record.get("released", False)
    if record.get("releaseDate") and not released:
        body["overdue"] = record["releaseDate"] < datetime.fromtimestamp(world.now_ms / 1000, UTC).date().isoformat()
    body |= {"archived": record.get("archived", False), "released": released}
    return {**body, "projectId": int(record["project"])}


def versions_of(world: World, project: Record, arguments: Mapping[str, Json] | None = None) -> list[Json]:
    """Return the versions of a project that match `query` and `status`, ordered by `orderBy` or by creation."""
    given = arguments or {}
    versions = world.find("versions", project=project["id"])
    text, kinds = given.get("query", "").lower(), [kind for kind in given.get("status", "").split(",") if kind]
    versions = [v for v in versions if text in v["name"].lower() or text in v.get("description", "").lower()]
    versions = [v for v in versions if not kinds or any(kind in _KINDS and _KINDS[kind](v) for kind in kinds)]
    order = given.get("orderBy", "")
    name, backwards = order.lstrip("+-"), order.startswith("-")
    if name == "sequence":
        versions = versions[::-1] if backwards else versions
    elif name:
        versions = sorted(versions, key=lambda version: str(version.get(name, "")).lower(), reverse=backwards)
    return [version_body(world, version) for version in versions]


def _is_date(value: str) -> bool:
    try:
        return len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _values(world: World, project: str, arguments: Mapping[str, Json], old: Record) -> Record | Response:
    """Return the values that a request sets, or the error; `old` is the existing version, or empty."""
    names = ("name", "description", *_DATES, "released", "archived")
    given = {name: arguments[name] for name in names if name in arguments}
    name = str({**old, **given}.get("name", ""))
    errors = {}
    if not name.strip():
        errors["name"] = "You must specify a valid version name."
    elif len(name) > 255:
        errors["name"] = "The version name must not exceed 255 characters in length."
    elif any(other["id"] != old.get("id") for other in world.find("versions", project=project, name=name)):
        errors["name"] = "A version with this name already exists in this project."
    for field in _DATES:
        if given.get(field) and not _is_date(given[field]):
            errors[field] = "Error parsing date string: expected yyyy-MM-dd"
    start, release = ({**old, **given}.get(field) for field in _DATES)
    if not errors and start and release and release < start:
        errors["releaseDate"] = "The release date must not be before the start date."
    return field_errors(errors) if errors else given


def create(world: World, arguments: Mapping[str, Json]) -> Response:
    """createVersion: 201 with the version; 404 for an unknown project."""
    id_or_key = str(arguments.get("projectId") or arguments.get("project") or "")
    if not id_or_key:
        return field_errors({"project": "Project must be specified to create a version."})
    project = find_project(world, id_or_key)
    if project is None:
        return no_project(id_or_key)
    given = _values(world, project["id"], arguments, {})
    if isinstance(given, Response):
        return given
    world.tick()
    version = {"id": world.new_id(), "project": project["id"], "released": False, **given}
    world.table("versions")[version["id"]] = version
    return Response(201, version_body(world, version))


def _found(world: World, arguments: Mapping[str, Json]) -> Record | Response:
    version_id = arguments.get("id", "")
    version = world.tables.get("versions", {}).get(version_id)
    return version or global_error(404, f"Could not find version for id '{version_id}'")


def get(world: World, arguments: Mapping[str, Json]) -> Response:
    """getVersion: 200 with the version."""
    version = _found(world, arguments)
    return version if isinstance(version, Response) else Response(200, version_body(world, version))


def update(world: World, arguments: Mapping[str, Json]) -> Response:
    """updateVersion: 200 with the version; values not given, and its project, stay the same."""
    version = _found(world, arguments)
    if isinstance(version, Response):
        return version
    given = _values(world, version["project"], arguments, version)
    if isinstance(given, Response):
        return given
    link, target = arguments.get("moveUnfixedIssuesTo"), None
    if link:
        target = world.tables.get("versions", {}).get(link.rpartition("/version/")[2])
        if target is None or target["project"] != version["project"] or target["id"] == version["id"]:
            return field_errors({"moveUnfixedIssuesTo": "The version to move issues to is not one of this project."})
    world.tick()
    world.table("versions")[version["id"]] = {**version, **given}
    if target and given.get("released") and not version.get("released"):
        _move_unresolved(world, version, target)
    return Response(200, version_body(world, {**version, **given}))


def _move_unresolved(world: World, version: Record, target: Record) -> None:
    for issue in world.find("issues", project=version["project"]):
        fixed = issue["fields"].get("fixVersions", [])
        if version["id"] in fixed and not issue.get("resolution"):
            moved = list(dict.fromkeys(target["id"] if each == version["id"] else each for each in fixed))
            change = item("fixVersions", (version["id"], version["name"]), (target["id"], target["name"]))
            rewrite(world, issue, [change], fields={**issue["fields"], "fixVersions": moved})


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
        "createVersion", "POST /version", "Adds a version to a project.", create,
        Parameter("name", "body", STRING, required=True), Parameter("projectId", "body", ID_OR_NUMBER),
        Parameter("project", "body", STRING, compact={}), *_SET, keep=_KEPT,
    ),
    endpoint("getVersion", "GET /version/{id}", "Returns a version.", get, path_id(), keep=_KEPT),
    endpoint(
        "updateVersion", "PUT /version/{id}", "Changes or releases a version.", update, path_id(),
        Parameter("name", "body", STRING), *_SET, Parameter("moveUnfixedIssuesTo", "body", STRING, compact={}),
        keep=_KEPT,
    ),
)  # fmt: skip
