"""Sprints of the Agile API: createSprint, getSprint, partiallyUpdateSprint, updateSprint, deleteSprint, moving issues.

A sprint goes from future to active, which requires dates, and then to closed, never back. An issue is in at most one
sprint. Issues that are not done when their sprint is closed go back to the backlog.
"""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.boards import AGILE, find_board, find_sprint, no_board, no_sprint, sprint_body
from envs.jira.dates import is_after, is_moment
from envs.jira.endpoint import STRING, STRINGS, endpoint, path_id
from envs.jira.history import item, rewrite
from envs.jira.replies import NO_ISSUE, field_errors, find_issue, global_error, timestamp
from envs.jira.world import CATEGORIES

_NEXT = {"future": "active", "active": "closed"}
_MOST = 50


def create(world: World, arguments: Mapping[str, Json]) -> Response:
    """createSprint: 201 with a future sprint."""
    if not str(arguments.get("name", "")).strip():
        return field_errors({"name": "Sprint name must be specified."})
    if "originBoardId" not in arguments:
        return field_errors({"originBoardId": "The origin board must be specified."})
    board = find_board(world, arguments["originBoardId"])
    if board is None:
        return no_board()
    if errors := _wrong_dates(arguments):
        return field_errors(errors)
    world.tick()
    sprint = {"id": world.new_id(), "board": board["id"], "state": "future", "name": arguments["name"]}
    sprint |= {name: arguments[name] for name in ("goal", "startDate", "endDate") if arguments.get(name)}
    world.table("sprints")[sprint["id"]] = sprint
    return Response(201, sprint_body(world, sprint))


def get(world: World, arguments: Mapping[str, Json]) -> Response:
    """getSprint: 200 with the sprint."""
    sprint = find_sprint(world, arguments.get("sprintId"))
    return no_sprint() if sprint is None else Response(200, sprint_body(world, sprint))


def change(world: World, arguments: Mapping[str, Json]) -> Response:
    """partiallyUpdateSprint: 200 with the sprint; values not given stay the same."""
    sprint = find_sprint(world, arguments.get("sprintId"))
    if sprint is None:
        return no_sprint()
    given = {name: arguments[name] for name in ("name", "goal", "startDate", "endDate") if name in arguments}
    return _changed(world, sprint, given, arguments.get("state", sprint["state"]))


def replace(world: World, arguments: Mapping[str, Json]) -> Response:
    """updateSprint: 200 with the sprint; name and state are required, and values not given are cleared."""
    sprint = find_sprint(world, arguments.get("sprintId"))
    if sprint is None:
        return no_sprint()
    missing = [name for name in ("name", "state") if not arguments.get(name)]
    if missing:
        return field_errors({name: f"Sprint {name} must be specified." for name in missing})
    given = {name: arguments.get(name) for name in ("name", "goal", "startDate", "endDate")}
    return _changed(world, sprint, given, arguments["state"])


def _changed(world: World, sprint: Record, given: Mapping[str, Json], state: str) -> Response:
    if state != sprint["state"] and state != _NEXT.get(sprint["state"]):
        return field_errors({"state": f"A sprint cannot go from {sprint['state']} to {state}."})
    if "name" in given and not str(given["name"] or "").strip():
        return field_errors({"name": "Sprint name must be specified."})
    new = {**sprint, **given, "state": state}
    if errors := _wrong_dates(new):
        return field_errors(errors)
    if state == "active" and not (new.get("startDate") and new.get("endDate")):
        missing = [name for name in ("startDate", "endDate") if not new.get(name)]
        return field_errors({name: "A sprint needs its dates before it is started." for name in missing})
    now = world.tick()
    if state == "closed" and sprint["state"] == "active":
        new["completeDate"] = timestamp(now)
        _release(world, sprint, open_only=True)
    world.table("sprints")[sprint["id"]] = new
    return Response(200, sprint_body(world, new))


def _wrong_dates(sprint: Mapping[str, Json]) -> dict[str, str]:
    """Return error sentences about a sprint's dates, by field."""
    given = {name: sprint[name] for name in ("startDate", "endDate") if sprint.get(name)}
    wrong = {name: "The date must be in ISO 8601 format." for name, value in given.items() if not is_moment(value)}
    if not wrong and len(given) == 2 and not is_after(given["endDate"], given["startDate"]):
        return {"endDate": "The start date of a sprint must be before the end date."}
    return wrong


