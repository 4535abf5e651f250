"""Jira's error responses, and the bodies of records in responses. The sentences are the real site's, word for word."""

from datetime import UTC, datetime

from envs.api.operation import Json, Response
from envs.api.world import Record, World
from envs.jira.world import CATEGORIES

NOT_JSON_SHAPE = "Invalid request payload. Refer to the REST API documentation and try again."
NO_ISSUE = "Issue does not exist or you do not have permission to see it."
OTHER_PROJECT = "The parent issue belongs to another project."
RICH_TEXT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


def global_error(status: int, *sentences: str) -> Response:
    """Return an error that concerns no single field."""
    return Response(status, {"errorMessages": list(sentences), "errors": {}})


def field_errors(errors: dict[str, str], status: int = 400) -> Response:
    """Return an error with one sentence per field."""
    return Response(status, {"errorMessages": [], "errors": errors})


def wrong_shape(why: str) -> Response:
    """Return the error for invalid arguments. Unlike the real site's it says why, so that a model can learn."""
    return Response(400, {"errorMessages": [NOT_JSON_SHAPE, why]})


def timestamp(ms: int) -> str:
    """Return a time (Unix milliseconds) in Jira's format, with milliseconds and an offset without colon."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def find_issue(world: World, id_or_key: str) -> Record | None:
    """Return the issue of a numeric id or a key (in any case), or None."""
    key = id_or_key.upper()
    issues = world.tables.get("issues", {})
    return issues.get(id_or_key) or next((issue for issue in issues.values() if issue["key"] == key), None)


def find_project(world: World, id_or_key: str) -> Record | None:
    """Return the project of a numeric id or a key (in any case), or None."""
    key = id_or_key.upper()
    projects = world.tables.get("projects", {})
    return projects.get(id_or_key) or next((project for project in projects.values() if project["key"] == key), None)


def no_project(id_or_key: str, status: int = 404) -> Response:
    """Return the error for an unknown project."""
    kind = "id" if id_or_key.isdigit() else "key"
    return global_error(status, f"No project could be found with {kind} '{id_or_key}'.")


def named(world: World, table: str, value: Json) -> Record | None:
    """Return the record of a table that {"id"} or {"name"} identifies, or None."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("id"), str | int):
        return world.tables.get(table, {}).get(str(value["id"]))
    return next(iter(world.find(table, name=value.get("name"))), None)


def user_body(world: World, user: Record) -> dict[str, Json]:
    """Return a body of schema User."""
    account = user["accountId"]
    avatars = {f"{size}x{size}": f"{world.site}/avatar.png?size={size}" for size in (16, 24, 32, 48)}
    return {
        "self": f"{world.site}/rest/api/3/user?accountId={account}",
        "accountId": account,
        "accountType": "atlassian",
        "avatarUrls": avatars,
        "displayName": user.get("displayName", ""),
        "active": user.get("active", True),
        "timeZone": "Etc/UTC",
    }


def user_of(world: World, account: str | None) -> Json:
    """Return a body of schema UserDetails for an account id; None for None."""
    return (
        None
        if account is None
        else user_body(world, world.tables.get("users", {}).get(account, {"accountId": account}))
    )


def status_body(world: World, status: Record) -> Json:
    """Return a body of schema StatusDetails."""
    return {
        "self": f"{world.site}/rest/api/3/status/{status['id']}",
        "description": "",
        "iconUrl": f"{world.site}/images/icons/statuses/generic.png",
        "name": status["name"],
        "id": status["id"],
        "statusCategory": category_body(world, CATEGORIES[status["category"]]),
    }


def category_body(world: World, category: Record) -> Json:
    """Return a body of schema StatusCategory."""
    return {"self": f"{world.site}/rest/api/3/statuscategory/{category['id']}", **category}


def named_body(world: World, kind: str, record: Record) -> Json:
    """Return the body of a record that has only an id and a name, such as a priority."""
    return {"self": f"{world.site}/rest/api/3/{kind}/{record['id']}", "id": record["id"], "name": record["name"]}


def issue_type_body(world: World, record: Record) -> Json:
    """Return a body of schema IssueTypeDetails."""
    return {
        "self": f"{world.site}/rest/api/3/issuetype/{record['id']}",
        "id": record["id"],
        "description": "",
        "iconUrl": f"{world.site}/images/icons/issuetypes/{record['name'].lower()}.png",
        "name": record["name"],
        "subtask": record["subtask"],
        "hierarchyLevel": record["hierarchyLevel"],
    }


def project_body(world: World, record: Record) -> Json:
    """Return a body of schema Project, as it appears inside an issue."""
    return {
        "self": f"{world.site}/rest/api/3/project/{record['id']}",
        "id": record["id"],
        "key": record["key"],
        "name": record["name"],
        "projectTypeKey": "software",
        "simplified": False,
    }


def linked_issue(world: World, issue: Record) -> dict[str, Json]:
    """Return a body of schema LinkedIssue, as an issue appears inside another one."""
    stored, table = issue["fields"], world.table
    fields = {"summary": stored["summary"], "status": status_body(world, table("statuses")[issue["status"]])}
    fields |= {"priority": named_body(world, "priority", table("priorities")[stored["priority"]])}
    fields |= {"issuetype": issue_type_body(world, table("issuetypes")[issue["issuetype"]])}
    link = f"{world.site}/rest/api/3/issue/{issue['id']}"
    return {"id": issue["id"], "key": issue["key"], "self": link, "fields": fields}
