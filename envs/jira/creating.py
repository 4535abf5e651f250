"""Creating issues: createIssue, createIssues.

Fields are checked in the real site's order: the project alone, then the issue type alone, then all other fields
together. What `update` adds to the new issue is made with it or not at all; whether a transition could be made is told
beside the issue, which is there either way.
"""

from collections.abc import Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import Record, World
from envs.jira import replies
from envs.jira.comments import added_comments, put_comment
from envs.jira.endpoint import DOCUMENT, OBJECT, STRING, STRINGS, endpoint
from envs.jira.fields import NO_SUMMARY, checked_fields, wrong_parent
from envs.jira.issue_edits import in_both, with_verbs
from envs.jira.links import LINKS
from envs.jira.replies import field_errors, global_error, named
from envs.jira.transitions import do_transition
from envs.jira.worklogs import WORKLOGS
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
    """createIssue: 201 with id, key and self, and what became of the transition if one was asked for."""
    made = _created(world, arguments)
    return made if isinstance(made, Response) else Response(201, made)


def create_many(world: World, arguments: Mapping[str, Json]) -> Response:
    """createIssues: 201 with those made and an error for each other; 400 only if all fail."""
    updates = arguments.get("issueUpdates") or []
    if not 1 <= len(updates) <= 50:
        return global_error(400, "Between 1 and 50 issues can be created at once.")
    made, errors = [], []
    for number, update in enumerate(updates):
        attempt = world.copy()
        one = _created(attempt, update)
        if isinstance(one, Response):
            errors.append({"status": one.status, "elementErrors": one.body, "failedElementNumber": number})
        else:
            world.become(attempt)
            made.append(one)
    return Response(201 if made else 400, {"issues": made, "errors": errors})


def _created(world: World, given: Mapping[str, Json]) -> dict[str, Json] | Response:
    """CreatedIssue of a request's fields, update, properties and transition, or the refusal."""
    fields, verbs = given.get("fields") or {}, given.get("update") or {}
    if not fields and not verbs:
        return global_error(400, "No Issue Create payload supplied")
    plain = {name: steps for name, steps in verbs.items() if name not in _PARTS}
    # Verbs on fields start from nothing; what is wrong with them is told with all else.
    wanted, errors = with_verbs(world, {"fields": {}}, fields, plain)
    comments, wrong = added_comments(verbs.get("comment", []))
    errors |= in_both(fields, verbs) | ({"comment": wrong} if wrong else {})
    issue = _issue(world, wanted, errors)
    if isinstance(issue, Response):
        return issue
    for body in comments:
        put_comment(world, issue, body)
    for name in ("worklog", "issuelinks"):
        for step in verbs.get(name, []):
            response = _added(world, issue, name, step)
            if not response.ok:
                return Response(400, response.body)
    if properties := _properties(given.get("properties")):
        world.table("issues")[issue["id"]] = {**world.table("issues")[issue["id"]], "properties": properties}
    body = {"id": issue["id"], "key": issue["key"], "self": f"{world.site}/rest/api/3/issue/{issue['id']}"}
    if "transition" not in given:
        return body
    response = do_transition(world, {"issueIdOrKey": issue["id"], "transition": given["transition"]})
    told = {"errorMessages": [], "errors": {}} if response.ok else response.body
    return {**body, "transition": {"status": 200 if response.ok else response.status, "errorCollection": told}}


def _issue(world: World, fields: Mapping[str, Json], errors: dict[str, str]) -> Record | Response:
    """A new issue with the fields of a request, unless they or `errors` say that something is wrong."""
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
    """An issue's properties by key, of the pairs in a request that are some."""
    pairs = [one for one in given or [] if isinstance(one, dict) and isinstance(one.get("key"), str)]
    return {one["key"]: one.get("value") for one in pairs}


def _added(world: World, issue: Record, name: str, step: Json) -> Response:
    """What adding a worklog or a link is answered with. A link names the other end as the issue's own list will."""
    if not isinstance(step, dict) or step.keys() != {"add"} or not isinstance(step["add"], dict):
        return field_errors({name: f"Field '{name}' can only be added to."})
    if name == "worklog":
        operation, arguments = _ADD_WORKLOG, {**step["add"], "issueIdOrKey": issue["key"]}
    else:
        here = {"key": issue["key"]}
        operation, arguments = _LINK_ISSUES, {"inwardIssue": here, "outwardIssue": here, **step["add"]}
    wrong = operation.schema_error(arguments)
    return operation.reject(wrong) if wrong else operation.handler(world, arguments)


_PARTS = ("comment", "worklog", "issuelinks")
"""What `update` makes beside the issue's own fields."""
_ADD_WORKLOG = next(one for one in WORKLOGS if one.name == "addWorklog")
_LINK_ISSUES = next(one for one in LINKS if one.name == "linkIssues")
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
        Parameter("fields", "body", _FIELDS, required=True, compact=_COMPACT_FIELDS, accepted_schema=_TAKEN_FIELDS),
        Parameter("update", "body", _UPDATE, compact={}),
        Parameter("transition", "body", _TRANSITION, compact={}),
        Parameter("properties", "body", {"type": "array", "items": OBJECT}, compact={}),
    ),
    handler=create_issue,
    reject=replies.wrong_shape,
    compact_body=("id", "key"),
)
CREATE_ISSUES = endpoint(
    "createIssues", "POST", "/issue/bulk", "Creates up to 50 issues.", create_many,
    Parameter("issueUpdates", "body", _UPDATES, required=True, compact=_COMPACT_UPDATES),
    keep=("issues.id", "issues.key", "errors"),
)  # fmt: skip
