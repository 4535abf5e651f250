"""Evidence that a part of a request is missing: the responses that show it."""

from collections.abc import Callable, Iterator, Mapping

from envs.api.json_paths import leaves
from envs.api.operation import Json
from envs.api.world import Record, World
from envs.claims.impossible import Impossible
from envs.jira.world import workflow_of
from envs.reward.checks import FinishedEpisode
from envs.reward.goal import contains, scalars
from envs.trace import Call


def found_out(episode: FinishedEpisode) -> float | None:
    """Grade whether a response showed that the missing part is missing; None if nothing is missing."""
    claim = episode.task.claim
    if not isinstance(claim, Impossible):
        return None
    operations = episode.task.api.by_name()
    reads = [call for call in episode.trace if call.error in ("", "refused") and not operations[call.name].writes]
    return float(any(_shows[claim.part](call, claim, episode.task.world) for call in reads))


def _asked_in_vain(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a call named the missing part and got a response without it."""
    if not any(contains(str(value), claim.missing) for _, value in leaves(call.arguments)):
        return False
    if call.ok:
        found = call.body
        if isinstance(found, Mapping):
            # A list of errors names what it did not find.
            found = {name: value for name, value in found.items() if name != "issueErrors"}
        return not _lists(found, claim.missing)
    # A request that is refused for its form shows nothing.
    return call.status == 404 or any(contains(text, claim.missing) for text in scalars(call.body))


def _looked_for_issue(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a call named the missing issue in vain or listed all others of its project."""
    prefix = claim.missing.rpartition("-")[0]
    others = {issue["key"] for issue in world.find("issues") if issue["key"].rpartition("-")[0] == prefix}
    return _asked_in_vain(call, claim, world) or (bool(others) and _lists_all(call, others, claim))


def _lists_projects(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a call named the missing project in vain or listed all others."""
    return _asked_in_vain(call, claim, world) or _lists_all(
        call, {each["key"] for each in world.find("projects")}, claim
    )


def _looked_for_user(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a search that would have found the missing user did not, or all others were listed."""
    name = claim.missing.lower()
    queries = [str(value).lower() for key, value in call.arguments.items() if key == "query"]
    finds = any(part.startswith(query) for query in queries for part in (name, *name.split()))
    everybody = {user["displayName"] for user in world.find("users")}
    return (call.ok and finds and not _lists(call.body, claim.missing)) or _lists_all(call, everybody, claim)


def _lists_transitions(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a call listed the issue's transitions, none of which leads to the missing status.

    If no status of the site has that name, a list of the statuses of the project shows as much.
    """
    (issue,) = world.find("issues", key=claim.present["issue"])
    statuses = {status["id"]: status["name"] for status in world.find("statuses")}
    if claim.missing not in statuses.values():
        flow = workflow_of(world, world.table("projects")[issue["project"]], issue["issuetype"])
        reachable = {statuses[step["to"]] for step in flow["transitions"]}
        if _asked_in_vain(call, claim, world) or _lists_all(call, reachable, claim):
            return True
    about = call.ok and _about(call, issue)
    shown = [steps for steps in _values_of("transitions", call.body) if isinstance(steps, list)]
    return about and bool(shown) and not _lists(shown, claim.missing)


def _lists_types(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a call listed the project's issue types without the missing one, or asked for it there in vain."""
    (project,) = world.find("projects", key=claim.present["project"])
    if not _about(call, project):
        return False
    types = {kind["name"] for kind in world.find("issuetypes") if kind["id"] in project["issuetypes"]}
    return (call.ok and _asked_in_vain(call, claim, world)) or _lists_all(call, types, claim)


def _about(call: Call, record: Record) -> bool:
    """Return whether a call's arguments name a record by its key or id."""
    values = [str(value).upper() for _, value in leaves(call.arguments)]
    return any(contains(value, name) for value in values for name in (record["key"], record["id"]))


def _lists_all(call: Call, names: set[str], claim: Impossible) -> bool:
    """Return whether a response contains all these names and not the missing one."""
    return call.ok and names <= scalars(call.body) and not _lists(call.body, claim.missing)


def _lists(body: Json, value: str) -> bool:
    return value.lower() in {scalar.lower() for scalar in scalars(body)}


def _values_of(name: str, body: Json) -> Iterator[Json]:
    """Yield the values of a property of a response, at any depth."""
    if isinstance(body, Mapping):
        if name in body:
            yield body[name]
        body = list(body.values())
    if isinstance(body, list):
        for inner in body:
            yield from _values_of(name, inner)


_shows: Mapping[str, Callable[[Call, Impossible, World], bool]] = {
    "issue": _looked_for_issue,
    "project": _lists_projects,
    "user": _looked_for_user,
    "status": _lists_transitions,
    "type": _lists_types,
}
"""By missing part: (call, claim, site) -> whether the response shows that the part is missing."""
