"""The names of issue fields: getFields, in which clients look up the names to use in searches.

`issue_body.FIELDS` has the fields that responses show, and `fields.CHECKS` those that requests can set.
"""

from collections.abc import Mapping

from envs.api.operation import Json, Response
from envs.api.world import World
from envs.jira.endpoint import endpoint

# id -> name, type ("array of" and the type of its items), names in searches other than the id
NAMES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "summary": ("Summary", "string", ()),
    "description": ("Description", "string", ()),
    "environment": ("Environment", "string", ()),
    "issuetype": ("Issue Type", "issuetype", ("type",)),
    "project": ("Project", "project", ()),
    "status": ("Status", "status", ()),
    "priority": ("Priority", "priority", ()),
    "labels": ("Labels", "array of string", ()),
    "duedate": ("Due date", "date", ("due",)),
    "created": ("Created", "datetime", ("createdDate",)),
    "updated": ("Updated", "datetime", ("updatedDate",)),
    "assignee": ("Assignee", "user", ()),
    "reporter": ("Reporter", "user", ()),
    "creator": ("Creator", "user", ()),
    "resolution": ("Resolution", "resolution", ()),
    "resolutiondate": ("Resolved", "datetime", ("resolved",)),
    "statuscategorychangedate": ("Status Category Changed", "datetime", ("statusCategoryChangedDate",)),
    "components": ("Components", "array of component", ("component",)),
    "fixVersions": ("Fix versions", "array of version", ("fixVersion",)),
    "versions": ("Affects versions", "array of version", ("affectedVersion",)),
    "parent": ("Parent", "issuelink", ()),
    "subtasks": ("Sub-tasks", "array of issuelinks", ()),
    "issuelinks": ("Linked Issues", "array of issuelinks", ("issueLink",)),
    "comment": ("Comment", "comments-page", ()),
    "worklog": ("Log Work", "array of worklog", ()),
    "timetracking": ("Time tracking", "timetracking", ()),
    "watches": ("Watchers", "watches", ("watchers",)),
    "votes": ("Votes", "votes", ()),
    "attachment": ("Attachment", "array of attachment", ("attachments",)),
}
_NOT_SEARCHED = {"subtasks", "timetracking"}
_NOT_ORDERED = {"created", "updated", "creator", "resolutiondate", "statuscategorychangedate", "subtasks", "watches",
                "votes", "status", "project"}  # fmt: skip


def field_body(name: str) -> dict[str, Json]:
    """Return a body of schema FieldDetails."""
    shown, _, other = NAMES[name]
    searched = name not in _NOT_SEARCHED
    body: dict[str, Json] = {"id": name, "key": name, "name": shown, "custom": False, "navigable": True}
    body |= {"orderable": name not in _NOT_ORDERED, "searchable": searched}
    return body | {"clauseNames": [name, *other] if searched else [], "schema": type_body(name)}


def type_body(name: str) -> dict[str, Json]:
    """Return a body of schema JsonTypeBean."""
    kind = NAMES[name][1]
    items = kind.removeprefix("array of ")
    return {"type": kind, "system": name} if items == kind else {"type": "array", "items": items, "system": name}


def get_fields(world: World, arguments: Mapping[str, Json]) -> Response:
    """getFields: 200 with all fields, which are the same on every site."""
    return Response(200, [field_body(name) for name in NAMES])


FIELD_LIST = (
    endpoint("getFields", "GET /field", "Returns the fields that issues have.", get_fields, keep=("name", "id")),
)
