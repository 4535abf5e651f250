"""Site-wide metadata: priorities, resolutions, statuses, issue types, link types, labels and the server's details."""

from collections.abc import Callable, Iterable, Mapping

from envs.api.operation import Json, Response
from envs.api.world import Record, World
from envs.jira.endpoint import ID_OR_NUMBER, MAX_RESULTS, START_AT, STRINGS, endpoint, page_bean, path_id, query
from envs.jira.field_list import FIELD_LIST
from envs.jira.links import type_body
from envs.jira.replies import (
    category_body,
    find_project,
    global_error,
    issue_type_body,
    named_body,
    no_project,
    status_body,
    timestamp,
)
from envs.jira.world import CATEGORIES, DEFAULT_PRIORITY, LINK_TYPES, RESOLUTIONS

Shown = Callable[[World, Record], Json]


def priority_body(world: World, record: Record) -> Json:
    """Return a body of schema Priority."""
    return {**named_body(world, "priority", record), "description": "", "isDefault": record["name"] == DEFAULT_PRIORITY}


def resolution_body(world: World, record: Record) -> Json:
    """Return a body of schema Resolution."""
    return {**named_body(world, "resolution", record), "description": ""}


def reader(
    what: str, argument: str, records: Callable[[World], Iterable[Record]], keys: tuple[str, ...], shown: Shown
) -> Callable[[World, Mapping[str, Json]], Response]:
    """Return a handler that reads the record one of whose `keys` equals the argument; 404 if there is none."""

    def handler(world: World, arguments: Mapping[str, Json]) -> Response:
        value = arguments.get(argument, "")
        for key in keys:
            for record in records(world):
                if str(record[key]) == value:
                    return Response(200, shown(world, record))
        return global_error(404, f"The {what} with id '{value}' does not exist.")

    return handler


get_priority = reader("priority", "id", lambda world: world.find("priorities"), ("id",), priority_body)
get_resolution = reader("resolution", "id", lambda world: RESOLUTIONS.values(), ("id",), resolution_body)
get_status = reader("status", "idOrName", lambda world: world.find("statuses"), ("id", "name"), status_body)
get_category = reader("status category", "idOrKey", lambda world: CATEGORIES.values(), ("id", "key"), category_body)
get_issue_type = reader("issue type", "id", lambda world: world.find("issuetypes"), ("id",), issue_type_body)
get_link_type = reader("issue link type", "issueLinkTypeId", lambda world: LINK_TYPES.values(), ("id",), type_body)


def search_priorities(world: World, arguments: Mapping[str, Json]) -> Response:
    """searchPriorities: 200 with a page of the matching priorities, highest first."""
    ids, text, only = arguments.get("id"), arguments.get("priorityName", "").lower(), arguments.get("onlyDefault")
    bodies = [
        priority_body(world, priority)
        for priority in world.find("priorities")
        if (not ids or priority["id"] in ids)
        and text in priority["name"].lower()
        and (not only or priority["name"] == DEFAULT_PRIORITY)
    ]
    return page_bean(world, "/priority/search", bodies, arguments)


def categories(world: World, arguments: Mapping[str, Json]) -> Response:
    """getStatusCategories: 200 with all status categories."""
    return Response(200, [category_body(world, category) for category in CATEGORIES.values()])