def delete(world: World, arguments: Mapping[str, Json]) -> Response:
    """deleteSprint: 204; its issues go back to the backlog."""
    sprint = find_sprint(world, arguments.get("sprintId"))
    if sprint is None:
        return no_sprint()
    world.tick()
    _release(world, sprint, open_only=False)
    del world.table("sprints")[sprint["id"]]
    return Response(204)


def _release(world: World, sprint: Record, open_only: bool) -> None:
    statuses = world.table("statuses")
    for issue in world.find("issues"):
        done = CATEGORIES[statuses[issue["status"]]["category"]]["key"] == "done"
        if issue.get("sprint") == sprint["id"] and not (open_only and done):
            _put(world, issue, None)


def _put(world: World, issue: Record, sprint: Record | None) -> None:
    before = find_sprint(world, issue.get("sprint"))
    if before == sprint:
        return
    old, new = ((record["id"], record["name"]) if record else (None, None) for record in (before, sprint))
    rewrite(world, issue, [item("Sprint", old, new)], sprint=sprint["id"] if sprint else None)


def move_to_sprint(world: World, arguments: Mapping[str, Json]) -> Response:
    """moveIssuesToSprintAndRank: 204; moves all issues or none."""
    sprint = find_sprint(world, arguments.get("sprintId"))
    if sprint is None:
        return no_sprint()
    if sprint["state"] == "closed":
        return global_error(400, "Issues cannot be moved to a closed sprint.")
    return _moved(world, arguments, sprint)


def move_to_backlog(world: World, arguments: Mapping[str, Json]) -> Response:
    """moveIssuesToBacklog: 204; moves all issues or none."""
    return _moved(world, arguments, None)


def _moved(world: World, arguments: Mapping[str, Json], sprint: Record | None) -> Response:
    names = arguments.get("issues") or []
    if not 1 <= len(names) <= _MOST:
        return global_error(400, f"Between 1 and {_MOST} issues can be moved at once.")
    issues = [find_issue(world, name) for name in names]
    if None in issues:
        return global_error(404, NO_ISSUE)
    world.tick()
    for issue in {issue["id"]: issue for issue in issues if issue}.values():
        _put(world, issue, sprint)
    return Response(204)


_ROOT, _ID = f"{AGILE}/sprint", path_id("sprintId")
_BODY = tuple(Parameter(name, "body", STRING, compact={}) for name in ("goal", "startDate", "endDate"))
_STATE = Parameter("state", "body", {"type": "string", "enum": ["future", "active", "closed"]})
_ISSUES = Parameter("issues", "body", {**STRINGS, "description": "IDs or keys of issues."}, required=True)
_KEPT = ("name", "state", "id")
SPRINTS = (
    endpoint(
        "createSprint", f"POST {_ROOT}", "Creates a future sprint.", create, Parameter("name", "body", STRING),
        Parameter("originBoardId", "body", {"type": ["integer", "string"]}), *_BODY, keep=_KEPT,
    ),
    endpoint("getSprint", f"GET {_ROOT}/{{sprintId}}", "Returns a sprint.", get, _ID, keep=_KEPT),
    endpoint(
        "partiallyUpdateSprint", f"POST {_ROOT}/{{sprintId}}", "Changes what is given of a sprint.", change, _ID,
        Parameter("name", "body", STRING), _STATE, *_BODY, keep=_KEPT,
    ),
    endpoint(
        "updateSprint", f"PUT {_ROOT}/{{sprintId}}", "Replaces a sprint's values.", replace, _ID,
        Parameter("name", "body", STRING), _STATE, *_BODY, keep=_KEPT,
    ),
    endpoint("deleteSprint", f"DELETE {_ROOT}/{{sprintId}}", "Deletes a sprint.", delete, _ID),
    endpoint(
        "moveIssuesToSprintAndRank", f"POST {_ROOT}/{{sprintId}}/issue", "Moves issues to a sprint.",
        move_to_sprint, _ID, _ISSUES,
    ),
    endpoint(
        "moveIssuesToBacklog", f"POST {AGILE}/backlog/issue", "Takes issues out of their sprints.", move_to_backlog,
        _ISSUES,
    ),
)  # fmt: skip
