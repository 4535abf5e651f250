"""Workflow transitions of issues: getTransitions, doTransition.

A transition id is specific to a workflow: the same name or target status has other ids in another project or, if issue
types have workflows of their own, for another type. So ids have to be read. A transition may have a screen, which is
validated completely before anything changes.
"""

from collections.abc import Mapping, Sequence

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import TICK_MS, Record, World
from envs.jira import replies
from envs.jira.comments import put_comment
from envs.jira.endpoint import ID_OR_KEY, STRING
from envs.jira.history import item, rewrite
from envs.jira.issue_edits import changes_of
from envs.jira.replies import field_errors, find_issue, global_error, status_body
from envs.jira.screens import Filled, filled, screen_body
from envs.jira.world import RESOLUTIONS, workflow_of

DONE = next(iter(RESOLUTIONS))
"""The resolution of an issue that enters a status of category done, unless the request's screen chooses another."""


def available(world: World, issue: Record) -> list[Record]:
    """Return the transitions from the issue's status, and the global ones."""
    project = world.table("projects")[issue["project"]]
    steps = workflow_of(world, project, issue["issuetype"])["transitions"]
    return [step for step in steps if not step["from"] or issue["status"] in step["from"]]


def get_transitions(world: World, arguments: Mapping[str, Json]) -> Response:
    """getTransitions: 200 with the currently available transitions; an unknown transitionId gives an empty list."""
    issue = find_issue(world, arguments.get("issueIdOrKey", ""))
    if issue is None:
        return global_error(404, replies.NO_ISSUE)
    wanted, expand = arguments.get("transitionId"), (arguments.get("expand") or "").split(",")
    bodies = [body for body in transition_bodies(world, issue, expand) if wanted in (None, body["id"])]
    return Response(200, {"expand": "transitions", "transitions": bodies})


def transition_bodies(world: World, issue: Record, expand: Sequence[str]) -> list[dict[str, Json]]:
    """Return the issue's available transitions; `expand` may add the fields of their screens, "transitions.fields"."""
    steps = available(world, issue)
    bodies = [_body(world, issue, step) for step in steps]
    if "transitions.fields" not in expand:
        return bodies
    project = world.table("projects")[issue["project"]]
    return [
        {**body, "fields": screen_body(world, project, step.get("screen", {}))}
        for body, step in zip(bodies, steps, strict=True)
    ]


def expanded(world: World, issue: Record, body: dict[str, Json], expand: Sequence[str]) -> dict[str, Json]:
    """Return an issue's body with its transitions, if `expand` asks for them."""
    if {"transitions", "transitions.fields"}.isdisjoint(expand):
        return body
    return {**body, "transitions": transition_bodies(world, issue, expand)}


def _body(world: World, issue: Record, step: Record) -> dict[str, Json]:
    """Return a body of schema IssueTransition."""
    return {
        "id": step["id"],
        "name": step["name"],
        "to": status_body(world, world.table("statuses")[step["to"]]),
        "hasScreen": bool(step.get("screen")),
        "isGlobal": not step["from"],
        "isInitial": False,
        "isAvailable": True,
        "isConditional": False,
        "looped": step["to"] == issue["status"],
    }


def do_transition(world: World, arguments: Mapping[str, Json]) -> Response:
    """doTransition: 204 without a body."""
    issue = find_issue(world, arguments.get("issueIdOrKey", ""))
    if issue is None:
        return global_error(404, replies.NO_ISSUE)
    transition = arguments.get("transition")
    if not isinstance(transition, dict) or not transition.get("id"):
        return global_error(400, "Missing 'transition' identifier")
    # Real clients send integers too.
    transition_id = str(transition["id"])
    step = next((step for step in available(world, issue) if step["id"] == transition_id), None)
    if step is None:
        return global_error(400, f"Transition id '{transition_id}' is not valid for this issue.")
    screen = filled(world, issue, step.get("screen", {}), arguments.get("fields") or {}, arguments.get("update") or {})
    if not isinstance(screen, Filled):
        return field_errors(screen)
    _move(world, issue, step, screen)
    return Response(204)


def _move(world: World, issue: Record, step: Record, screen: Filled) -> None:
    """Set the screen's values and the status in one write."""
    statuses = world.table("statuses")
    before, after = statuses[issue["status"]], statuses[step["to"]]
    more: dict[str, Json] = {}
    if before["category"] != after["category"]:
        done = after["category"] == "done"
        more = {"resolution": DONE if done else None, "statuscategorychangedate": world.now_ms + TICK_MS}
        more["resolutiondate"] = world.now_ms + TICK_MS if done else None
    if screen.resolution:
        more |= {"resolution": screen.resolution, "resolutiondate": world.now_ms + TICK_MS}
    changed, items = changes_of(world, issue, screen.values)
    if before != after:
        items.append(item("status", (before["id"], before["name"]), (after["id"], after["name"])))
    if changed:
        more["fields"] = {**issue["fields"], **changed}
    moved = rewrite(world, issue, items, status=step["to"], **more)
    for body in screen.comments:
        put_comment(world, moved, body)


_EXPAND = "transitions.fields adds the fields on each transition's screen, whether they are required, and their values."
_FIELDS = "Values of fields on the transition's screen, such as the resolution."
_UPDATE = "Operations on fields of the screen, and comments to add, as lists of verbs."
_ID = {"type": ["string", "integer"], "description": "The ID of the transition."}

GET_TRANSITIONS = Operation(
    name="getTransitions",
    api="jira",
    method="GET",
    path="/rest/api/3/issue/{issueIdOrKey}/transitions",
    description="Returns the transitions that can be made on an issue in its current status.",
    parameters=(
        ID_OR_KEY,
        Parameter("transitionId", "query", STRING, compact={}),
        Parameter("expand", "query", {**STRING, "description": _EXPAND}, compact={}),
    ),
    handler=get_transitions,
    reject=replies.wrong_shape,
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
        Parameter("fields", "body", {"type": "object", "description": _FIELDS}, compact={}),
        Parameter("update", "body", {"type": "object", "description": _UPDATE}, compact={}),
    ),
    handler=do_transition,
    reject=replies.wrong_shape,
)
