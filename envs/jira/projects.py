"""Projects and what belongs to one: searchProjects, getAllProjects, getProject, statuses, components, versions."""

from collections.abc import Callable, Mapping

from envs.jira.endpoint import MAX_RESULTS, START_AT, STRING, STRINGS, endpoint, page_bean, path_id, query
from envs.jira.replies import find_project, issue_type_body, no_project, project_body, status_body
from envs.operation import Json, Parameter, Response
from envs.world import Record, World


def component_body(world: World, record: Record) -> dict[str, Json]:
    """ProjectComponent."""
    link = f"{world.site}/rest/api/3/component/{record['id']}"
    return {"self": link, "id": record["id"], "name": record["name"], "projectId": int(record["project"])}


def version_body(world: World, record: Record) -> dict[str, Json]:
    """Version."""
    made = {"self": f"{world.site}/rest/api/3/version/{record['id']}", "id": record["id"], "name": record["name"]}
    return {**made, "archived": False, "released": record.get("released", False), "projectId": int(record["project"])}


def search(world: World, arguments: Mapping[str, Json]) -> Response:
    """searchProjects: 200 with a page of the projects that match."""
    text, keys = arguments.get("query", "").lower(), arguments.get("keys")
    found = [
        project_body(world, one)
        for one in world.find("projects")
        if (not keys or one["key"] in keys) and (text in one["key"].lower() or text in one["name"].lower())
    ]
    return page_bean(world, "/project/search", found, arguments)


def get_all(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAllProjects: 200 with all projects."""
    return Response(200, [project_body(world, one) for one in world.find("projects")])


def _on_project(shown: Callable[[World, Record], Json]):
    """A handler that first finds the project of the path; 404 without one."""

    def handler(world: World, arguments: Mapping[str, Json]) -> Response:
        wanted = arguments.get("projectIdOrKey", "")
        project = find_project(world, wanted)
        return no_project(wanted) if project is None else Response(200, shown(world, project))

    return handler


def _types(world: World, project: Record) -> list[Record]:
    return [world.table("issuetypes")[one] for one in project["issuetypes"]]


def _project(world: World, project: Record) -> Json:
    made = {**project_body(world, project), "description": ""}
    made["issueTypes"] = [issue_type_body(world, one) for one in _types(world, project)]
    return {**made, "components": _components(world, project), "versions": _versions(world, project)}


def _components(world: World, project: Record) -> Json:
    return [component_body(world, one) for one in world.find("components", project=project["id"])]


def _versions(world: World, project: Record) -> Json:
    return [version_body(world, one) for one in world.find("versions", project=project["id"])]


def _statuses(world: World, project: Record) -> Json:
    flow = world.table("workflows")[project["workflow"]]
    ids = dict.fromkeys([flow["initial"], *(step["to"] for step in flow["transitions"])])
    statuses = [status_body(world, world.table("statuses")[one]) for one in ids]
    link = f"{world.site}/rest/api/3/issuetype/"
    return [
        {"self": link + one["id"], "id": one["id"], "name": one["name"], "subtask": one["subtask"],
         "statuses": statuses} for one in _types(world, project)
    ]  # fmt: skip


_ROOT, _ID = "/project/{projectIdOrKey}", path_id("projectIdOrKey")
_KEPT = ("name", "id")
PROJECTS = (
    endpoint(
        "searchProjects", "GET", "/project/search", "Searches projects.", search, Parameter("query", "query", STRING),
        query("keys", STRINGS), START_AT, MAX_RESULTS, keep=("values.name", "values.key"),
    ),
    endpoint("getAllProjects", "GET", "/project", "Returns all projects.", get_all, keep=("name", "key")),
    endpoint(
        "getProject", "GET", _ROOT, "Returns a project.", _on_project(_project), _ID,
        keep=("name", "key", "issueTypes.name", "components.name", "versions.name"),
    ),
    endpoint(
        "getAllStatuses", "GET", f"{_ROOT}/statuses", "Returns a project's statuses.", _on_project(_statuses), _ID,
        keep=("name", "statuses.name"),
    ),
    endpoint(
        "getProjectComponents", "GET", f"{_ROOT}/components", "Returns a project's components.",
        _on_project(_components), _ID, keep=_KEPT,
    ),
    endpoint(
        "getProjectVersions", "GET", f"{_ROOT}/versions", "Returns a project's versions.", _on_project(_versions), _ID,
        keep=_KEPT,
    ),
)  # fmt: skip
