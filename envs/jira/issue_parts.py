"""Worklogs and links that `update` adds to an issue when it is created or edited."""

from collections.abc import Mapping

from envs.api.operation import Json, Response
from envs.api.world import Record, World
from envs.jira.links import LINKS
from envs.jira.replies import field_errors
from envs.jira.worklogs import WORKLOGS

_OPERATIONS = {
    name: next(operation for operation in operations if operation.name == wanted)
    for name, operations, wanted in (("worklog", WORKLOGS, "addWorklog"), ("issuelinks", LINKS, "linkIssues"))
}
PARTS = ("comment", *_OPERATIONS)
"""Keys of `update` that add records other than the issue."""


def add_parts(world: World, issue: Record, verbs: Mapping[str, Json]) -> Response | None:
    """Add the worklogs and links of `update` to an issue; return the error of the first that is refused, or None."""
    for name in _OPERATIONS:
        steps = verbs.get(name, [])
        for step in steps if isinstance(steps, list) else [None]:
            response = _added(world, issue, name, step)
            if not response.ok:
                return Response(400, response.body)
    return None


def _added(world: World, issue: Record, name: str, step: Json) -> Response:
    """Add a worklog or link to an issue; return the response. An end of a link that is not given is the issue."""
    if not isinstance(step, dict) or step.keys() != {"add"} or not isinstance(step["add"], dict):
        return field_errors({name: f"Field '{name}' can only be added to."})
    operation, here = _OPERATIONS[name], {"key": issue["key"]}
    if name == "worklog":
        arguments = {**step["add"], "issueIdOrKey": issue["key"]}
    else:
        arguments = {"inwardIssue": here, "outwardIssue": here, **step["add"]}
    problem = operation.schema_error(arguments)
    return operation.reject(problem) if problem else operation.handler(world, arguments)
