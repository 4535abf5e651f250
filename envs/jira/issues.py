"""Read one issue: getIssue."""

from collections.abc import Mapping

from envs.api.operation import Json, Operation, Parameter, Response
from envs.api.world import World
from envs.jira import replies
from envs.jira.endpoint import ID_OR_KEY, STRING
from envs.jira.issue_body import issue_body, selected_fields
from envs.jira.replies import find_issue, global_error
from envs.jira.transitions import expanded


def get_issue(world: World, arguments: Mapping[str, Json]) -> Response:
    """getIssue: 200 with the issue (schema IssueBean)."""
    issue = find_issue(world, arguments.get("issueIdOrKey", ""))
    if issue is None:
        return global_error(404, replies.NO_ISSUE)
    fields = selected_fields(arguments.get("fields", ["*all"]))
    expand = (arguments.get("expand") or "").split(",")
    return Response(200, expanded(world, issue, issue_body(world, issue, fields, expand), expand))


GET_ISSUE = Operation(
    name="getIssue",
    api="jira",
    method="GET",
    path="/rest/api/3/issue/{issueIdOrKey}",
    description="Returns the details of an issue.",
    parameters=(
        ID_OR_KEY,
        Parameter(
            "fields", "query", {"type": "array", "items": STRING, "description": "Fields to return."}, compact={}
        ),
        Parameter("expand", "query", STRING, compact={}),
    ),
    handler=get_issue,
    reject=replies.wrong_shape,
    compact_body=(
        "key",
        "fields.summary",
        "fields.status.name",
        "fields.priority.name",
        "fields.issuetype.name",
    ),
)
