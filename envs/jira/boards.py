"""Boards of the Agile API: getAllBoards, getBoard, getAllSprints, getIssuesForBoard, -Backlog and -Sprint."""

from collections.abc import Callable, Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import MAX_RESULTS, START_AT, STRING, STRINGS, cut, endpoint, path_id, query
from envs.jira.issue_body import issue_body, selected_fields
from envs.jira.jql import parse
from envs.jira.jql_tree import Jql
from envs.jira.replies import find_project, global_error
from envs.jira.world import CATEGORIES

AGILE = "/rest/agile/1.0"
_STATES = ("closed", "active", "future")
OnBoard = Callable[[World, Record, Mapping[str, Json]], Response]


def board_body(world: World, board: Record) -> dict[str, Json]:
    """Return a body of schema Board."""
    project = world.table("projects")[board["project"]]
    location = {"projectId": int(project["id"]), "projectKey": project["key"], "projectName": project["name"]}
    location |= {"displayName": f"{project['name']} ({project['key']})", "name": location["projectName"]}
    link = f"{world.site}{AGILE}/board/{board['id']}"
    return {"id": int(board["id"]), "self": link, "name": board["name"], "type": "scrum", "location": location}


def sprint_body(world: World, sprint: Record) -> dict[str, Json]:
    """Return a body of schema Sprint, with dates and goal only if they are set."""
    body = {"id": int(sprint["id"]), "self": f"{world.site}{AGILE}/sprint/{sprint['id']}", "state": sprint["state"]}
    body |= {"name": sprint["name"], "originBoardId": int(sprint["board"])}
    return body | {name: sprint[name] for name in ("startDate", "endDate", "completeDate", "goal") if sprint.get(name)}


def find_board(world: World, value: Json) -> Record | None:
    """Return the board of an id (number or string), or None."""
    return world.tables.get("boards", {}).get(str(value))


def find_sprint(world: World, value: Json) -> Record | None:
    """Return the sprint of an id (number or string), or None."""
    return world.tables.get("sprints", {}).get(str(value))


def no_board() -> Response:
    """Return the error for an unknown board."""
    return global_error(404, "The requested board cannot be viewed because it either does not exist or you do not "
                             "have permission to view it.")  # fmt: skip


def no_sprint() -> Response:
    """Return the error for an unknown sprint."""
    return global_error(404, "Sprint does not exist or you do not have permission to view it.")


