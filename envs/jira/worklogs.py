"""Worklogs of issues, and their effect on the remaining estimate: auto, leave, new or manual, never below 0."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira import durations
from envs.jira.dates import is_exact_moment
from envs.jira.endpoint import (
    DOCUMENT,
    ID_OR_KEY,
    MAX_RESULTS,
    START_AT,
    STRING,
    cut,
    endpoint,
    on_issue,
    path_id,
    query,
)
from envs.jira.fields import is_document
from envs.jira.history import item, rewrite
from envs.jira.replies import field_errors, global_error, timestamp, user_of

_NO_MOMENT = "Invalid date format. Please enter the date in the format \"yyyy-MM-dd'T'HH:mm:ss.SSSZ\"."


def _worklogs_of(world: World, issue: Record) -> list[Record]:
    return world.find("worklogs", issue=issue["id"]) if world.tables.get("worklogs") else []


def worklog_body(world: World, log: Record) -> dict[str, Json]:
    """Return a body of schema Worklog."""
    body: dict[str, Json] = {
        "self": f"{world.site}/rest/api/3/issue/{log['issue']}/worklog/{log['id']}",
        "id": log["id"],
        "issueId": log["issue"],
        "author": user_of(world, log["author"]),
        "updateAuthor": user_of(world, log["author"]),
        "created": timestamp(log["created"]),
        "updated": timestamp(log["updated"]),
        "started": log["started"],
        "timeSpent": durations.written(log["seconds"]),
        "timeSpentSeconds": log["seconds"],
    }
    return body | ({"comment": log["comment"]} if log["comment"] else {})


def worklogs_body(world: World, issue: Record, arguments: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """Return a body of schema PageOfWorklogs."""
    page, paging = cut(_worklogs_of(world, issue), arguments or {}, 5000)
    return {**paging, "worklogs": [worklog_body(world, log) for log in page]}


def time_body(world: World, issue: Record) -> dict[str, Json]:
    """Return a body of schema TimeTrackingDetails: the estimates and the total time logged."""
    stored = issue["fields"].get("timetracking", {})
    spent = sum(log["seconds"] for log in _worklogs_of(world, issue))
    parts = {"originalEstimate": stored.get("original"), "remainingEstimate": stored.get("remaining")}
    parts["timeSpent"] = spent or None
    body: dict[str, Json] = {}
    for name, value in parts.items():
        if value is not None:
            body |= {name: durations.written(value), f"{name}Seconds": value}
    return body


def _spent(arguments: Mapping[str, Json]) -> int | None:
    if "timeSpentSeconds" in arguments:
        return arguments["timeSpentSeconds"]
    return durations.seconds(arguments.get("timeSpent", ""))


def _remaining(issue: Record, arguments: Mapping[str, Json], logged: int, manual: str) -> int | None | str:
    """Return the remaining estimate in seconds after logging `logged` seconds more, or an error sentence.

    `manual` names the argument that adjustEstimate=manual requires: "reduceBy" or "increaseBy".
    """
    now = issue["fields"].get("timetracking", {}).get("remaining")
    how = arguments.get("adjustEstimate", "auto")
    if how == "leave":
        return now
    if how == "auto":
        return None if now is None else max(0, now - logged)
    name = "newEstimate" if how == "new" else manual
    given = durations.seconds(arguments.get(name, ""))
    if given is None:
        return f"You must supply a valid {name} when adjustEstimate is {how}."
    if how == "new":
        return given
    return max(0, (now or 0) + (given if manual == "increaseBy" else -given))


def _tracked(world: World, issue: Record, remaining: int | None) -> None:
    """Store the remaining estimate, with a history entry if it has changed."""
    old = issue["fields"].get("timetracking", {})
    if remaining == old.get("remaining"):
        rewrite(world, issue, [])
        return
    before = None if old.get("remaining") is None else str(old["remaining"])
    change = item("timeestimate", (before, before), (str(remaining), str(remaining)))
    rewrite(world, issue, [change], fields={**issue["fields"], "timetracking": {**old, "remaining": remaining}})


def _list(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    return Response(200, worklogs_body(world, issue, arguments))


def _add(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    seconds, comment = _spent(arguments), arguments.get("comment")
    errors = {}
    if seconds is None or seconds <= 0:
        errors["timeLogged"] = "You must indicate the time spent working."
    if comment is not None and not is_document(comment):
        errors["comment"] = "Comment body is not valid!"
    if arguments.get("started") and not is_exact_moment(arguments["started"]):
        errors["started"] = _NO_MOMENT
    remaining = _remaining(issue, arguments, seconds or 0, "reduceBy")
    if isinstance(remaining, str):
        errors["adjustEstimate"] = remaining
    if errors or isinstance(remaining, str):
        return field_errors(errors)
    _tracked(world, issue, remaining)
    now = world.now_ms
    log = {"id": world.new_id(), "issue": issue["id"], "author": world.me, "seconds": seconds, "comment": comment}
    log |= {"started": arguments.get("started") or timestamp(now), "created": now, "updated": now}
    world.table("worklogs")[log["id"]] = log
    return Response(201, worklog_body(world, log))


def _found(world: World, issue: Record, arguments: Mapping[str, Json]) -> Record | Response:
    log = world.tables.get("worklogs", {}).get(arguments.get("id", ""))
    if log is None or log["issue"] != issue["id"]:
        return global_error(404, f"Cannot find worklog with id: '{arguments.get('id', '')}'.")
    return log


def _get(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    log = _found(world, issue, arguments)
    return log if isinstance(log, Response) else Response(200, worklog_body(world, log))


def _update(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    log = _found(world, issue, arguments)
    if isinstance(log, Response):
        return log
    named = {"timeSpent", "timeSpentSeconds"} & arguments.keys()
    seconds = _spent(arguments) if named else log["seconds"]
    if seconds is None or seconds <= 0:
        return field_errors({"timeLogged": "You must indicate the time spent working."})
    comment = arguments.get("comment", log["comment"])
    if comment is not None and not is_document(comment):
        return field_errors({"comment": "Comment body is not valid!"})
    if arguments.get("started") and not is_exact_moment(arguments["started"]):
        return field_errors({"started": _NO_MOMENT})
    remaining = _remaining(issue, arguments, seconds - log["seconds"], "reduceBy")
    if isinstance(remaining, str):
        return field_errors({"adjustEstimate": remaining})
    _tracked(world, issue, remaining)
    updated = {**log, "seconds": seconds, "comment": comment, "updated": world.now_ms}
    updated["started"] = arguments.get("started") or log["started"]
    world.table("worklogs")[log["id"]] = updated
    return Response(200, worklog_body(world, updated))


def _delete(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    log = _found(world, issue, arguments)
    if isinstance(log, Response):
        return log
    remaining = _remaining(issue, arguments, -log["seconds"], "increaseBy")
    if isinstance(remaining, str):
        return field_errors({"adjustEstimate": remaining})
    _tracked(world, issue, remaining)
    del world.table("worklogs")[log["id"]]
    return Response(204)


_PATH = "/issue/{issueIdOrKey}/worklog"
_HOW = Parameter("adjustEstimate", "query", {"type": "string", "enum": ["auto", "leave", "new", "manual"]})
_NEW = Parameter("newEstimate", "query", STRING)
_STARTED = {**STRING, "description": "When the work began, such as 2021-01-17T12:34:00.000+0000."}
_WORK = (
    Parameter("timeSpent", "body", STRING),
    Parameter("timeSpentSeconds", "body", {"type": "integer"}, compact={}),
    Parameter("started", "body", _STARTED, compact={}),
    Parameter("comment", "body", DOCUMENT, compact={}, accepted_schema={}),
)
_KEPT = ("id", "timeSpent")
WORKLOGS = (
    endpoint(
        "getIssueWorklog", f"GET {_PATH}", "Returns the work logged on an issue.", on_issue(_list), ID_OR_KEY, START_AT,
        MAX_RESULTS, keep=("worklogs.timeSpent", "worklogs.id"),
    ),
    endpoint(
        "addWorklog", f"POST {_PATH}", "Logs work on an issue.", on_issue(_add), ID_OR_KEY, *_WORK, _HOW, _NEW,
        query("reduceBy"), keep=_KEPT,
    ),
    endpoint("getWorklog", f"GET {_PATH}/{{id}}", "Returns logged work.", on_issue(_get), ID_OR_KEY, path_id()),
    endpoint(
        "updateWorklog", f"PUT {_PATH}/{{id}}", "Changes logged work.", on_issue(_update), ID_OR_KEY, path_id(),
        *_WORK, _HOW, _NEW, keep=_KEPT,
    ),
    endpoint(
        "deleteWorklog", f"DELETE {_PATH}/{{id}}", "Deletes logged work.", on_issue(_delete), ID_OR_KEY, path_id(),
        _HOW, _NEW, query("increaseBy"),
    ),
)  # fmt: skip
