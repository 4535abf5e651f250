"""Issues: createIssue, getIssue.

Fields are checked in the real site's order: the project alone, then the issue type alone, then all other fields
together.
"""

from collections.abc import Callable, Mapping
from typing import Any

from envs.jira import replies
from envs.jira.replies import field_errors, find_issue, global_error
from envs.jira.world import DEFAULT_PRIORITY
from envs.operation import Json, Operation, Parameter, Response
from envs.world import Record, World

STRING: dict[str, Any] = {"type": "string"}
ID_OR_KEY = Parameter(
    "issueIdOrKey", "path", {"type": "string", "description": "The ID or key of the issue."}, required=True
)

_NAMED = {"type": "object", "properties": {"id": STRING, "name": STRING}}
_NAME = {"type": "object", "properties": {"name": STRING}}
_DOCUMENT = {"type": "object", "description": 'An Atlassian Document: {"type": "doc", "version": 1, "content": [...]}'}
_FIELDS = {
    "type": "object",
    "properties": {
        "project": {"type": "object", "properties": {"id": STRING, "key": STRING}},
        "issuetype": _NAMED,
        "summary": STRING,
        "description": _DOCUMENT,
        "priority": _NAMED,
        "labels": {"type": "array", "items": STRING},
        "duedate": {"type": "string", "description": "YYYY-MM-DD"},
    },
    "required": ["project", "issuetype", "summary"],
}
_COMPACT_FIELDS = {
    "type": "object",
    "properties": {
        "project": {"type": "object", "properties": {"key": STRING}},
        "issuetype": _NAME,
        "summary": STRING,
        "priority": _NAME,
        "labels": {"type": "array", "items": STRING},
    },
}


def create_issue(world: World, arguments: Mapping[str, Json]) -> Response:
    """createIssue: 201 with id, key and self."""
    fields = arguments.get("fields")
    if not isinstance(fields, dict) or not fields:
        return global_error(400, "No Issue Create payload supplied")
    project = _project(world, fields.get("project"))
    if project is None:
        return field_errors({"project": "Specify a valid project ID or key"})
    if not fields.get("issuetype"):
        return field_errors({"issuetype": "Specify an issue type"})
    issue_type = _named(world, "issuetypes", fields["issuetype"])
    if issue_type is None or issue_type["id"] not in project["issuetypes"]:
        return field_errors({"issuetype": "Specify a valid issue type"})
    values, errors = checked_fields(world, {k: v for k, v in fields.items() if k not in ("project", "issuetype")})
    if "summary" not in fields:
        errors["summary"] = "You must specify a summary of the issue."
    if errors:
        return field_errors(errors)
    now, number = world.tick(), project["next_number"]
    world.table("projects")[project["id"]] = {**project, "next_number": number + 1}
    default = {"priority": world.find("priorities", name=DEFAULT_PRIORITY)[0]["id"], "labels": []}
    issue = {
        "id": world.new_id(),
        "key": f"{project['key']}-{number}",
        "project": project["id"],
        "issuetype": issue_type["id"],
        "status": world.table("workflows")[project["workflow"]]["initial"],
        "created": now,
        "updated": now,
        "fields": {**default, **values},
    }
    world.table("issues")[issue["id"]] = issue
    return Response(
        201, {"id": issue["id"], "key": issue["key"], "self": f"{world.site}/rest/api/3/issue/{issue['id']}"}
    )


