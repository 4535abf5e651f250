"""Components of projects: getProjectComponents, createComponent, getComponent, updateComponent."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import STRING, endpoint, path_id
from envs.jira.replies import field_errors, find_project, global_error, no_project, user_of

_ASSIGNEES = ("PROJECT_DEFAULT", "COMPONENT_LEAD", "PROJECT_LEAD", "UNASSIGNED")


def component_body(world: World, record: Record) -> dict[str, Json]:
    """Return a body of schema ProjectComponent, with description and lead only if they are set."""
    lead, kind = record.get("lead"), record.get("assigneeType", _ASSIGNEES[0])
    body = {"self": f"{world.site}/rest/api/3/component/{record['id']}", "id": record["id"], "name": record["name"]}
    body |= {"description": record["description"]} if record.get("description") else {}
    body |= {"lead": user_of(world, lead)} if lead else {}
    body |= {"assigneeType": kind, "isAssigneeTypeValid": kind != "COMPONENT_LEAD" or bool(lead)}
    key = world.table("projects")[record["project"]]["key"]
    return {**body, "project": key, "projectId": int(record["project"])}


def components_of(world: World, project: Record) -> list[Json]:
    """Return the components of a project (schema ProjectComponent)."""
    return [component_body(world, component) for component in world.find("components", project=project["id"])]


def _values(world: World, project: str, arguments: Mapping[str, Json], old: Record) -> Record | Response:
    """Return the values that a request sets, or the error; `old` is the existing component, or empty."""
    given = {name: arguments[name] for name in ("name", "description", "assigneeType") if name in arguments}
    name = str({**old, **given}.get("name", ""))
    errors = {}
    if not name.strip():
        errors["name"] = "The component name specified is invalid - cannot be an empty string."
    elif len(name) > 255:
        errors["name"] = "The component name must not exceed 255 characters in length."
    elif any(other["id"] != old.get("id") for other in world.find("components", project=project, name=name)):
        errors["name"] = f"A component with the name {name} already exists in this project."
    if "leadAccountId" in arguments:
        given["lead"] = arguments["leadAccountId"]
        if given["lead"] not in world.tables.get("users", {}):
            errors["leadAccountId"] = f"The user with account ID '{given['lead']}' does not exist."
    return field_errors(errors) if errors else given


def create(world: World, arguments: Mapping[str, Json]) -> Response:
    """createComponent: 201 with the component; 404 for an unknown project."""
    id_or_key = arguments.get("project")
    if not id_or_key:
        return field_errors({"project": "Project must be specified to create a component."})
    project = find_project(world, id_or_key)
    if project is None:
        return no_project(id_or_key)
    given = _values(world, project["id"], arguments, {})
    if isinstance(given, Response):
        return given
    world.tick()
    component = {"id": world.new_id(), "project": project["id"], **given}
    world.table("components")[component["id"]] = component
    return Response(201, component_body(world, component))


def _found(world: World, arguments: Mapping[str, Json]) -> Record | Response:
    component_id = arguments.get("id", "")
    component = world.tables.get("components", {}).get(component_id)
    return component or global_error(404, f"The component with id {component_id} does not exist.")


def get(world: World, arguments: Mapping[str, Json]) -> Response:
    """getComponent: 200 with the component."""
    component = _found(world, arguments)
    return component if isinstance(component, Response) else Response(200, component_body(world, component))


def update(world: World, arguments: Mapping[str, Json]) -> Response:
    """updateComponent: 200 with the component; values not given, and its project, stay the same."""
    component = _found(world, arguments)
    if isinstance(component, Response):
        return component
    given = _values(world, component["project"], arguments, component)
    if isinstance(given, Response):
        return given
    world.tick()
    world.table("components")[component["id"]] = {**component, **given}
    return Response(200, component_body(world, {**component, **given}))


_SET = (
    Parameter("description", "body", STRING, compact={}),
    Parameter("leadAccountId", "body", STRING, compact={}),
    Parameter("assigneeType", "body", {"type": "string", "enum": [*_ASSIGNEES]}, compact={}),
)
_KEPT = ("id", "name")
COMPONENTS = (
    endpoint(
        "createComponent", "POST /component", "Adds a component to a project.", create,
        Parameter("name", "body", STRING, required=True), Parameter("project", "body", STRING, required=True), *_SET,
        keep=_KEPT,
    ),
    endpoint("getComponent", "GET /component/{id}", "Returns a component.", get, path_id(), keep=_KEPT),
    endpoint(
        "updateComponent", "PUT /component/{id}", "Changes a component.", update, path_id(),
        Parameter("name", "body", STRING), *_SET, keep=_KEPT,
    ),
)  # fmt: skip
