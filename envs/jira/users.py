"""Users, known by opaque account ids: getUser, findUsers, findAssignableUsers, findUsersForPicker, getCurrentUser."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import MAX_RESULTS, START_AT, cut, endpoint, query
from envs.jira.replies import find_issue, find_project, global_error, user_body


def matching(world: World, text: str) -> list[Record]:
    """Return the active users whose name, or a word of it, begins with the text."""
    prefix = text.lower()
    return [
        user
        for user in world.tables.get("users", {}).values()
        if user["active"]
        and (
            user["displayName"].lower().startswith(prefix)
            or any(word.startswith(prefix) for word in user["displayName"].lower().split())
        )
    ]


def get_user(world: World, arguments: Mapping[str, Json]) -> Response:
    """getUser: 200 with the user; 404 for an unknown account."""
    user = world.tables.get("users", {}).get(arguments.get("accountId", ""))
    return Response(200, user_body(world, user)) if user else global_error(404, "Specified user does not exist.")


def myself(world: World, arguments: Mapping[str, Json]) -> Response:
    """getCurrentUser: 200 with the caller."""
    return Response(200, user_body(world, world.tables.get("users", {}).get(world.me, {"accountId": world.me})))


def find_users(world: World, arguments: Mapping[str, Json]) -> Response:
    """findUsers: 200 with the matching users; 400 without a criterion."""
    if not {"query", "accountId", "property"} & arguments.keys():
        return global_error(400, "The username or property query parameter must be provided")
    matches = matching(world, arguments.get("query", ""))
    if "accountId" in arguments:
        matches = [user for user in matches if user["accountId"] == arguments["accountId"]]
    return Response(200, [user_body(world, user) for user in cut(matches, arguments)[0]])


def find_assignable(world: World, arguments: Mapping[str, Json]) -> Response:
    """findAssignableUsers: 200 with the matching users who can be assigned issues of a project."""
    if not {"project", "issueKey", "issueId"} & arguments.keys():
        return global_error(400, "No project, issue key or issue ID was provided")
    if "project" in arguments and find_project(world, arguments["project"]) is None:
        return global_error(404, f"No project could be found with key '{arguments['project']}'.")
    issue = arguments.get("issueKey", arguments.get("issueId"))
    if issue is not None and find_issue(world, issue) is None:
        return global_error(404, "Issue does not exist or you do not have permission to see it.")
    matches = matching(world, arguments.get("query", ""))
    return Response(200, [user_body(world, user) for user in cut(matches, arguments)[0]])


def pick(world: World, arguments: Mapping[str, Json]) -> Response:
    """findUsersForPicker: 200 with matching users, their total and a header; 400 without a query."""
    if "query" not in arguments:
        return global_error(400, "The 'query' query parameter is required.")
    matches = matching(world, arguments.get("query", ""))
    shown = cut(matches, arguments)[0]
    users = [
        {"accountId": u["accountId"], "accountType": "atlassian", "displayName": u["displayName"],
         "html": u["displayName"], "avatarUrl": f"{world.site}/avatar.png"} for u in shown
    ]  # fmt: skip
    header = f"Showing {len(users)} of {len(matches)} matching users"
    return Response(200, {"users": users, "total": len(matches), "header": header})


_QUERY = Parameter("query", "query", {"type": "string"})
_KEPT = ("displayName", "accountId")
USERS = (
    endpoint("getCurrentUser", "GET /myself", "Returns the caller.", myself, keep=_KEPT),
    endpoint(
        "getUser", "GET /user", "Returns a user.", get_user, Parameter("accountId", "query", {"type": "string"}),
        keep=_KEPT,
    ),
    endpoint(
        "findUsers", "GET /user/search", "Finds users by name.", find_users, _QUERY, query("accountId"),
        query("property"), START_AT, MAX_RESULTS, keep=_KEPT,
    ),
    endpoint(
        "findAssignableUsers", "GET /user/assignable/search", "Finds users who can be assigned issues.",
        find_assignable, _QUERY, Parameter("project", "query", {"type": "string"}), query("issueKey"),
        query("issueId"), START_AT, MAX_RESULTS, keep=_KEPT,
    ),
    endpoint(
        "findUsersForPicker", "GET /user/picker", "Finds users for a picker.", pick,
        Parameter("query", "query", {"type": "string"}, required=True), MAX_RESULTS,
        keep=("users.displayName", "users.accountId"),
    ),
)  # fmt: skip