def get_issue(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssue: 200 with an IssueBean."""
    issue = find_issue(world, arguments.get("issueIdOrKey", ""))
    if issue is None:
        return global_error(404, replies.NO_ISSUE)
    fields = issue["fields"]
    body = {
        "summary": fields["summary"],
        "description": fields.get("description"),
        "issuetype": replies.issue_type_body(world, world.table("issuetypes")[issue["issuetype"]]),
        "project": replies.project_body(world, world.table("projects")[issue["project"]]),
        "status": replies.status_body(world, world.table("statuses")[issue["status"]]),
        "priority": replies.named_body(world, "priority", world.table("priorities")[fields["priority"]]),
        "labels": fields["labels"],
        "duedate": fields.get("duedate"),
        "created": replies.timestamp(issue["created"]),
        "updated": replies.timestamp(issue["updated"]),
    }
    wanted = [name for group in arguments.get("fields", ["*all"]) for name in group.split(",")]
    if not {"*all", "*navigable"} & set(wanted):
        body = {name: value for name, value in body.items() if name in wanted}
    link = f"{world.site}/rest/api/3/issue/{issue['id']}"
    return Response(200, {"expand": "", "id": issue["id"], "self": link, "key": issue["key"], "fields": body})


def checked_fields(world: World, fields: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, str]]:
    """Field values as they are stored, and what is wrong with the others by field id."""
    values: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for name, value in fields.items():
        if name not in _CHECKS:
            errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
            continue
        values[name], wrong = _CHECKS[name](world, value)
        if wrong:
            errors[name] = wrong
    return values, errors


def _summary(world: World, value: Json) -> tuple[Json, str]:
    if not isinstance(value, str) or not value.strip():
        return value, "You must specify a summary of the issue."
    if "\n" in value or "\r" in value:
        return value, "The summary is invalid because it contains newline characters."
    return value, "Summary must be less than 255 characters." if len(value) > 255 else ""


def _description(world: World, value: Json) -> tuple[Json, str]:
    return value, "" if value is None or is_document(value) else replies.RICH_TEXT


def _priority(world: World, value: Json) -> tuple[Json, str]:
    found = _named(world, "priorities", value)
    return (found["id"], "") if found else (value, "Specify a valid 'id' or 'name' for priority")


def _labels(world: World, value: Json) -> tuple[Json, str]:
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        return value, "data was not an array"
    spaced = next((label for label in value if " " in label), None)
    # A set of strings: the site keeps them sorted, each once.
    return sorted(set(value)), f"The label '{spaced}' contains spaces which is invalid." if spaced else ""


def _duedate(world: World, value: Json) -> tuple[Json, str]:
    parts = value.split("-") if isinstance(value, str) else []
    fits = [len(part) for part in parts] == [4, 2, 2] and all(part.isdigit() for part in parts)
    return value, "" if fits or value is None else "Error parsing date string: expected yyyy-MM-dd"


_CHECKS: dict[str, Callable[[World, Json], tuple[Json, str]]] = {
    "summary": _summary,
    "description": _description,
    "priority": _priority,
    "labels": _labels,
    "duedate": _duedate,
}


def is_document(value: Json, depth: int = 0) -> bool:
    """Whether a value is an Atlassian Document: a doc of version 1 whose nodes have types, and text nodes text."""
    if depth == 0:
        return isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1 and _nodes(value, 1)
    if not isinstance(value, dict) or not isinstance(value.get("type"), str) or depth > 50:
        return False
    if value["type"] == "text":
        return isinstance(value.get("text"), str)
    return "content" not in value or _nodes(value, depth + 1)


def _nodes(node: Mapping[str, Json], depth: int) -> bool:
    content = node.get("content")
    return isinstance(content, list) and all(is_document(inner, depth) for inner in content)


def _project(world: World, value: Json) -> Record | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("id"), str):
        return world.table("projects").get(value["id"])
    return next(iter(world.find("projects", key=value.get("key"))), None)


def _named(world: World, table: str, value: Json) -> Record | None:
    """A record by {"id"} or {"name"}."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("id"), str):
        return world.table(table).get(value["id"])
    return next(iter(world.find(table, name=value.get("name"))), None)


CREATE_ISSUE = Operation(
    name="createIssue",
    api="jira",
    method="POST",
    path="/rest/api/3/issue",
    description="Creates an issue in a project.",
    parameters=(Parameter("fields", "body", _FIELDS, required=True, compact=_COMPACT_FIELDS),),
    handler=create_issue,
    refuse=replies.wrong_shape,
    compact_body=("id", "key"),
)
GET_ISSUE = Operation(
    name="getIssue",
    api="jira",
    method="GET",
    path="/rest/api/3/issue/{issueIdOrKey}",
    description="Returns the details of an issue.",
    parameters=(
        ID_OR_KEY,
        Parameter(
            "fields", "query", {"type": "array", "items": STRING, "description": "Fields to return."}, compact={}
        ),
    ),
    handler=get_issue,
    refuse=replies.wrong_shape,
    compact_body=(
        "key",
        "fields.summary",
        "fields.status.name",
        "fields.priority.name",
        "fields.issuetype.name",
    ),
)
