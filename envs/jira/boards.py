"""Boards: getAllBoards, getBoard, getAllSprints, getIssuesForBoard, getIssuesForBacklog, getIssuesForSprint (Agile)."""

from collections.abc import Callable, Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import MAX_RESULTS, START_AT, STRING, STRINGS, cut, endpoint, path_id, query
from envs.jira.issue_body import issue_body, wanted_fields
from envs.jira.jql import parse
from envs.jira.jql_tree import Jql
from envs.jira.replies import find_project, global_error
from envs.jira.world import CATEGORIES

AGILE = "/rest/agile/1.0"
_STATES = ("closed", "active", "future")
OnBoard = Callable[[World, Record, Mapping[str, Json]], Response]


def board_body(world: World, board: Record) -> dict[str, Json]:
    """Board."""
    project = world.table("projects")[board["project"]]
    location = {"projectId": int(project["id"]), "projectKey": project["key"], "projectName": project["name"]}
    location |= {"displayName": f"{project['name']} ({project['key']})", "name": location["projectName"]}
    link = f"{world.site}{AGILE}/board/{board['id']}"
    return {"id": int(board["id"]), "self": link, "name": board["name"], "type": "scrum", "location": location}


def sprint_body(world: World, sprint: Record) -> dict[str, Json]:
    """Sprint; dates only where there are any."""
    made = {"id": int(sprint["id"]), "self": f"{world.site}{AGILE}/sprint/{sprint['id']}", "state": sprint["state"]}
    made |= {"name": sprint["name"], "originBoardId": int(sprint["board"])}
    return made | {name: sprint[name] for name in ("startDate", "endDate", "completeDate", "goal") if sprint.get(name)}


def find_board(world: World, value: Json) -> Record | None:
    """A board by id, as a number or a string."""
    return world.tables.get("boards", {}).get(str(value))


def find_sprint(world: World, value: Json) -> Record | None:
    """A sprint by id, as a number or a string."""
    return world.tables.get("sprints", {}).get(str(value))


def no_board() -> Response:
    """The refusal of a board that there is not."""
    return global_error(404, "The requested board cannot be viewed because it either does not exist or you do not "
                             "have permission to view it.")  # fmt: skip


def no_sprint() -> Response:
    """The refusal of a sprint that there is not."""
    return global_error(404, "Sprint does not exist or you do not have permission to view it.")


def all_boards(world: World, arguments: Mapping[str, Json]) -> Response:
    """getAllBoards: 200 with a page of the boards of a name or a project."""
    found, named, project = world.find("boards"), arguments.get("name", "").lower(), arguments.get("projectKeyOrId")
    if project is not None:
        owner = find_project(world, project)
        if owner is None:
            return global_error(400, f"No project could be found with key or id '{project}'.")
        found = [one for one in found if one["project"] == owner["id"]]
    if arguments.get("type", "scrum") != "scrum":
        found = []
    found = [one for one in found if named in one["name"].lower()]
    return _page([board_body(world, one) for one in found], arguments)


def _page(items: list[Json], arguments: Mapping[str, Json]) -> Response:
    values, told = cut(items, arguments)
    return Response(200, {**told, "isLast": told["startAt"] + len(values) >= told["total"], "values": values})


def _on_board(handler: OnBoard) -> Callable[[World, Mapping[str, Json]], Response]:
    def found(world: World, arguments: Mapping[str, Json]) -> Response:
        board = find_board(world, arguments.get("boardId"))
        return no_board() if board is None else handler(world, board, arguments)

    return found


def get_board(world: World, board: Record, arguments: Mapping[str, Json]) -> Response:
    """getBoard: 200."""
    return Response(200, board_body(world, board))


def all_sprints(world: World, board: Record, arguments: Mapping[str, Json]) -> Response:
    """getAllSprints: 200 with a page of the board's sprints, closed ones first, then active ones."""
    states = [name for name in arguments.get("state", "").split(",") if name]
    if unknown := [name for name in states if name not in _STATES]:
        return global_error(400, f"The sprint state '{unknown[0]}' is not valid: use future, active or closed.")
    own = [one for one in world.find("sprints", board=board["id"]) if not states or one["state"] in states]
    own.sort(key=lambda one: _STATES.index(one["state"]))
    return _page([sprint_body(world, one) for one in own], arguments)