def project_types(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssueTypesForProject: 200 with a project's issue types, of one level of the hierarchy if `level` is given."""
    if "projectId" not in arguments:
        return global_error(400, "The 'projectId' query parameter is required.")
    project_id = str(arguments["projectId"])
    project = find_project(world, project_id)
    if project is None:
        return no_project(project_id)
    types = [world.table("issuetypes")[type_id] for type_id in project["issuetypes"]]
    level = arguments.get("level")
    return Response(200, [issue_type_body(world, kind) for kind in types if level in (None, kind["hierarchyLevel"])])


def priorities(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPriorities: 200 with all priorities, highest first."""
    return Response(200, [priority_body(world, priority) for priority in world.find("priorities")])


def resolutions(world: World, arguments: Mapping[str, Json]) -> Response:
    """getResolutions: 200 with all resolutions."""
    return Response(200, [resolution_body(world, resolution) for resolution in RESOLUTIONS.values()])


def statuses(world: World, arguments: Mapping[str, Json]) -> Response:
    """getStatuses: 200 with the statuses of all workflows."""
    return Response(200, [status_body(world, status) for status in world.find("statuses")])


def issue_types(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssueAllTypes: 200 with all issue types."""
    return Response(200, [issue_type_body(world, kind) for kind in world.find("issuetypes")])


def labels(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAllLabels: 200 with a page of the labels in use."""
    names = sorted({label for issue in world.find("issues") for label in issue["fields"]["labels"]})
    return page_bean(world, "/label", names, arguments, 1000)


def server_info(world: World, arguments: Mapping[str, Json]) -> Response:
    """getServerInfo: 200 with the server's details, from which clients see that this is Jira Cloud."""
    body: dict[str, Json] = {"baseUrl": world.site, "version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0]}
    body |= {"deploymentType": "Cloud", "buildNumber": 100_000, "serverTime": timestamp(world.now_ms)}
    return Response(200, {**body, "serverTitle": "Jira"})


_KEPT = ("name", "id")
METADATA = (
    endpoint("getPriorities", "GET /priority", "Returns all priorities.", priorities, keep=_KEPT),
    endpoint(
        "searchPriorities", "GET /priority/search", "Searches priorities.", search_priorities,
        query("priorityName"), query("id", STRINGS), query("onlyDefault", {"type": "boolean"}), START_AT, MAX_RESULTS,
        keep=("values.name", "values.id"),
    ),
    endpoint("getPriority", "GET /priority/{id}", "Returns a priority.", get_priority, path_id(), keep=_KEPT),
    endpoint("getResolutions", "GET /resolution", "Returns all resolutions.", resolutions, keep=_KEPT),
    endpoint(
        "getResolution", "GET /resolution/{id}", "Returns a resolution.", get_resolution, path_id(), keep=_KEPT
    ),
    endpoint("getStatuses", "GET /status", "Returns all statuses.", statuses, keep=_KEPT),
    endpoint(
        "getStatus", "GET /status/{idOrName}", "Returns a status.", get_status, path_id("idOrName"),
        keep=("name", "id", "statusCategory.name"),
    ),
    endpoint(
        "getStatusCategories", "GET /statuscategory", "Returns all categories of statuses.", categories,
        keep=("name", "key", "id"),
    ),
    endpoint(
        "getStatusCategory", "GET /statuscategory/{idOrKey}", "Returns a category of statuses.", get_category,
        path_id("idOrKey"), keep=("name", "key", "id"),
    ),
    endpoint("getIssueAllTypes", "GET /issuetype", "Returns all issue types.", issue_types, keep=_KEPT),
    endpoint("getIssueType", "GET /issuetype/{id}", "Returns an issue type.", get_issue_type, path_id(), keep=_KEPT),
    endpoint(
        "getIssueTypesForProject", "GET /issuetype/project", "Returns a project's issue types.", project_types,
        query("projectId", ID_OR_NUMBER, required=True), query("level", {"type": "integer"}), keep=_KEPT,
    ),
    endpoint(
        "getIssueLinkType", "GET /issueLinkType/{issueLinkTypeId}", "Returns a type of links.", get_link_type,
        path_id("issueLinkTypeId"), keep=("name", "inward", "outward"),
    ),
    endpoint(
        "getAllLabels", "GET /label", "Returns the labels in use.", labels, START_AT, MAX_RESULTS, keep=("values",)
    ),
    endpoint("getServerInfo", "GET /serverInfo", "Returns what kind of site this is.", server_info),
    *FIELD_LIST,
)  # fmt: skip
