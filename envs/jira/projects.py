"""Projects: searchProjects, getAllProjects, getProject, createProject, getAllStatuses, components and versions."""

import re
from collections.abc import Callable, Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.components import components_of
from envs.jira.endpoint import MAX_RESULTS, START_AT, STRING, STRINGS, endpoint, page_bean, path_id, query
from envs.jira.replies import (
    field_errors,
    find_project,
    global_error,
    issue_type_body,
    no_project,
    project_body,
    status_body,
    user_of,
)
from envs.jira.versions import versions_of
from envs.jira.world import add_project, simple_workflow, workflow_of

_ORDERED_BY = (
    *("name", "key", "owner", "category", "issueCount", "lastIssueUpdatedTime", "archivedDate", "deletedDate"),
)
"""Valid fields to order a search by; only name and key have an effect."""


def search(world: World, arguments: Mapping[str, Json]) -> Response:
    """searchProjects: 200 with a page of the matching projects."""
    order = arguments.get("orderBy") or "key"
    if order.removeprefix("+").removeprefix("-") not in _ORDERED_BY:
        names = ", ".join(_ORDERED_BY)
        return global_error(400, f"The field to order by should be one of [{names}]. Instead, it was: {order}.")
    text, keys = arguments.get("query", "").lower(), arguments.get("keys")
    bodies = [
        project_body(world, project)
        for project in world.find("projects")
        if (not keys or project["key"] in keys) and (text in project["key"].lower() or text in project["name"].lower())
    ]
    by = {"name": "name", "key": "key"}.get(order.removeprefix("+").removeprefix("-"))
    if by is not None and "orderBy" in arguments:
        bodies.sort(key=lambda body: body[by].lower(), reverse=order.startswith("-"))
    return page_bean(world, "/project/search", bodies, arguments)