def board_issues(world: World, board: Record, arguments: Mapping[str, Json]) -> Response:
    """getIssuesForBoard: 200 with a page of the issues of the board's project."""
    return _issues(world, world.find("issues", project=board["project"]), arguments)


def backlog_issues(world: World, board: Record, arguments: Mapping[str, Json]) -> Response:
    """getIssuesForBacklog: 200 with a page of the open issues that are in no sprint, or in one that has not begun."""
    statuses, sprints = world.table("statuses"), world.tables.get("sprints", {})
    waiting = [
        issue
        for issue in world.find("issues", project=board["project"])
        if CATEGORIES[statuses[issue["status"]]["category"]]["key"] != "done"
        and sprints.get(issue.get("sprint") or "", {"state": "future"})["state"] == "future"
    ]
    return _issues(world, waiting, arguments)


def sprint_issues(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssuesForSprint: 200 with a page of a sprint's issues."""
    sprint = find_sprint(world, arguments.get("sprintId"))
    if sprint is None:
        return no_sprint()
    own = [issue for issue in world.find("issues") if issue.get("sprint") == sprint["id"]]
    return _issues(world, own, arguments)


def _issues(world: World, issues: list[Record], arguments: Mapping[str, Json]) -> Response:
    """SearchResults: a page of those issues that a query finds, if there is one."""
    if jql := arguments.get("jql"):
        try:
            found = {issue["id"] for issue in parse(world, jql).run(world)}
        except Jql as error:
            return global_error(400, str(error))
        issues = [issue for issue in issues if issue["id"] in found]
    shown, told = cut(issues, arguments)
    wanted = wanted_fields(arguments.get("fields") or ["*all"])
    return Response(
        200, {"expand": "schema,names", **told, "issues": [issue_body(world, one, wanted) for one in shown]}
    )


_BOARD, _SPRINT = f"{AGILE}/board/{{boardId}}", f"{AGILE}/sprint/{{sprintId}}"
_PAGED = (START_AT, MAX_RESULTS)
_FOUND = (*_PAGED, Parameter("jql", "query", STRING, compact={}), query("fields", STRINGS))
_KEPT = ("issues.key", "issues.fields.summary", "issues.id")
BOARDS = (
    endpoint(
        "getAllBoards", "GET", f"{AGILE}/board", "Returns the boards.", all_boards, *_PAGED,
        Parameter("name", "query", STRING), Parameter("projectKeyOrId", "query", STRING), query("type"),
        keep=("values.name", "values.id"),
    ),
    endpoint(
        "getBoard", "GET", _BOARD, "Returns a board.", _on_board(get_board), path_id("boardId"),
        keep=("name", "location.projectKey", "id"),
    ),
    endpoint(
        "getAllSprints", "GET", f"{_BOARD}/sprint", "Returns the sprints of a board.", _on_board(all_sprints),
        path_id("boardId"), *_PAGED, Parameter("state", "query", STRING),
        keep=("values.name", "values.state", "values.id"),
    ),
    endpoint(
        "getIssuesForBoard", "GET", f"{_BOARD}/issue", "Returns the issues of a board.", _on_board(board_issues),
        path_id("boardId"), *_FOUND, keep=_KEPT,
    ),
    endpoint(
        "getIssuesForBacklog", "GET", f"{_BOARD}/backlog", "Returns the issues of a board that wait.",
        _on_board(backlog_issues), path_id("boardId"), *_FOUND, keep=_KEPT,
    ),
    endpoint(
        "getIssuesForSprint", "GET", f"{_SPRINT}/issue", "Returns the issues of a sprint.", sprint_issues,
        path_id("sprintId"), *_FOUND, keep=_KEPT,
    ),
)  # fmt: skip
