"""Search by JQL: pages of issues, counts, matches, and the removed search, which returns 410."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import World
from envs.jira.endpoint import STRING, STRINGS, endpoint, query
from envs.jira.issue_body import issue_body, selected_fields
from envs.jira.jql import UNBOUNDED, parse
from envs.jira.jql_structure import PARSE_QUERIES
from envs.jira.jql_tree import Jql
from envs.jira.replies import global_error, wrong_shape
from envs.jira.transitions import expanded

_GONE = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline "
    "is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
_BAD_TOKEN = "The provided next page token is invalid or expired."


def search(world: World, arguments: Mapping[str, Json]) -> Response:
    """searchAndReconsileIssuesUsingJql(Post): 200 with a page of issues; nextPageToken unless it is the last."""
    size = arguments.get("maxResults", 50)
    if not 1 <= size <= 5000:
        return global_error(400, "The max results parameter has to be between 1 and 5,000.")
    try:
        query = parse(world, arguments.get("jql", ""))
    except Jql as error:
        return global_error(400, str(error))
    if query.test is None:
        return global_error(400, UNBOUNDED)
    token = arguments.get("nextPageToken") or "page-0"
    number = token.removeprefix("page-")
    issues = query.run(world)
    valid = token.startswith("page-") and number.isascii() and number.isdecimal() and len(number) < 9
    if not valid or int(number) > len(issues):
        return global_error(400, _BAD_TOKEN)
    start = int(number)
    fields = selected_fields(arguments.get("fields") or ["id"])
    expand = (arguments.get("expand") or "").split(",")
    bodies = [issue_body(world, issue, fields, expand) for issue in issues[start : start + size]]
    if not fields:
        bodies = [{"id": body["id"]} for body in bodies]
    shown = zip(issues[start : start + size], bodies, strict=True)
    bodies = [expanded(world, issue, body, expand) for issue, body in shown]
    last = start + size >= len(issues)
    body: dict[str, Json] = {"issues": bodies, "isLast": last}
    return Response(200, body if last else {**body, "nextPageToken": f"page-{start + size}"})


def search_by_body(world: World, arguments: Mapping[str, Json]) -> Response:
    """searchAndReconsileIssuesUsingJqlPost: as by GET, but unknown arguments and too long lists are errors."""
    if unknown := sorted(arguments.keys() - _BODY):
        return wrong_shape(f"must not contain {', '.join(unknown)}")
    for name, most in _LONGEST.items():
        if isinstance(given := arguments.get(name), list) and len(given) > most:
            return global_error(400, f"The {name} parameter can have at most {most} values.")
    return search(world, arguments)


def count(world: World, arguments: Mapping[str, Json]) -> Response:
    """countIssues: 200 with the number of issues that a query finds."""
    try:
        query = parse(world, arguments.get("jql", ""))
    except Jql as error:
        return global_error(400, str(error))
    return Response(200, {"count": len(query.run(world))}) if query.test else global_error(400, UNBOUNDED)


def match(world: World, arguments: Mapping[str, Json]) -> Response:
    """matchIssues: 200 with the given issues that each query finds."""
    candidates = {str(issue_id) for issue_id in arguments.get("issueIds", [])}
    matches: list[Json] = []
    for jql in arguments.get("jqls", []):
        try:
            ids = [int(issue["id"]) for issue in parse(world, jql).run(world) if issue["id"] in candidates]
            matches.append({"matchedIssues": ids, "errors": []})
        except Jql as error:
            matches.append({"matchedIssues": [], "errors": [str(error)]})
    return Response(200, {"matches": matches})


def removed(world: World, arguments: Mapping[str, Json]) -> Response:
    """searchForIssuesUsingJql(Post): 410, because this search was removed."""
    return global_error(410, _GONE)


_LONGEST = {"reconcileIssues": 50, "properties": 5}
_BODY = {"jql", "fields", "nextPageToken", "maxResults", "expand", "fieldsByKeys", *_LONGEST}
_SIZE = {"type": "integer"}
_KEPT = ("issues.key", "issues.fields.summary", "issues.fields.status.name", "issues.id", "nextPageToken")
_QUERY = {
    **STRING,
    "description": "JQL, such as project = 'KEY' AND summary ~ 'some words' AND issuetype = 'Bug' AND priority = 'Low'"
    " AND component = 'Name' AND assignee IS EMPTY; also key, type, status, reporter, labels, ORDER BY created DESC,"
    " created >= '2026-01-04' AND created < '2026-01-05'",
}
_FIELDS = {**STRINGS, "description": "Fields to return, such as summary, status, reporter."}
_JQL = Parameter("jql", "query", _QUERY)
_PATH = "/search/jql"
SEARCH = (
    endpoint(
        "searchAndReconsileIssuesUsingJql", f"GET {_PATH}", "Searches issues by a query in JQL.", search, _JQL,
        Parameter("fields", "query", _FIELDS), Parameter("nextPageToken", "query", STRING),
        query("maxResults", _SIZE), query("expand"), keep=_KEPT,
    ),
    endpoint(
        "searchAndReconsileIssuesUsingJqlPost", f"POST {_PATH}", "Searches issues by a query in JQL.", search_by_body,
        Parameter("jql", "body", _QUERY, required=True), Parameter("fields", "body", _FIELDS),
        Parameter("nextPageToken", "body", STRING), Parameter("maxResults", "body", _SIZE, compact={}),
        keep=_KEPT, reads=True,
    ),
    endpoint(
        "countIssues", "POST /search/approximate-count", "Counts the issues that a query in JQL finds.", count,
        Parameter("jql", "body", STRING, required=True), keep=("count",), reads=True,
    ),
    endpoint(
        "matchIssues", "POST /jql/match", "Tells which issues queries in JQL find.", match,
        Parameter("jqls", "body", STRINGS, required=True),
        Parameter("issueIds", "body", {"type": "array", "items": _SIZE}, required=True), reads=True,
    ),
    PARSE_QUERIES,
    endpoint("searchForIssuesUsingJql", "GET /search", "Was removed.", removed, query("jql")),
    endpoint(
        "searchForIssuesUsingJqlPost", "POST /search", "Was removed.", removed,
        Parameter("jql", "body", STRING, compact={}), reads=True,
    ),
)  # fmt: skip
