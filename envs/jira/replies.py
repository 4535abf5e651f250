"""Jira's error bodies, and the shapes of records in answers. Sentences are wire data, quoted as the real site sends
them."""

from datetime import UTC, datetime

from envs.api.operation import Json, Response
from envs.api.world import Record, World
from envs.jira.world import CATEGORIES

NOT_JSON_SHAPE = "Invalid request payload. Refer to the REST API documentation and try again."
NO_ISSUE = "Issue does not exist or you do not have permission to see it."
OTHER_PROJECT = "The parent issue belongs to another project."
RICH_TEXT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"


def global_error(status: int, *sentences: str) -> Response:
    """A refusal that concerns no single field."""
    return Response(status, {"errorMessages": list(sentences), "errors": {}})


def field_errors(errors: dict[str, str], status: int = 400) -> Response:
    """A refusal that names fields."""
    return Response(status, {"errorMessages": [], "errors": errors})


def wrong_shape(why: str) -> Response:
    """The answer to arguments of the wrong JSON type. The real site does not say which; a model must know to learn."""
    return Response(400, {"errorMessages": [NOT_JSON_SHAPE, why]})


def timestamp(ms: int) -> str:
    """Jira's form of a time: milliseconds and an offset without colon."""
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def find_issue(world: World, id_or_key: str) -> Record | None:
    """An issue by numeric id or by key, the latter without regard to case."""
    wanted = id_or_key.upper()
    by_id = world.tables.get("issues", {}).get(id_or_key)
    return by_id or next((issue for issue in world.tables.get("issues", {}).values() if issue["key"] == wanted), None)


def find_project(world: World, id_or_key: str) -> Record | None:
    """A project by id or by key, the latter without regard to case."""
    wanted = id_or_key.upper()
    by_id = world.tables.get("projects", {}).get(id_or_key)
    return by_id or next((one for one in world.tables.get("projects", {}).values() if one["key"] == wanted), None)


def no_project(id_or_key: str, status: int = 404) -> Response:
    """The refusal of a project that there is not."""
    how = "id" if id_or_key.isdigit() else "key"
    return global_error(status, f"No project could be found with {how} '{id_or_key}'.")


def named(world: World, table: str, value: Json) -> Record | None:
    """A record by {"id"} or {"name"}."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("id"), str | int):
        return world.tables.get(table, {}).get(str(value["id"]))
    return next(iter(world.find(table, name=value.get("name"))), None)


def user_body(world: World, user: Record) -> dict[str, Json]:
    """User."""
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
    """UserDetails of an account id, or None."""
    return (
        None
        if account is None
        else user_body(world, world.tables.get("users", {}).get(account, {"accountId": account}))
    )


def status_body(world: World, status: Record) -> Json:
    """StatusDetails."""
    return {
        "self": f"{world.site}/rest/api/3/status/{status['id']}",
        "description": "",
        "iconUrl": f"{world.site}/images/icons/statuses/generic.png",
        "name": status["name"],
        "id": status["id"],
        "statusCategory": category_body(world, CATEGORIES[status["category"]]),
    }


def category_body(world: World, category: Record) -> Json:
    """StatusCategory."""
    return {"self": f"{world.site}/rest/api/3/statuscategory/{category['id']}", **category}


def named_body(world: World, kind: str, record: Record) -> Json:
    """Priority and other records that are an id and a name."""
    return {"self": f"{world.site}/rest/api/3/{kind}/{record['id']}", "id": record["id"], "name": record["name"]}


def issue_type_body(world: World, record: Record) -> Json:
    """IssueTypeDetails."""
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
    """Project, as it appears inside an issue."""
    return {
        "self": f"{world.site}/rest/api/3/project/{record['id']}",
        "id": record["id"],
        "key": record["key"],
        "name": record["name"],
        "projectTypeKey": "software",
        "simplified": False,
    }


def linked_issue(world: World, issue: Record) -> dict[str, Json]:
    """LinkedIssue: another issue inside an issue."""
    kept, table = issue["fields"], world.table
    fields = {"summary": kept["summary"], "status": status_body(world, table("statuses")[issue["status"]])}
    fields |= {"priority": named_body(world, "priority", table("priorities")[kept["priority"]])}
    fields |= {"issuetype": issue_type_body(world, table("issuetypes")[issue["issuetype"]])}
    link = f"{world.site}/rest/api/3/issue/{issue['id']}"
    return {"id": issue["id"], "key": issue["key"], "self": link, "fields": fields}
