"""Permissions: getMyPermissions, getAllPermissions.

The simulated site checks no permissions, so an active user has every permission that one of its operations needs, and
none of the others. An unknown or inactive user has none.
"""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import World
from envs.jira.endpoint import endpoint, query
from envs.jira.replies import NO_ISSUE, find_issue, find_project, global_error, no_project

_GLOBAL = ("ADMINISTER", "BULK_CHANGE", "CREATE_SHARED_OBJECTS", "MANAGE_GROUP_FILTER_SUBSCRIPTIONS", "SYSTEM_ADMIN",
           "USER_PICKER")  # fmt: skip
# key -> id, name, whether some operation of this site needs it
_TABLE: dict[str, tuple[str, str, bool]] = {
    "ADMINISTER": ("0", "Administer Jira", True),
    "SYSTEM_ADMIN": ("44", "Jira System Administrators", False),
    "USER_PICKER": ("27", "Browse Users", True),
    "CREATE_SHARED_OBJECTS": ("22", "Share Dashboards and Filters", False),
    "MANAGE_GROUP_FILTER_SUBSCRIPTIONS": ("24", "Manage Group Filter Subscriptions", False),
    "BULK_CHANGE": ("33", "Bulk Change", True),
    "ADMINISTER_PROJECTS": ("23", "Administer Projects", True),
    "BROWSE_PROJECTS": ("10", "Browse Projects", True),
    "VIEW_READONLY_WORKFLOW": ("45", "View Read-Only Workflow", False),
    "CREATE_ISSUES": ("11", "Create Issues", True),
    "EDIT_ISSUES": ("12", "Edit Issues", True),
    "TRANSITION_ISSUES": ("46", "Transition Issues", True),
    "SCHEDULE_ISSUES": ("28", "Schedule Issues", True),
    "MOVE_ISSUES": ("25", "Move Issues", False),
    "ASSIGN_ISSUES": ("13", "Assign Issues", True),
    "ASSIGNABLE_USER": ("17", "Assignable User", True),
    "RESOLVE_ISSUES": ("14", "Resolve Issues", True),
    "CLOSE_ISSUES": ("18", "Close Issues", True),
    "MODIFY_REPORTER": ("30", "Modify Reporter", True),
    "DELETE_ISSUES": ("16", "Delete Issues", True),
    "LINK_ISSUES": ("21", "Link Issues", True),
    "SET_ISSUE_SECURITY": ("26", "Set Issue Security", False),
    "VIEW_VOTERS_AND_WATCHERS": ("31", "View Voters and Watchers", True),
    "MANAGE_WATCHERS": ("32", "Manage Watchers", True),
    "ADD_COMMENTS": ("15", "Add Comments", True),
    "EDIT_ALL_COMMENTS": ("34", "Edit All Comments", True),
    "EDIT_OWN_COMMENTS": ("35", "Edit Own Comments", True),
    "DELETE_OWN_COMMENTS": ("36", "Delete Own Comments", True),
    "DELETE_ALL_COMMENTS": ("37", "Delete All Comments", True),
    "CREATE_ATTACHMENTS": ("19", "Create Attachments", True),
    "DELETE_ALL_ATTACHMENTS": ("38", "Delete All Attachments", True),
    "DELETE_OWN_ATTACHMENTS": ("39", "Delete Own Attachments", True),
    "WORK_ON_ISSUES": ("20", "Work On Issues", True),
    "EDIT_OWN_WORKLOGS": ("40", "Edit Own Worklogs", True),
    "EDIT_ALL_WORKLOGS": ("41", "Edit All Worklogs", True),
    "DELETE_OWN_WORKLOGS": ("42", "Delete Own Worklogs", True),
    "DELETE_ALL_WORKLOGS": ("43", "Delete All Worklogs", True),
}


def _body(key: str) -> dict[str, Json]:
    """Return a body of schema UserPermission, without the user's own data."""
    name = _TABLE[key][1]
    kind = "GLOBAL" if key in _GLOBAL else "PROJECT"
    return {"key": key, "name": name, "type": kind, "description": f"Whether a user may: {name.lower()}."}


def all_permissions(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAllPermissions: 200 with all permissions."""
    return Response(200, {"permissions": {key: _body(key) for key in _TABLE}})


def my_permissions(world: World, arguments: Mapping[str, Json]) -> Response:
    """getMyPermissions: 200 with the requested ones; 400 for none or an unknown one, 404 for an unknown context."""
    keys = [key.strip() for key in arguments.get("permissions", "").split(",") if key.strip()]
    if not keys:
        return global_error(400, "The 'permissions' query parameter is required.")
    if unknown := [key for key in keys if key not in _TABLE]:
        return global_error(400, f"Unrecognized permission: {unknown[0]}")
    if "commentId" in arguments and keys != ["BROWSE_PROJECTS"]:
        return global_error(400, "With 'commentId' only the permission BROWSE_PROJECTS can be asked for.")
    if missing := _no_context(world, arguments):
        return missing
    active = world.tables.get("users", {}).get(world.me, {}).get("active", False)
    body = {key: {"id": _TABLE[key][0], **_body(key), "havePermission": active and _TABLE[key][2]} for key in keys}
    return Response(200, {"permissions": body})


def _no_context(world: World, arguments: Mapping[str, Json]) -> Response | None:
    """Return the error for an unknown project, issue or comment, or None."""
    for name in ("projectKey", "projectId"):
        if name in arguments and find_project(world, arguments[name]) is None:
            return no_project(arguments[name])
    for name in ("issueKey", "issueId"):
        if name in arguments and find_issue(world, arguments[name]) is None:
            return global_error(404, NO_ISSUE)
    comment_id = arguments.get("commentId")
    if comment_id is not None and comment_id not in world.tables.get("issue_comments", {}):
        return global_error(404, f"Can not find a comment for the id: {comment_id}.")
    return None


PERMISSIONS = (
    endpoint(
        "getMyPermissions", "GET /mypermissions", "Tells which permissions the caller has.", my_permissions,
        Parameter("permissions", "query", {"type": "string", "description": "Keys, separated by commas."}),
        Parameter("projectKey", "query", {"type": "string"}), query("projectId"),
        Parameter("issueKey", "query", {"type": "string"}), query("issueId"), query("commentId"),
    ),
    endpoint("getAllPermissions", "GET /permissions", "Returns all permissions.", all_permissions),
)  # fmt: skip