def all_boards(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAllBoards: 200 with a page of boards, filtered by name, project and type."""
    boards, named, project = world.find("boards"), arguments.get("name", "").lower(), arguments.get("projectKeyOrId")
    if project is not None:
        owner = find_project(world, project)
        if owner is None:
            return global_error(400, f"No project could be found with key or id '{project}'.")
        boards = [board for board in boards if board["project"] == owner["id"]]
    if arguments.get("type", "scrum") != "scrum":
        boards = []
    boards = [board for board in boards if named in board["name"].lower()]
    return _page([board_body(world, board) for board in boards], arguments)


def _page(items: list[Json], arguments: Mapping[str, Json]) -> Response:
    values, paging = cut(items, arguments)
    return Response(200, {**paging, "isLast": paging["startAt"] + len(values) >= paging["total"], "values": values})


def _on_board(handler: OnBoard) -> Callable[[World, Mapping[str, Json]], Response]:
    """Return a handler that first looks up the board of the path; 404 if there is none."""

    def with_board(world: World, arguments: Mapping[str, Json]) -> Response:
        board = find_board(world, arguments.get("boardId"))
        return no_board() if board is None else handler(world, board, arguments)

    return with_board


def get_board(world: World, board: Record, arguments: Mapping[str, Json]) -> Response:
    """getBoard: 200 with the board."""
    return Response(200, board_body(world, board))


def all_sprints(world: World, board: Record, arguments: Mapping[str, Json]) -> Response:
    """getAllSprints: 200 with a page of the board's sprints: closed ones, then active, then future."""
    states = [name for name in arguments.get("state", "").split(",") if name]
    if unknown := [name for name in states if name not in _STATES]:
        return global_error(400, f"The sprint state '{unknown[0]}' is not valid: use future, active or closed.")
    sprints = [s for s in world.find("sprints", board=board["id"]) if not states or s["state"] in states]
    sprints.sort(key=lambda sprint: _STATES.index(sprint["state"]))
    return _page([sprint_body(world, sprint) for sprint in sprints], arguments)


def board_issues(world: World, board: Record, arguments: Mapping[str, Json]) -> Response:
    """getIssuesForBoard: 200 with a page of the issues of the board's project."""
    return _issues(world, world.find("issues", project=board["project"]), arguments)


def backlog_issues(world: World, board: Record, arguments: Mapping[str, Json]) -> Response:
    """getIssuesForBacklog: 200 with a page of the board's open issues that are in no sprint or in a future one."""
    statuses, sprints = world.table("statuses"), world.tables.get("sprints", {})
    waiting = [
        issue
        for issue in world.find("issues", project=board["project"])
        if CATEGORIES[statuses[issue["status"]]["category"]]["key"] != "done"
        and sprints.get(issue.get("sprint") or "", {"state": "future"})["state"] == "future"
    ]
    return _issues(world, waiting, arguments)


def sprint_issues(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssuesForSprint: 200 with a page of the sprint's issues."""
    sprint = find_sprint(world, arguments.get("sprintId"))
    if sprint is None:
        return no_sprint()
    issues = [issue for issue in world.find("issues") if issue.get("sprint") == sprint["id"]]
    return _issues(world, issues, arguments)


def _issues(world: World, issues: list[Record], arguments: Mapping[str, Json]) -> Response:
    """Return a page of the issues, filtered by `jql` if it is given (schema SearchResults)."""
    if jql := arguments.get("jql"):
        try:
            matching_ids = {issue["id"] for issue in parse(world, jql).run(world)}
        except Jql as error:
            return global_error(400, str(error))
        issues = [issue for issue in issues if issue["id"] in matching_ids]
    page, paging = cut(issues, arguments)
    fields = selected_fields(arguments.get("fields") or ["*all"])
    bodies = [issue_body(world, issue, fields) for issue in page]
    return Response(200, {"expand": "schema,names", **paging, "issues": bodies})


_BOARD, _SPRINT = f"{AGILE}/board/{{boardId}}", f"{AGILE}/sprint/{{sprintId}}"
_PAGED = (START_AT, MAX_RESULTS)
_STATE = {**STRING, "description": "future, active or closed, or several with commas between them."}
_FOUND = (*_PAGED, Parameter("jql", "query", STRING, compact={}), query("fields", STRINGS))
_KEPT = ("issues.key", "issues.fields.summary", "issues.id")
BOARDS = (
    endpoint(
        "getAllBoards", f"GET {AGILE}/board", "Returns the boards.", all_boards, *_PAGED,
        Parameter("name", "query", STRING), Parameter("projectKeyOrId", "query", STRING), query("type"),
        keep=("values.name", "values.id"),
    ),
    endpoint(
        "getBoard", f"GET {_BOARD}", "Returns a board.", _on_board(get_board), path_id("boardId"),
        keep=("name", "location.projectKey", "id"),
    ),
    endpoint(
        "getAllSprints", f"GET {_BOARD}/sprint", "Returns the sprints of a board.", _on_board(all_sprints),
        path_id("boardId"), *_PAGED, Parameter("state", "query", _STATE, compact=STRING),
        keep=("values.name", "values.state", "values.id"),
    ),
    endpoint(
        "getIssuesForBoard", f"GET {_BOARD}/issue", "Returns the issues of a board.", _on_board(board_issues),
        path_id("boardId"), *_FOUND, keep=_KEPT,
    ),
    endpoint(
        "getIssuesForBacklog", f"GET {_BOARD}/backlog", "Returns the issues of a board that wait.",
        _on_board(backlog_issues), path_id("boardId"), *_FOUND, keep=_KEPT,
    ),
    endpoint(
        "getIssuesForSprint", f"GET {_SPRINT}/issue", "Returns the issues of a sprint.", sprint_issues,
        path_id("sprintId"), *_FOUND, keep=_KEPT,
    ),
)  # fmt: skip
