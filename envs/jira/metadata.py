"""What a site has as a whole: priorities, resolutions, statuses, issue types, labels, and the server itself."""

from collections.abc import Mapping

from envs.jira.endpoint import MAX_RESULTS, START_AT, endpoint, page_bean
from envs.jira.field_list import FIELD_LIST
from envs.jira.replies import issue_type_body, named_body, status_body, timestamp
from envs.jira.world import RESOLUTIONS
from envs.operation import Json, Response
from envs.world import World


def priorities(world: World, arguments: Mapping[str, Json]) -> Response:
    """getPriorities: 200 with all, the highest first."""
    return Response(200, [named_body(world, "priority", one) for one in world.find("priorities")])


def resolutions(world: World, arguments: Mapping[str, Json]) -> Response:
    """getResolutions: 200 with all."""
    return Response(200, [named_body(world, "resolution", one) for one in RESOLUTIONS.values()])


def statuses(world: World, arguments: Mapping[str, Json]) -> Response:
    """getStatuses: 200 with those of all workflows."""
    return Response(200, [status_body(world, one) for one in world.find("statuses")])


def issue_types(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssueAllTypes: 200 with all."""
    return Response(200, [issue_type_body(world, one) for one in world.find("issuetypes")])


def labels(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAllLabels: 200 with a page of the labels in use."""
    found = sorted({label for issue in world.find("issues") for label in issue["fields"]["labels"]})
    return page_bean(world, "/label", found, arguments, 1000)


def server_info(world: World, arguments: Mapping[str, Json]) -> Response:
    """getServerInfo: 200; clients read from it that this is Cloud."""
    made: dict[str, Json] = {"baseUrl": world.site, "version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0]}
    made |= {"deploymentType": "Cloud", "buildNumber": 100_000, "serverTime": timestamp(world.now_ms)}
    return Response(200, {**made, "serverTitle": "Jira"})


_KEPT = ("name", "id")
METADATA = (
    endpoint("getPriorities", "GET", "/priority", "Returns all priorities.", priorities, keep=_KEPT),
    endpoint("getResolutions", "GET", "/resolution", "Returns all resolutions.", resolutions, keep=_KEPT),
    endpoint("getStatuses", "GET", "/status", "Returns all statuses.", statuses, keep=_KEPT),
    endpoint("getIssueAllTypes", "GET", "/issuetype", "Returns all issue types.", issue_types, keep=_KEPT),
    endpoint(
        "getAllLabels", "GET", "/label", "Returns the labels in use.", labels, START_AT, MAX_RESULTS, keep=("values",)
    ),
    endpoint("getServerInfo", "GET", "/serverInfo", "Returns what kind of site this is.", server_info),
    *FIELD_LIST,
)
