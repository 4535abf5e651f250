"""Create issues: createIssue, createIssues.

Fields are checked in the real site's order: first the project, then the issue type, then all other fields together. The
issue and everything that `update` adds to it are created together or not at all. A failed transition is reported in the
response; the issue is created anyway.
"""

from collections.abc import Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.jira import replies
from envs.jira.comments import added_comments, put_comment
from envs.jira.endpoint import DOCUMENT, OBJECT, STRING, STRINGS, endpoint
from envs.jira.fields import NO_SUMMARY, checked_fields, wrong_parent
from envs.jira.issue_edits import in_both, with_verbs
from envs.jira.issue_parts import PARTS, add_parts
from envs.jira.replies import field_errors, global_error, named
from envs.jira.transitions import do_transition
from envs.jira.world import DEFAULT_PRIORITY, workflow_of

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
# The handler refuses a description of another type, with its own sentence. A date may be null, which is none.
_NULLABLE = {"description": {}, "duedate": {"type": ["string", "null"]}}
_ACCEPTED_FIELDS = {**_FIELDS, "properties": {**_PROPERTIES, **_NULLABLE}}
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
    """createIssue: 201 with id, key and self, and the result of the transition if there is one."""
    body = _created(world, arguments)
    return body if isinstance(body, Response) else Response(201, body)


def create_many(world: World, arguments: Mapping[str, Json]) -> Response:
    """createIssues: 201 with the issues created and an error for each other; 400 only if all fail."""
    updates = arguments.get("issueUpdates") or []
    if not 1 <= len(updates) <= 50:
        return global_error(400, "Between 1 and 50 issues can be created at once.")
    bodies, errors = [], []
    for number, update in enumerate(updates):
        attempt = world.copy()
        body = _created(attempt, update)
        if isinstance(body, Response):
            errors.append({"status": body.status, "elementErrors": body.body, "failedElementNumber": number})
        else:
            world.become(attempt)
            bodies.append(body)
    return Response(201 if bodies else 400, {"issues": bodies, "errors": errors})


def _created(world: World, given: Mapping[str, Json]) -> dict[str, Json] | Response:
    """Create an issue from a request's fields, update, properties and transition; return CreatedIssue, or the error."""
    fields, verbs = given.get("fields") or {}, given.get("update") or {}
    if not fields and not verbs:
        return global_error(400, "No Issue Create payload supplied")
    plain = {name: steps for name, steps in verbs.items() if name not in PARTS}
    # Verbs start from empty fields; their errors are reported together with all others.
    values, errors = with_verbs(world, {"fields": {}}, fields, plain)
    comments, wrong = added_comments(verbs.get("comment", []))
    errors |= in_both(fields, verbs) | ({"comment": wrong} if wrong else {})
    issue = _issue(world, values, errors)
    if isinstance(issue, Response):
        return issue
    for body in comments:
        put_comment(world, issue, body)
    if refused := add_parts(world, issue, verbs):
        return refused
    if properties := _properties(given.get("properties")):
        world.table("issues")[issue["id"]] = {**world.table("issues")[issue["id"]], "properties": properties}
    body = {"id": issue["id"], "key": issue["key"], "self": f"{world.site}/rest/api/3/issue/{issue['id']}"}
    if "transition" not in given:
        return body
    response = do_transition(world, {"issueIdOrKey": issue["id"], "transition": given["transition"]})
    collection = {"errorMessages": [], "errors": {}} if response.ok else response.body
    return {**body, "transition": {"status": 200 if response.ok else response.status, "errorCollection": collection}}


def _issue(world: World, fields: Mapping[str, Json], errors: dict[str, str]) -> Record | Response:
    """Add an issue with the fields of a request; return it, or all errors: those of the fields and `errors`."""
    project = _project(world, fields.get("project"))
    if project is None:
        return field_errors({"project": "Specify a valid project ID or key"})
    if not fields.get("issuetype"):
        return field_errors({"issuetype": "Specify an issue type"})
    issue_type = named(world, "issuetypes", fields["issuetype"])
    if issue_type is None or issue_type["id"] not in project["issuetypes"]:
        return field_errors({"issuetype": "Specify a valid issue type"})
    values, wrong = checked_fields(
        world, project, {k: v for k, v in fields.items() if k not in ("project", "issuetype")}
    )
    errors = {**wrong, **errors}
    if "summary" not in fields:
        errors["summary"] = NO_SUMMARY
    if "parent" not in errors and (misplaced := wrong_parent(world, issue_type, values.get("parent"))):
        errors["parent"] = misplaced
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
        "status": workflow_of(world, project, issue_type["id"])["initial"],
        "created": now,
        "updated": now,
        "fields": {**default, **values},
    }
    world.table("issues")[issue["id"]] = issue
    return issue


def _project(world: World, value: Json) -> Record | None:
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("id"), str | int):
        return world.tables.get("projects", {}).get(str(value["id"]))
    return next(iter(world.find("projects", key=value.get("key"))), None)


def _properties(given: Json) -> dict[str, Json]:
    """Return an issue's properties by key, from a request's list of {"key", "value"}; other items are ignored."""
    pairs = [pair for pair in given or [] if isinstance(pair, dict) and isinstance(pair.get("key"), str)]
    return {pair["key"]: pair.get("value") for pair in pairs}


_LISTED = {"type": "object", "additionalProperties": {"type": "array"}}
_UPDATE = {**_LISTED, "description": "Operations on fields, and comments, worklogs and issue links to add, as lists."}
_ONE = {"fields": OBJECT, "update": _UPDATE, "transition": OBJECT, "properties": {"type": "array"}}
_UPDATES = {"type": "array", "items": {"type": "object", "properties": _ONE}}
_COMPACT_UPDATES = {"type": "array", "items": {"type": "object", "properties": {"fields": OBJECT}}}
_TRANSITION = {**OBJECT, "description": "The transition to make from the initial status."}
CREATE_ISSUE = Operation(
    name="createIssue",
    api="jira",
    method="POST",
    path="/rest/api/3/issue",
    description="Creates an issue in a project.",
    parameters=(
        Parameter("fields", "body", _FIELDS, required=True, compact=_COMPACT_FIELDS, accepted_schema=_ACCEPTED_FIELDS),
        Parameter("update", "body", _UPDATE, compact={}),
        Parameter("transition", "body", _TRANSITION, compact={}),
        Parameter("properties", "body", {"type": "array", "items": OBJECT}, compact={}),
    ),
    handler=create_issue,
    reject=replies.wrong_shape,
    compact_body=("id", "key"),
)
CREATE_ISSUES = endpoint(
    "createIssues", "POST /issue/bulk", "Creates up to 50 issues.", create_many,
    Parameter("issueUpdates", "body", _UPDATES, required=True, compact=_COMPACT_UPDATES),
    keep=("issues.id", "issues.key", "errors"),
)  # fmt: skip
