"""The workflow of an issue: getTransitions, doTransition.

Transition ids belong to a workflow: the same name or target has another id in another project, so they have to be read.
"""

from collections.abc import Mapping

from envs.jira import replies
from envs.jira.endpoint import ID_OR_KEY, STRING
from envs.jira.history import item, rewrite
from envs.jira.replies import field_errors, find_issue, global_error, status_body
from envs.jira.world import RESOLUTIONS
from envs.operation import Json, Operation, Parameter, Response
from envs.world import TICK_MS, Record, World

DONE = next(iter(RESOLUTIONS))
"""The resolution that an issue gets by entering a status of the category done."""


def available(world: World, issue: Record) -> list[Record]:
    """The transitions that leave the issue's status, and the global ones."""
    project = world.table("projects")[issue["project"]]
    steps = world.table("workflows")[project["workflow"]]["transitions"]
    return [step for step in steps if not step["from"] or issue["status"] in step["from"]]


def get_transitions(world: World, arguments: Mapping[str, Json]) -> Response:
    """getTransitions: 200 with the transitions that can be made now; an unknown transitionId gives an empty list."""
    issue = find_issue(world, arguments.get("issueIdOrKey", ""))
    if issue is None:
        return global_error(404, replies.NO_ISSUE)
    wanted = arguments.get("transitionId")
    bodies = [
        {
            "id": step["id"],
            "name": step["name"],
            "to": status_body(world, world.table("statuses")[step["to"]]),
            "hasScreen": False,
            "isGlobal": not step["from"],
            "isInitial": False,
            "isAvailable": True,
            "isConditional": False,
            "looped": step["to"] == issue["status"],
        }
        for step in available(world, issue)
        if wanted in (None, step["id"])
    ]
    return Response(200, {"expand": "transitions", "transitions": bodies})


def do_transition(world: World, arguments: Mapping[str, Json]) -> Response:
    """doTransition: 204 without a body."""
    issue = find_issue(world, arguments.get("issueIdOrKey", ""))
    if issue is None:
        return global_error(404, replies.NO_ISSUE)
    transition = arguments.get("transition")
    if not isinstance(transition, dict) or not transition.get("id"):
        return global_error(400, "Missing 'transition' identifier")
    # Real clients send integers too.
    wanted = str(transition["id"])
    step = next((step for step in available(world, issue) if step["id"] == wanted), None)
    if step is None:
        return global_error(400, f"Transition id '{wanted}' is not valid for this issue.")
    # No transition here has a screen, so no field can be set on one.
    if fields := arguments.get("fields"):
        return field_errors(
            {name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown." for name in fields}
        )
    statuses = world.table("statuses")
    before, after = statuses[issue["status"]], statuses[step["to"]]
    more: dict[str, Json] = {}
    if before["category"] != after["category"]:
        done = after["category"] == "done"
        more = {"resolution": DONE if done else None, "statuscategorychangedate": world.now_ms + TICK_MS}
        more["resolutiondate"] = world.now_ms + TICK_MS if done else None
    items = [item("status", (before["id"], before["name"]), (after["id"], after["name"]))] if before != after else []
    rewrite(world, issue, items, status=step["to"], **more)
    return Response(204)


_ID = {"type": ["string", "integer"], "description": "The ID of the transition."}

GET_TRANSITIONS = Operation(
    name="getTransitions",
    api="jira",
    method="GET",
    path="/rest/api/3/issue/{issueIdOrKey}/transitions",
    description="Returns the transitions that can be made on an issue in its current status.",
    parameters=(ID_OR_KEY, Parameter("transitionId", "query", STRING, compact={})),
    handler=get_transitions,
    refuse=replies.wrong_shape,
    compact_body=("transitions.to.name", "transitions.id"),
)
DO_TRANSITION = Operation(
    name="doTransition",
    api="jira",
    method="POST",
    path="/rest/api/3/issue/{issueIdOrKey}/transitions",
    description="Moves an issue to another status by a transition.",
    parameters=(
        ID_OR_KEY,
        Parameter(
            "transition", "body", {"type": "object", "properties": {"id": _ID}, "required": ["id"]}, required=True
        ),
        Parameter("fields", "body", {"type": "object"}, compact={}),
    ),
    handler=do_transition,
    refuse=replies.wrong_shape,
)
