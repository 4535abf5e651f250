"""Watchers and votes of issues. Creating an issue does not add a watcher; a caller can only cast their own vote."""

from collections.abc import Mapping
from dataclasses import replace

from envs.api.operation import Json, Parameter, Response
from envs.api.world import Record, World
from envs.jira.endpoint import ID_OR_KEY, STRING, endpoint, on_issue
from envs.jira.replies import global_error, user_body, user_of


def watchers_body(world: World, issue: Record) -> dict[str, Json]:
    """Return a body of schema Watchers, without the list of watchers."""
    watchers = issue.get("watchers", [])
    link = f"{world.site}/rest/api/3/issue/{issue['key']}/watchers"
    return {"self": link, "watchCount": len(watchers), "isWatching": world.me in watchers}


def votes_body(world: World, issue: Record) -> dict[str, Json]:
    """Return a body of schema Votes, without the list of voters."""
    voters = issue.get("voters", [])
    link = f"{world.site}/rest/api/3/issue/{issue['key']}/votes"
    return {"self": link, "votes": len(voters), "hasVoted": world.me in voters}


def _set(world: World, issue: Record, kind: str, accounts: list[str]) -> Response:
    """Replace the issue's watchers or voters. This adds no history entry and does not set `updated`."""
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
    watchers = issue.get("watchers", [])
    return _set(world, issue, "watchers", watchers if account in watchers else [*watchers, account])


def _unwatch(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    account = arguments.get("accountId")
    if not account:
        return global_error(400, "The accountId query parameter must be provided.")
    if account not in world.table("users"):
        return global_error(404, f"The user with account id '{account}' does not exist.")
    return _set(world, issue, "watchers", [watcher for watcher in issue.get("watchers", []) if watcher != account])


def _votes(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    users = world.table("users")
    voters = [user_body(world, users.get(account, {"accountId": account})) for account in issue.get("voters", [])]
    return Response(200, {**votes_body(world, issue), "voters": voters})


def _vote(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    if issue["fields"].get("reporter", issue.get("creator", "")) == world.me:
        return global_error(404, "You cannot vote for an issue you have reported.")
    voters = issue.get("voters", [])
    return _set(world, issue, "voters", voters if world.me in voters else [*voters, world.me])


def _unvote(world: World, issue: Record, arguments: Mapping[str, Json]) -> Response:
    return _set(world, issue, "voters", [voter for voter in issue.get("voters", []) if voter != world.me])


_WATCHERS, _VOTES = "/issue/{issueIdOrKey}/watchers", "/issue/{issueIdOrKey}/votes"
WATCHERS = (
    endpoint(
        "getIssueWatchers", f"GET {_WATCHERS}", "Returns who watches an issue.", on_issue(_watchers), ID_OR_KEY,
        keep=("watchers.displayName", "watchers.accountId"),
    ),
    replace(
        endpoint(
            "addWatcher", f"POST {_WATCHERS}", "Adds a watcher to an issue; the caller if none is named.",
            on_issue(_watch), ID_OR_KEY, Parameter("accountId", "body", STRING),
        ),
        whole_body="accountId",
    ),
    endpoint(
        "removeWatcher", f"DELETE {_WATCHERS}", "Removes a watcher from an issue.", on_issue(_unwatch), ID_OR_KEY,
        Parameter("accountId", "query", STRING),
    ),
    endpoint("getVotes", f"GET {_VOTES}", "Returns the votes for an issue.", on_issue(_votes), ID_OR_KEY),
    endpoint("addVote", f"POST {_VOTES}", "Votes for an issue.", on_issue(_vote), ID_OR_KEY),
    endpoint("removeVote", f"DELETE {_VOTES}", "Takes the caller's vote back.", on_issue(_unvote), ID_OR_KEY),
)  # fmt: skip
