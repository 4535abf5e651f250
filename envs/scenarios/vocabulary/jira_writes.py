"""What the Jira scenarios share that move or create an issue: it was read, it is the right one, and no more is done."""

from envs.api.operation import Json
from envs.api.world import Record
from envs.jira.world import DEFAULT_PRIORITY
from envs.reward.checks import Check, FinishedEpisode, argument, read_first
from envs.reward.site_diff import Change
from envs.task import PlannedCall, Task
from envs.trace import Call

_MOVED = {"status", "updated", "history", "resolution", "resolutiondate", "statuscategorychangedate"}
"""What a transition may change."""


def reads(issue: str) -> PlannedCall:
    """Read the transitions of an issue."""
    return PlannedCall("getTransitions", {"issueIdOrKey": issue})


def moves(issue: str, transition: str, note: str = "") -> PlannedCall:
    """Make a transition."""
    return PlannedCall("doTransition", {"issueIdOrKey": issue, "transition": {"id": transition}}, note)


def only_moved(before: Record, after: Record) -> bool:
    """Whether an issue differs by its transitions alone."""
    return {name for name in {**before, **after} if before.get(name) != after.get(name)} <= _MOVED


def one_moved(task: Task, changed: list[Change]) -> bool:
    """Whether all that has changed is that the goal's issue is in the goal's status."""
    if len(changed) != 1 or changed[0].table != "issues" or not changed[0].before or not changed[0].after:
        return False
    before, after = changed[0].before, changed[0].after
    return (
        only_moved(before, after)
        and before["key"] == task.goal["issue"]
        and task.world.tables["statuses"].get(after["status"], {}).get("name") == task.goal["status"]
    )


def as_asked(task: Task, made: Record) -> bool:
    """Whether a new issue has the goal's project, type and summary, and nothing that was not asked for."""
    tables, priority = task.world.tables, task.world.find("priorities", name=DEFAULT_PRIORITY)[0]["id"]
    return (
        tables["projects"].get(made["project"], {}).get("key") == task.goal["project"]
        and tables["issuetypes"].get(made["issuetype"], {}).get("name") == task.goal["type"]
        and made["fields"] == {"priority": priority, "labels": [], "summary": task.goal["summary"]}
        and not set(made) - {"id", "key", "project", "issuetype", "status", "created", "updated", "fields"}
    )


def right_issue(value: Json, wanted: Json) -> float:
    """1 for the key, in capitals or not."""
    return float(isinstance(value, str) and value.upper() == wanted)


def read_it(call: Call, task: Task) -> bool:
    """Whether a call is about the goal's issue."""
    return str(call.arguments.get("issueIdOrKey", "")).upper() == task.goal["issue"]


def right_transition(weight: float) -> Check:
    """The id of the last transition counts only if it was read: a guess that happens to fit is worth nothing."""
    plain = argument("doTransition", "transition.id", "transition", weight)
    was_read = read_first("getTransitions", "doTransition", 0.0, read_it)

    def score(episode: FinishedEpisode) -> float:
        return plain.score(episode) * was_read.score(episode)

    return Check(plain.name, plain.weight, score, "The transition that leads to the wanted status was read and chosen.")
