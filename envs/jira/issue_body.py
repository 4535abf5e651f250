"""Issues in responses: the schema IssueBean with the requested fields."""

from collections.abc import Callable, Sequence

from envs.api.operation import Json
from envs.api.world import Record, World
from envs.jira import replies
from envs.jira.attachments import attachment_body
from envs.jira.comments import comments_body
from envs.jira.links import links_body
from envs.jira.replies import linked_issue, named_body, status_body, timestamp, user_of
from envs.jira.watchers import votes_body, watchers_body
from envs.jira.worklogs import time_body, worklogs_body
from envs.jira.world import RESOLUTIONS

EXPAND = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"
Shown = Callable[[World, Record], Json]


def _status(world: World, issue: Record) -> Json:
    return status_body(world, world.table("statuses")[issue["status"]])


def _type(world: World, issue: Record) -> Json:
    return replies.issue_type_body(world, world.table("issuetypes")[issue["issuetype"]])


def _project(world: World, issue: Record) -> Json:
    return replies.project_body(world, world.table("projects")[issue["project"]])


def _priority(world: World, issue: Record) -> Json:
    return named_body(world, "priority", world.table("priorities")[issue["fields"]["priority"]])


def _resolution(world: World, issue: Record) -> Json:
    resolution = RESOLUTIONS.get(issue.get("resolution") or "")
    return {**named_body(world, "resolution", resolution), "description": ""} if resolution else None


def _raw(name: str) -> Shown:
    return lambda world, issue: issue["fields"].get(name)


def _time(name: str) -> Shown:
    return lambda world, issue: timestamp(issue[name]) if issue.get(name) else None


def _named(name: str, table: str, kind: str) -> Shown:
    return lambda world, issue: [
        named_body(world, kind, world.table(table)[record_id]) for record_id in issue["fields"].get(name, [])
    ]


def _parent(world: World, issue: Record) -> Json:
    parent = issue["fields"].get("parent")
    return linked_issue(world, world.table("issues")[parent]) if parent else None


def _subtasks(world: World, issue: Record) -> Json:
    types = world.table("issuetypes")
    if not any(kind["subtask"] for kind in types.values()):
        return []
    children = [
        child for child in world.tables.get("issues", {}).values() if child["fields"].get("parent") == issue["id"]
    ]
    return [linked_issue(world, child) for child in children if types[child["issuetype"]]["subtask"]]


def _attachments(world: World, issue: Record) -> Json:
    files = world.find("issue_attachments", issue=issue["id"]) if world.tables.get("issue_attachments") else []
    return [attachment_body(world, file) for file in files]


FIELDS: dict[str, Shown] = {
    "summary": _raw("summary"),
    "description": _raw("description"),
    "environment": _raw("environment"),
    "issuetype": _type,
    "project": _project,
    "status": _status,
    "priority": _priority,
    "labels": _raw("labels"),
    "duedate": _raw("duedate"),
    "created": _time("created"),
    "updated": _time("updated"),
    "assignee": lambda world, issue: user_of(world, issue["fields"].get("assignee")),
    "reporter": lambda world, issue: user_of(world, issue["fields"].get("reporter", world.me)),
    "creator": lambda world, issue: user_of(world, issue.get("creator", world.me)),
    "resolution": _resolution,
    "resolutiondate": _time("resolutiondate"),
    "statuscategorychangedate": _time("statuscategorychangedate"),
    "components": _named("components", "components", "component"),
    "fixVersions": _named("fixVersions", "versions", "version"),
    "versions": _named("versions", "versions", "version"),
    "parent": _parent,
    "subtasks": _subtasks,
    "issuelinks": links_body,
    "comment": comments_body,
    "worklog": worklogs_body,
    "timetracking": time_body,
    "watches": watchers_body,
    "votes": votes_body,
    "attachment": _attachments,
}


def selected_fields(selectors: Sequence[str]) -> list[str]:
    """Return the fields that selectors choose: names, *all, *navigable, and -name to exclude a field.

    A selector may be a comma-separated list. Exclusions alone exclude from all fields.
    """
    names = [name for group in selectors for name in group.split(",") if name]
    excluded = {name[1:] for name in names if name.startswith("-")}
    if {"*all", "*navigable"} & set(names) or (excluded and len(excluded) == len(names)):
        return [name for name in FIELDS if name not in excluded]
    return [name for name in dict.fromkeys(names) if name in FIELDS and name not in excluded]


def issue_body(world: World, issue: Record, names: Sequence[str], expand: Sequence[str] = ()) -> dict[str, Json]:
    """Return a body of schema IssueBean with the named fields; `expand` may add "changelog" and "names"."""
    link = f"{world.site}/rest/api/3/issue/{issue['id']}"
    fields = {name: FIELDS[name](world, issue) for name in names}
    body: dict[str, Json] = {"expand": EXPAND, "id": issue["id"], "self": link, "key": issue["key"], "fields": fields}
    if "changelog" in expand:
        entries = [history_body(world, entry) for entry in reversed(issue.get("history", []))]
        body["changelog"] = {
            "startAt": 0, "maxResults": len(entries), "total": len(entries), "histories": entries
        }  # fmt: skip
    if "names" in expand:
        body["names"] = {name: name.capitalize() for name in names}
    return body


def history_body(world: World, entry: Record) -> dict[str, Json]:
    """Return a body of schema Changelog."""
    author, created = user_of(world, entry["author"]), timestamp(entry["created"])
    return {"id": entry["id"], "author": author, "created": created, "items": entry["items"]}