def get_all(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAllProjects: 200 with all projects."""
    return Response(200, [project_body(world, project) for project in world.find("projects")])


def _on_project(shown: Callable[[World, Record], Json]):
    """Return a handler that first looks up the project of the path; 404 if there is none."""

    def handler(world: World, arguments: Mapping[str, Json]) -> Response:
        id_or_key = arguments.get("projectIdOrKey", "")
        project = find_project(world, id_or_key)
        return no_project(id_or_key) if project is None else Response(200, shown(world, project))

    return handler


def _types(world: World, project: Record) -> list[Record]:
    return [world.table("issuetypes")[type_id] for type_id in project["issuetypes"]]


def _project(world: World, project: Record) -> Json:
    body = {**project_body(world, project), "description": project.get("description", "")}
    body["lead"] = user_of(world, project.get("lead", world.me))
    body["issueTypes"] = [issue_type_body(world, kind) for kind in _types(world, project)]
    return {**body, "components": components_of(world, project), "versions": versions_of(world, project)}


def _statuses(world: World, project: Record) -> Json:
    def statuses_of(kind: Record) -> list[Json]:
        flow = workflow_of(world, project, kind["id"])
        ids = dict.fromkeys([flow["initial"], *(step["to"] for step in flow["transitions"])])
        return [status_body(world, world.table("statuses")[status_id]) for status_id in ids]

    link = f"{world.site}/rest/api/3/issuetype/"
    return [
        {"self": link + kind["id"], "id": kind["id"], "name": kind["name"], "subtask": kind["subtask"],
         "statuses": statuses_of(kind)} for kind in _types(world, project)
    ]  # fmt: skip


def page_of_versions(world: World, arguments: Mapping[str, Json]) -> Response:
    """getProjectVersionsPaginated: 200 with a page of the matching versions."""
    id_or_key = arguments.get("projectIdOrKey", "")
    project = find_project(world, id_or_key)
    if project is None:
        return no_project(id_or_key)
    return page_bean(world, f"/project/{id_or_key}/version", versions_of(world, project, arguments), arguments)


def create(world: World, arguments: Mapping[str, Json]) -> Response:
    """createProject: 201 with id, key and self. The project has all issue types and a workflow of three statuses."""
    key, name, lead = (arguments.get(field, "") for field in ("key", "name", "leadAccountId"))
    errors = {}
    if not re.fullmatch(r"[A-Z][A-Z0-9]+", key, re.ASCII):
        errors["projectKey"] = "Project keys must start with an uppercase letter, followed by one or more uppercase "
        errors["projectKey"] += "alphanumeric characters."
    elif len(key) > 10:
        errors["projectKey"] = "The project key must not exceed 10 characters in length."
    elif world.find("projects", key=key):
        errors["projectKey"] = f"Project '{world.find('projects', key=key)[0]['name']}' uses this project key."
    if not name.strip():
        errors["projectName"] = "You must specify a valid project name."
    elif any(project["name"].lower() == name.lower() for project in world.find("projects")):
        errors["projectName"] = "A project with that name already exists."
    if lead not in world.tables.get("users", {}):
        errors["projectLead"] = "You must specify a valid project lead."
    if not arguments.get("projectTypeKey") and not arguments.get("projectTemplateKey"):
        errors["projectType"] = "An invalid project type was specified. Make sure the project type is valid."
    if errors:
        return field_errors(errors)
    world.tick()
    new = add_project(world, key, name, ["To Do", "In Progress", "Done"], simple_workflow())
    more = {"lead": lead, "description": arguments.get("description", "")}
    world.table("projects")[new["id"]] = {**new, **more}
    return Response(201, {"id": int(new["id"]), "key": key, "self": f"{world.site}/rest/api/3/project/{new['id']}"})


_ORDERS = [f"{sign}{name}" for name in ("description", "name", "releaseDate", "sequence", "startDate")
           for sign in ("", "-", "+")]  # fmt: skip
_ROOT, _ID = "/project/{projectIdOrKey}", path_id("projectIdOrKey")
_KEPT = ("name", "id")
PROJECTS = (
    endpoint(
        "searchProjects", "GET /project/search", "Searches projects.", search, Parameter("query", "query", STRING),
        query("keys", STRINGS), query("orderBy"), START_AT, MAX_RESULTS, keep=("values.name", "values.key"),
    ),
    endpoint("getAllProjects", "GET /project", "Returns all projects.", get_all, keep=("name", "key")),
    endpoint(
        "getProject", f"GET {_ROOT}", "Returns a project.", _on_project(_project), _ID,
        keep=("name", "key", "issueTypes.name", "components.name", "versions.name"),
    ),
    endpoint(
        "getAllStatuses", f"GET {_ROOT}/statuses", "Returns a project's statuses.", _on_project(_statuses), _ID,
        keep=("name", "statuses.name"),
    ),
    endpoint(
        "getProjectComponents", f"GET {_ROOT}/components", "Returns a project's components.",
        _on_project(components_of), _ID, keep=_KEPT,
    ),
    endpoint(
        "getProjectVersions", f"GET {_ROOT}/versions", "Returns a project's versions.", _on_project(versions_of),
        _ID, keep=_KEPT,
    ),
    endpoint(
        "getProjectVersionsPaginated", f"GET {_ROOT}/version", "Returns a page of a project's versions.",
        page_of_versions, _ID, query("query"), query("status"), query("orderBy", {"type": "string", "enum": _ORDERS}),
        START_AT, MAX_RESULTS, keep=("values.name", "values.id"),
    ),
    endpoint(
        "createProject", "POST /project", "Creates a project.", create,
        Parameter("key", "body", STRING, required=True), Parameter("name", "body", STRING, required=True),
        Parameter("leadAccountId", "body", STRING),
        Parameter("projectTypeKey", "body", {"type": "string", "enum": ["software", "service_desk", "business"]}),
        Parameter("projectTemplateKey", "body", STRING, compact={}),
        Parameter("description", "body", STRING, compact={}), keep=("id", "key"),
    ),
)  # fmt: skip
