"""Watchers and votes of an issue. Nobody watches an issue by creating it; a vote is the caller's own."""

from collections.abc import Mapping

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import ID_OR_KEY, STRING, endpoint, on_issue
from envs.jira.replies import global_error, user_body, user_of


def watchers_body(world: World, issue: Record) -> dict[str, Json]:
    """Watchers, without the list of them."""
    watchers = issue.get("watchers", [])
    link = f"{world.site}/rest/api/3/issue/{issue['key']}/watchers"
    return {"self": link, "watchCount": len(watchers), "isWatching": world.me in watchers}


def votes_body(world: World, issue: Record) -> dict[str, Json]:
    """Votes, without the voters."""
    voters = issue.get("voters", [])
    link = f"{world.site}/rest/api/3/issue/{issue['key']}/votes"
    return {"self": link, "votes": len(voters), "hasVoted": world.me in voters}


def _set(world: World, issue: Record, kind: str, accounts: list[str]) -> Response:
    """Replace a list of accounts; neither is a change of the issue itself."""
    if accounts != issue.get(kind, []):
        world.tick()
        world.table("issues")[issue["id"]] = {**issue, kind: accounts}
    return Response(204)


def _watchers(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    shown = [user_of(world, account) for account in issue.get("watchers", [])]
    return Response(200, {**watchers_body(world, issue), "watchers": shown})


def _watch(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    account = arguments.get("accountId") or world.me
    if account not in world.table("users"):
        return global_error(404, f"The user with account id '{account}' does not exist.")
    there = issue.get("watchers", [])
    return _set(world, issue, "watchers", there if account in there else [*there, account])


def _unwatch(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    account = arguments.get("accountId")
    if not account:
        return global_error(400, "The accountId query parameter must be provided.")
    if account not in world.table("users"):
        return global_error(404, f"The user with account id '{account}' does not exist.")
    return _set(world, issue, "watchers", [one for one in issue.get("watchers", []) if one != account])


def _votes(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    users = world.table("users")
    voters = [user_body(world, users.get(one, {"accountId": one})) for one in issue.get("voters", [])]
    return Response(200, {**votes_body(world, issue), "voters": voters})


def _vote(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    if issue["fields"].get("reporter", issue.get("creator", "")) == world.me:
        return global_error(404, "You cannot vote for an issue you have reported.")
    there = issue.get("voters", [])
    return _set(world, issue, "voters", there if world.me in there else [*there, world.me])


def _unvote(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    return _set(world, issue, "voters", [one for one in issue.get("voters", []) if one != world.me])


_WATCHERS, _VOTES = "/issue/{issueIdOrKey}/watchers", "/issue/{issueIdOrKey}/votes"
WATCHERS = (
    endpoint(
        "getIssueWatchers", "GET", _WATCHERS, "Returns who watches an issue.", on_issue(_watchers), ID_OR_KEY,
        keep=("watchers.displayName", "watchers.accountId"),
    ),
    endpoint(
        "addWatcher", "POST", _WATCHERS, "Adds a watcher to an issue; the caller if none is named.", on_issue(_watch),
        ID_OR_KEY, Parameter("accountId", "body", STRING), whole="accountId",
    ),
    endpoint(
        "removeWatcher", "DELETE", _WATCHERS, "Removes a watcher from an issue.", on_issue(_unwatch), ID_OR_KEY,
        Parameter("accountId", "query", STRING),
    ),
    endpoint("getVotes", "GET", _VOTES, "Returns the votes for an issue.", on_issue(_votes), ID_OR_KEY),
    endpoint("addVote", "POST", _VOTES, "Votes for an issue.", on_issue(_vote), ID_OR_KEY),
    endpoint("removeVote", "DELETE", _VOTES, "Takes the caller's vote back.", on_issue(_unvote), ID_OR_KEY),
)  # fmt: skip
