"""Validate the values of issue fields: convert a request's JSON to the stored value, or to an error sentence."""

from collections.abc import Callable, Mapping

from envs.api.operation import Json
from envs.api.world import Record, World
from envs.jira import durations, replies
from envs.jira.dates import is_day
from envs.jira.replies import find_issue, named

NOT_ON_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
NO_SUMMARY = "You must specify a summary of the issue."
Checked = tuple[Json, str]
"""(stored value, error sentence or an empty string)."""


def checked_fields(world: World, project: Record, fields: Mapping[str, Json]) -> tuple[dict[str, Json], dict[str, str]]:
    """Return the stored values by field id, and the error sentences by field id."""
    values: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for name, value in fields.items():
        if name not in CHECKS:
            errors[name] = NOT_ON_SCREEN.format(name)
            continue
        values[name], wrong = CHECKS[name](world, project, value)
        if wrong:
            errors[name] = wrong
    return values, errors


def _summary(world: World, project: Record, value: Json) -> Checked:
    if not isinstance(value, str) or not value.strip():
        return value, NO_SUMMARY
    if "\n" in value or "\r" in value:
        return value, "The summary is invalid because it contains newline characters."
    return value, "Summary must be less than 255 characters." if len(value) > 255 else ""


def _document(world: World, project: Record, value: Json) -> Checked:
    return value, "" if value is None or is_document(value) else replies.RICH_TEXT


def _priority(world: World, project: Record, value: Json) -> Checked:
    priority = named(world, "priorities", value)
    return (priority["id"], "") if priority else (value, "Specify a valid 'id' or 'name' for priority")


def _labels(world: World, project: Record, value: Json) -> Checked:
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        return value, "data was not an array"
    spaced = next((label for label in value if " " in label), None)
    # Labels are a set: the site stores them sorted, without duplicates.
    return sorted(set(value)), f"The label '{spaced}' contains spaces which is invalid." if spaced else ""


def _duedate(world: World, project: Record, value: Json) -> Checked:
    return value, "" if value is None or is_day(value) else "Error parsing date string: expected yyyy-MM-dd"


def _assignee(world: World, project: Record, value: Json) -> Checked:
    account = account_of(value)
    named_none = account is None and isinstance(value, dict) and {"accountId", "id"} & value.keys()
    # "-1" chooses the default assignee, and there is none.
    if value is None or named_none or account == "-1":
        return None, ""
    user = world.tables.get("users", {}).get(account or "")
    if user is None:
        return value, "Specify a valid value for assignee"
    return account, "" if user["active"] else f"User '{account}' cannot be assigned issues."


def _reporter(world: World, project: Record, value: Json) -> Checked:
    account = account_of(value)
    return account, "" if account in world.table("users") else "The reporter specified is not a user."


def account_of(value: Json) -> str | None:
    """Return the account id in {"accountId"} or {"id"}; None if there is none."""
    if not isinstance(value, dict):
        return None
    account = value.get("accountId", value.get("id"))
    return account if isinstance(account, str) else None


def _of_project(table: str, what: str) -> Callable[[World, Record, Json], Checked]:
    """Return the check of a list of the project's records, each given by id or name."""

    def check(world: World, project: Record, value: Json) -> Checked:
        if not isinstance(value, list):
            return value, "data was not an array"
        records, ids = world.find(table, project=project["id"]), []
        for element in value:
            given = element if isinstance(element, dict) else {}
            matches = [record for record in records if str(given.get("id")) == record["id"]]
            if not matches and given.get("id") is None:
                matches = [record for record in records if given.get("name") == record["name"]]
            if not matches:
                shown = given.get("name", given.get("id", ""))
                return value, f"{what} name '{shown}' is not valid"
            ids.append(matches[0]["id"])
        return list(dict.fromkeys(ids)), ""

    return check


def _parent(world: World, project: Record, value: Json) -> Checked:
    if value is None:
        return None, ""
    given = value if isinstance(value, dict) else {}
    parent = find_issue(world, str(given.get("key") or given.get("id") or ""))
    if parent is None:
        return value, "Could not find issue by id or key."
    return parent["id"], "" if parent["project"] == project["id"] else replies.OTHER_PROJECT


def _timetracking(world: World, project: Record, value: Json) -> Checked:
    if not isinstance(value, dict):
        return value, "Operation value must be an object"
    stored = {}
    for name, key in (("originalEstimate", "original"), ("remainingEstimate", "remaining")):
        if name in value:
            seconds = durations.seconds(value[name]) if isinstance(value[name], str) else None
            if seconds is None:
                return value, f"The {name[:-8]} estimate specified is not valid."
            stored[key] = seconds
    return stored, ""


CHECKS: dict[str, Callable[[World, Record, Json], Checked]] = {
    "summary": _summary,
    "description": _document,
    "environment": _document,
    "priority": _priority,
    "labels": _labels,
    "duedate": _duedate,
    "assignee": _assignee,
    "reporter": _reporter,
    "components": _of_project("components", "Component"),
    "fixVersions": _of_project("versions", "Version"),
    "versions": _of_project("versions", "Version"),
    "parent": _parent,
    "timetracking": _timetracking,
}


def wrong_parent(world: World, issue_type: Record, parent: str | None) -> str:
    """Return why an issue of a type cannot have this parent, or an empty string; a parent is one level higher."""
    if parent is None:
        return "Parent issue is required for sub-task issue types." if issue_type["subtask"] else ""
    above = world.table("issuetypes")[world.table("issues")[parent]["issuetype"]]
    fits = above["hierarchyLevel"] == issue_type["hierarchyLevel"] + 1
    return "" if fits else "Given parent issue does not belong to the appropriate hierarchy level."


def is_document(value: Json, depth: int = 0) -> bool:
    """Return whether a value is an Atlassian Document: a doc of version 1 whose nodes have types, and text nodes text.

    Attributes of a node must be an object, its marks a list of objects with a type. Inner calls have `depth` > 0.
    """
    if not isinstance(value, dict) or not isinstance(value.get("type"), str) or depth > 50:
        return False
    if depth == 0:
        version = value.get("version")
        return value["type"] == "doc" and version == 1 and not isinstance(version, bool) and _nodes(value, 1)
    marks = value.get("marks", [])
    if not isinstance(value.get("attrs", {}), dict) or not isinstance(marks, list) or not all(map(_is_mark, marks)):
        return False
    if value["type"] == "text":
        return isinstance(value.get("text"), str)
    return "content" not in value or _nodes(value, depth + 1)


def _is_mark(value: Json) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str) and isinstance(value.get("attrs", {}), dict)


def _nodes(node: Mapping[str, Json], depth: int) -> bool:
    content = node.get("content")
    return isinstance(content, list) and all(is_document(inner, depth) for inner in content)


def plain_text(node: Json) -> str:
    """Return the text of a document without formatting, for searching."""
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "text":
        return str(node.get("text", ""))
    return " ".join(plain_text(inner) for inner in node.get("content", []))
