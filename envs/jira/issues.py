"""Issues: createIssue, getIssue.

Fields are checked in the real site's order: the project alone, then the issue type alone, then all other fields
together.
"""

from collections.abc import Mapping

from envs.jira import replies
from envs.jira.endpoint import DOCUMENT, ID_OR_KEY, STRING, STRINGS
from envs.jira.fields import NO_SUMMARY, checked_fields, wrong_parent
from envs.jira.issue_body import issue_body, wanted_fields
from envs.jira.replies import field_errors, find_issue, global_error, named
from envs.jira.world import DEFAULT_PRIORITY
from envs.operation import Json, Operation, Parameter, Response
from envs.world import Record, World

_NAMED = {"type": "object", "properties": {"id": STRING, "name": STRING}}
_NAME = {"type": "object", "properties": {"name": STRING}}
_PROPERTIES: dict[str, Json] = {
    "project": {"type": "object", "properties": {"id": STRING, "key": STRING}},
    "issuetype": _NAMED,
    "summary": STRING,
    "description": DOCUMENT,
    "priority": _NAMED,
    "labels": STRINGS,
    "duedate": {"type": "string", "description": "YYYY-MM-DD"},
    "assignee": {"type": ["object", "null"], "properties": {"accountId": {"type": ["string", "null"]}}},
    "reporter": {"type": "object", "properties": {"accountId": STRING}},
    "components": {"type": "array", "items": _NAMED},
    "fixVersions": {"type": "array", "items": _NAMED},
    "versions": {"type": "array", "items": _NAMED},
    "parent": {"type": ["object", "null"], "properties": {"id": STRING, "key": STRING}},
    "timetracking": {
        "type": "object",
        "properties": {"originalEstimate": STRING, "remainingEstimate": STRING},
    },
}
_FIELDS = {"type": "object", "properties": _PROPERTIES, "required": ["project", "issuetype", "summary"]}
# A description of another type has a sentence of its own.
_TAKEN_FIELDS = {**_FIELDS, "properties": {**_PROPERTIES, "description": {}}}
_COMPACT_FIELDS = {
    "type": "object",
    "properties": {
        "project": {"type": "object", "properties": {"key": STRING}},
        "issuetype": _NAME,
        "summary": STRING,
        "priority": _NAME,
        "labels": STRINGS,
    },
}


def create_issue(world: World, arguments: Mapping[str, Json]) -> Response:
    """createIssue: 201 with id, key and self."""
    made = created(world, arguments.get("fields"))
    return made if isinstance(made, Response) else Response(201, created_body(world, made))


def created_body(world: World, issue: Record) -> dict[str, Json]:
    """CreatedIssue."""
    return {"id": issue["id"], "key": issue["key"], "self": f"{world.site}/rest/api/3/issue/{issue['id']}"}


def created(world: World, fields: Json) -> Record | Response:
    """Create an issue from the fields of a request; its record, or the refusal."""
    if not isinstance(fields, dict) or not fields:
        return global_error(400, "No Issue Create payload supplied")
    project = _project(world, fields.get("project"))
    if project is None:
        return field_errors({"project": "Specify a valid project ID or key"})
    if not fields.get("issuetype"):
        return field_errors({"issuetype": "Specify an issue type"})
    issue_type = named(world, "issuetypes", fields["issuetype"])
    if issue_type is None or issue_type["id"] not in project["issuetypes"]:
        return field_errors({"issuetype": "Specify a valid issue type"})
    values, errors = checked_fields(
        world, project, {k: v for k, v in fields.items() if k not in ("project", "issuetype")}
    )
    if "summary" not in fields:
        errors["summary"] = NO_SUMMARY
    if "parent" not in errors and (wrong := wrong_parent(world, issue_type, values.get("parent"))):
        errors["parent"] = wrong
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
    return issue


def get_issue(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssue: 200 with an IssueBean."""
    issue = find_issue(world, arguments.get("issueIdOrKey", ""))
    if issue is None:
        return global_error(404, replies.NO_ISSUE)
    wanted = wanted_fields(arguments.get("fields", ["*all"]))
    return Response(200, issue_body(world, issue, wanted, arguments.get("expand", "").split(",")))


def _project(world: World, value: Json) -> Record | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("id"), str | int):
        return world.tables.get("projects", {}).get(str(value["id"]))
    return next(iter(world.find("projects", key=value.get("key"))), None)


CREATE_ISSUE = Operation(
    name="createIssue",
    api="jira",
    method="POST",
    path="/rest/api/3/issue",
    description="Creates an issue in a project.",
    parameters=(Parameter("fields", "body", _FIELDS, required=True, compact=_COMPACT_FIELDS, taken=_TAKEN_FIELDS),),
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
        Parameter("expand", "query", STRING, compact={}),
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
