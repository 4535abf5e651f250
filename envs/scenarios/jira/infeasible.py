"""Requests that may be impossible: the read that decides, the write that fulfils, what shows that a part is missing."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from envs.api.json_paths import at, leaves
from envs.api.world import World
from envs.claims.impossible import Impossible
from envs.reward.checks import FinishedEpisode
from envs.reward.goal import contains, scalars
from envs.task import PlannedCall, Task
from envs.trace import Call

OR_ELSE = (
    " Where there is no way, touch nothing and write only what is lacking.",
    " Else I want to read the one thing that does not.",
)
ISSUE = '[|issue |ticket |the ticket ]"{issue}"'


@dataclass(frozen=True)
class RequestKind:
    """A kind of request: move, assign or create."""

    parts: tuple[str, ...]
    """Parts of the request."""
    can_miss: tuple[str, ...]
    """Parts that are missing in some tasks."""
    wordings: tuple[str, ...]
    held_out_wordings: tuple[str, ...]
    read: Callable[[Mapping[str, str]], PlannedCall]
    """(parts of the request) -> the read that shows whether the request is possible."""
    write: Callable[[Mapping[str, str], str], PlannedCall]
    """(parts of the request, the value that was read) -> the write that fulfils it."""
    next_best: Callable[[Task, random.Random], PlannedCall]
    """(task, generator) -> a write that is possible but not requested."""


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
        return not _lists(call, claim.missing)
    # A request that is refused for its form shows nothing.
    return call.status == 404 or any(contains(text, claim.missing) for text in scalars(call.body))


def _lists_projects(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a call named the missing project in vain or listed all others."""
    keys = {project["key"] for project in world.find("projects")}
    return _asked_in_vain(call, claim, world) or (call.ok and keys <= scalars(call.body))


def _looked_for_user(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a search that would have found the missing user did not."""
    name = claim.missing.lower()
    queries = [str(value).lower() for key, value in call.arguments.items() if key == "query"]
    finds = any(part.startswith(query) for query in queries for part in (name, *name.split()))
    everybody = {user["displayName"] for user in world.find("users")}
    return call.ok and not _lists(call, claim.missing) and (finds or everybody <= scalars(call.body))


def _lists_transitions(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a call listed the issue's transitions, none of which leads to the missing status."""
    (issue,) = world.find("issues", key=claim.present["issue"])
    wanted = {issue["key"], issue["id"]}
    named = any(str(value).upper() in wanted for _, value in leaves(call.arguments))
    return call.ok and named and isinstance(at(call.body, "transitions"), list) and not _lists(call, claim.missing)


def _lists_types(call: Call, claim: Impossible, world: World) -> bool:
    """Return whether a call listed issue types of the project without the missing one."""
    (project,) = world.find("projects", key=claim.present["project"])
    wanted = {project["key"], project["id"]}
    named = any(str(value).upper() in wanted for _, value in leaves(call.arguments))
    types = {kind["name"] for kind in world.find("issuetypes") if kind["id"] in project["issuetypes"]}
    return call.ok and named and types <= scalars(call.body) and not _lists(call, claim.missing)


_shows: Mapping[str, Callable[[Call, Impossible, World], bool]] = {
    "issue": _asked_in_vain,
    "project": _lists_projects,
    "user": _looked_for_user,
    "status": _lists_transitions,
    "type": _lists_types,
}
"""By missing part: (call, claim, site) -> whether the response shows that the part is missing."""


def _lists(call: Call, value: str) -> bool:
    return value.lower() in {scalar.lower() for scalar in scalars(call.body)}
