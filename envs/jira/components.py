"""Components of projects: getProjectComponents, createComponent, getComponent, updateComponent."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import STRING, endpoint, path_id
from envs.jira.replies import field_errors, find_project, global_error, no_project, user_of

_ASSIGNEES = ("PROJECT_DEFAULT", "COMPONENT_LEAD", "PROJECT_LEAD", "UNASSIGNED")


def component_body(world: World, record: Record) -> dict[str, Json]:
    """ProjectComponent; description and lead only where there are any."""
    lead, kind = record.get("lead"), record.get("assigneeType", _ASSIGNEES[0])
    made = {"self": f"{world.site}/rest/api/3/component/{record['id']}", "id": record["id"], "name": record["name"]}
    made |= {"description": record["description"]} if record.get("description") else {}
    made |= {"lead": user_of(world, lead)} if lead else {}
    made |= {"assigneeType": kind, "isAssigneeTypeValid": kind != "COMPONENT_LEAD" or bool(lead)}
    key = world.table("projects")[record["project"]]["key"]
    return {**made, "project": key, "projectId": int(record["project"])}


def components_of(world: World, project: Record) -> list[Json]:
    """The components of a project."""
    return [component_body(world, one) for one in world.find("components", project=project["id"])]


def _values(world: World, project: str, arguments: Mapping[str, Json], own: Record) -> Record | Response:
    """What a request sets, or what is wrong with it; `own` is the component that is there, or empty."""
    given = {name: arguments[name] for name in ("name", "description", "assigneeType") if name in arguments}
    name = str({**own, **given}.get("name", ""))
    errors = {}
    if not name.strip():
        errors["name"] = "The component name specified is invalid - cannot be an empty string."
    elif len(name) > 255:
        errors["name"] = "The component name must not exceed 255 characters in length."
    elif any(one["id"] != own.get("id") for one in world.find("components", project=project, name=name)):
        errors["name"] = f"A component with the name {name} already exists in this project."
    if "leadAccountId" in arguments:
        given["lead"] = arguments["leadAccountId"]
        if given["lead"] not in world.tables.get("users", {}):
            errors["leadAccountId"] = f"The user with account ID '{given['lead']}' does not exist."
    return field_errors(errors) if errors else given


def create(world: World, arguments: Mapping[str, Json]) -> Response:
    """createComponent: 201 with the component; 404 for an unknown project."""
    wanted = arguments.get("project")
    if not wanted:
        return field_errors({"project": "Project must be specified to create a component."})
    project = find_project(world, wanted)
    if project is None:
        return no_project(wanted)
    given = _values(world, project["id"], arguments, {})
    if isinstance(given, Response):
        return given
    world.tick()
    made = {"id": world.new_id(), "project": project["id"], **given}
    world.table("components")[made["id"]] = made
    return Response(201, component_body(world, made))


def _found(world: World, arguments: Mapping[str, Json]) -> Record | Response:
    wanted = arguments.get("id", "")
    found = world.tables.get("components", {}).get(wanted)
    return found or global_error(404, f"The component with id {wanted} does not exist.")


def get(world: World, arguments: Mapping[str, Json]) -> Response:
    """getComponent: 200."""
    found = _found(world, arguments)
    return found if isinstance(found, Response) else Response(200, component_body(world, found))


def update(world: World, arguments: Mapping[str, Json]) -> Response:
    """updateComponent: 200 with the component; what is not given stays, and so does its project."""
    found = _found(world, arguments)
    if isinstance(found, Response):
        return found
    given = _values(world, found["project"], arguments, found)
    if isinstance(given, Response):
        return given
    world.tick()
    world.table("components")[found["id"]] = {**found, **given}
    return Response(200, component_body(world, {**found, **given}))


_SET = (
    Parameter("description", "body", STRING, compact={}),
    Parameter("leadAccountId", "body", STRING, compact={}),
    Parameter("assigneeType", "body", {"type": "string", "enum": [*_ASSIGNEES]}, compact={}),
)
_KEPT = ("id", "name")
COMPONENTS = (
    endpoint(
        "createComponent", "POST", "/component", "Adds a component to a project.", create,
        Parameter("name", "body", STRING, required=True), Parameter("project", "body", STRING, required=True), *_SET,
        keep=_KEPT,
    ),
    endpoint("getComponent", "GET", "/component/{id}", "Returns a component.", get, path_id(), keep=_KEPT),
    endpoint(
        "updateComponent", "PUT", "/component/{id}", "Changes a component.", update, path_id(),
        Parameter("name", "body", STRING), *_SET, keep=_KEPT,
    ),
)  # fmt: skip
