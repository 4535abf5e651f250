"""Change issues: editIssue, assignIssue, deleteIssue, bulkFetchIssues, getChangeLogs.

The fields and comments of an edit are validated completely before anything is written; the site undoes an edit whose
worklogs or links are refused.
"""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira import replies
from envs.jira.comments import added_comments, put_comment
from envs.jira.endpoint import (
    ID_OR_KEY,
    ID_OR_NUMBER,
    MAX_RESULTS,
    OBJECT,
    START_AT,
    STRINGS,
    endpoint,
    on_issue,
    page_bean,
    query,
)
from envs.jira.fields import checked_fields, wrong_parent
from envs.jira.history import item, rewrite
from envs.jira.issue_body import history_body, issue_body, selected_fields
from envs.jira.issue_parts import PARTS, add_parts
from envs.jira.links import drop, links_of
from envs.jira.replies import field_errors, find_issue, global_error

_LISTS = ("labels", "components", "fixVersions", "versions")
_TABLES = {"priority": "priorities", "parent": "issues"}


def edit(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    """editIssue: 204, or 200 with the issue if returnIssue is true."""
    fields, verbs = arguments.get("fields") or {}, arguments.get("update") or {}
    if both := in_both(fields, verbs):
        return field_errors(both)
    if not fields and not verbs:
        return global_error(400, "No fields or update were given.")
    project = world.table("projects")[issue["project"]]
    comments, wrong_comment = added_comments(verbs.get("comment", []))
    new, errors = with_verbs(world, issue, fields, {k: v for k, v in verbs.items() if k not in PARTS})
    values, wrong = checked_fields(world, project, new)
    errors |= wrong
    kind = world.table("issuetypes")[issue["issuetype"]]
    if "parent" in values and "parent" not in errors and (misplaced := wrong_parent(world, kind, values["parent"])):
        errors["parent"] = misplaced
    if wrong_comment:
        errors["comment"] = wrong_comment
    if errors:
        return field_errors(errors)
    changed, items = changes_of(world, issue, values)
    issue = rewrite(world, issue, items, fields={**issue["fields"], **changed})
    for body in comments:
        put_comment(world, issue, body)
    if refused := add_parts(world, issue, verbs):
        return refused
    if arguments.get("returnIssue"):
        issue = world.table("issues")[issue["id"]]
        return Response(200, issue_body(world, issue, selected_fields(["*all"])))
    return Response(204)


def changes_of(world: World, issue: Record, values: Mapping[str, Json]) -> tuple[dict[str, Json], list[Record]]:
    """Return the values that differ from the issue's, and their history items. Setting one estimate keeps the other."""
    if "timetracking" in values:
        values = {**values, "timetracking": {**issue["fields"].get("timetracking", {}), **values["timetracking"]}}
    changed = {name: value for name, value in values.items() if issue["fields"].get(name) != value}
    return changed, [_change(world, name, issue["fields"].get(name), value) for name, value in changed.items()]


def in_both(fields: Mapping[str, Json], verbs: Mapping[str, Json]) -> dict[str, str]:
    """Return an error sentence for each field that a request gives both a value and verbs, by field id."""
    both = sorted(fields.keys() & verbs.keys())
    return {name: f"Field '{name}' cannot appear in both 'fields' and 'update'" for name in both}


def _listed(value: Json) -> list[Mapping[str, Json]]:
    return [step for step in value if isinstance(step, dict)] if isinstance(value, list) else []


def with_verbs(
    world: World, issue: Record, fields: Mapping[str, Json], verbs: Mapping[str, Json]
) -> tuple[dict[str, Json], dict[str, str]]:
    """Apply the verbs set, add and remove; return the fields that a request would set, and error sentences by field."""
    result, errors = dict(fields), {}
    for name, steps in verbs.items():
        old = list(issue["fields"].get(name) or [])
        value: Json = old if name == "labels" else [{"id": each} for each in old] if name in _LISTS else None
        for step in _listed(steps):
            for verb, given in step.items():
                if verb in ("set", "edit"):
                    value = given
                elif verb == "add" and name in _LISTS and isinstance(value, list):
                    value = [*value, given]
                elif verb == "remove" and name in _LISTS and isinstance(value, list):
                    value = _without(world, name, value, given)
                else:
                    errors[name] = f"Field '{name}' does not support operation '{verb}'"
        if not _listed(steps):
            errors[name] = "Operations must be a list of objects."
        result[name] = value
    return result, errors


def _without(world: World, name: str, value: list[Json], given: Json) -> list[Json]:
    if name == "labels" or not isinstance(given, dict):
        return [element for element in value if element != given]
    table = world.table("components" if name == "components" else "versions")
    removed = str(given.get("id", next((i for i, record in table.items() if record["name"] == given.get("name")), "")))
    return [element for element in value if not isinstance(element, dict) or str(element.get("id")) != removed]


def _change(world: World, name: str, before: Json, after: Json) -> Record:
    """Return the history item of a field."""
    return item(name, _id_and_text(world, name, before), _id_and_text(world, name, after))


def _id_and_text(world: World, name: str, value: Json) -> tuple[Json, Json]:
    """Return (id, text) of a field's value as history shows it; the id is None unless the value is a record."""
    if value is None:
        return None, None
    if name in ("assignee", "reporter"):
        return value, world.tables.get("users", {}).get(value, {}).get("displayName", value)
    if name in _TABLES:
        record = world.table(_TABLES[name])[value]
        return value, record.get("name", record.get("key"))
    if isinstance(value, list):
        return None, " ".join(str(element) for element in value)
    return None, value if isinstance(value, str) else str(value)


def assign(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    """assignIssue: 204. A null account removes the assignee; so does "-1", since there is no default assignee."""
    if "accountId" not in arguments:
        return field_errors({"assignee": "'accountId' must be given."})
    account = arguments["accountId"]
    account = None if account == "-1" else account
    user = world.tables.get("users", {}).get(account) if account is not None else None
    if account is not None and user is None:
        return field_errors({"assignee": "Specify a valid value for assignee"})
    if user is not None and not user["active"]:
        return field_errors({"assignee": f"User '{account}' cannot be assigned issues."})
    before = issue["fields"].get("assignee")
    items = [_change(world, "assignee", before, account)] if before != account else []
    rewrite(world, issue, items, fields={**issue["fields"], "assignee": account})
    return Response(204)


def delete(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    """deleteIssue: 204; sub-tasks need deleteSubtasks. The issue's links, comments and other records go too."""
    children = [
        child for child in world.tables.get("issues", {}).values() if child["fields"].get("parent") == issue["id"]
    ]
    types = world.table("issuetypes")
    subtasks = [child for child in children if types[child["issuetype"]]["subtask"]]
    if subtasks and str(arguments.get("deleteSubtasks", "false")).lower() != "true":
        error = f"The issue '{issue['key']}' has subtasks.  You must specify the 'deleteSubtasks' parameter to delete "
        return global_error(400, error + "this issue and all its subtasks.")
    for child in children:
        if child not in subtasks:
            orphaned = _change(world, "parent", issue["id"], None)
            rewrite(world, child, [orphaned], fields={**child["fields"], "parent": None})
    for deleted in (*subtasks, issue):
        for link in links_of(world, deleted["id"]):
            drop(world, link)
        for table in ("issue_comments", "worklogs", "remote_links", "issue_attachments"):
            for record in world.find(table, issue=deleted["id"]):
                del world.table(table)[record["id"]]
        del world.table("issues")[deleted["id"]]
    world.tick()
    return Response(204)


def fetch_many(world: World, arguments: Mapping[str, Json]) -> Response:
    """bulkFetchIssues: 200 with the issues that exist, and an error for each other."""
    names = arguments.get("issueIdsOrKeys") or []
    if not 1 <= len(names) <= 100:
        return global_error(400, "Between 1 and 100 issues can be fetched at once.")
    fields = selected_fields(arguments.get("fields") or ["*all"])
    by_name = {name: find_issue(world, str(name)) for name in names}
    issues = {issue["id"]: issue_body(world, issue, fields) for issue in by_name.values() if issue}
    errors = [{"id": str(name), "errorMessage": replies.NO_ISSUE} for name, issue in by_name.items() if issue is None]
    return Response(200, {"issues": list(issues.values()), "issueErrors": errors})


def changelog(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    """getChangeLogs: 200 with a page of history entries, oldest first."""
    entries = [history_body(world, entry) for entry in issue.get("history", [])]
    return page_bean(world, f"/issue/{issue['key']}/changelog", entries, arguments, 100)


_ISSUE = "/issue/{issueIdOrKey}"
_VALUES = {
    **OBJECT,
    "description": 'New values by field, such as {"priority": {"name": "Low"}, "assignee": {"accountId": "..."}}',
}
_OPERATIONS = {
    **OBJECT,
    "description": 'Lists of operations by field, which keep other values: {"labels": [{"add": "..."}]}',
}
ISSUE_EDITS = (
    endpoint(
        "editIssue", f"PUT {_ISSUE}", "Edits an issue.", on_issue(edit), ID_OR_KEY,
        Parameter("fields", "body", _VALUES), Parameter("update", "body", _OPERATIONS),
        query("returnIssue", {"type": "boolean"}), keep=("key",),
    ),
    endpoint(
        "assignIssue", f"PUT {_ISSUE}/assignee", "Assigns an issue to a user.", on_issue(assign), ID_OR_KEY,
        Parameter("accountId", "body", {"type": ["string", "null"]}),
    ),
    endpoint(
        "deleteIssue", f"DELETE {_ISSUE}", "Deletes an issue.", on_issue(delete), ID_OR_KEY,
        Parameter("deleteSubtasks", "query", {"type": "string"}),
    ),
    endpoint(
        "bulkFetchIssues", "POST /issue/bulkfetch", "Returns several issues.", fetch_many,
        Parameter("issueIdsOrKeys", "body", {"type": "array", "items": ID_OR_NUMBER}, required=True),
        Parameter("fields", "body", STRINGS, compact={}),
        keep=("issues.key", "issues.fields.summary", "issues.fields.status.name"), reads=True,
    ),
    endpoint(
        "getChangeLogs", f"GET {_ISSUE}/changelog", "Returns what was changed on an issue.", on_issue(changelog),
        ID_OR_KEY, START_AT, MAX_RESULTS,
        keep=("values.items.field", "values.items.fromString", "values.items.toString"),
    ),
)  # fmt: skip
