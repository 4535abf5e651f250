"""Assign an issue to somebody who may not exist, beside somebody of the same first name."""

import random

from envs.scenarios.jira.infeasible import ISSUE, OR_ELSE, Kind
from envs.task import PlannedCall, Task
from envs.trace import Call

_WORDINGS = (
    f'[|please |can you ][assign|give|hand] {ISSUE} to "{{user}}".',
    f'"{{user}}" [takes over|should have|will work on] {ISSUE}[|, assign it].',
    f'[|please ][make|set] "{{user}}" [as |]the assignee of {ISSUE}.',
)
_KEPT_BACK = (
    'From now on "{issue}" is the work of "{user}".' + OR_ELSE[0],
    'Pass "{issue}" on to "{user}", if all of it exists.' + OR_ELSE[1],
)


def _assigns(issue: str, account: str) -> PlannedCall:
    return PlannedCall("assignIssue", {"issueIdOrKey": issue, "accountId": account})


def _would_find(call: Call, right: PlannedCall) -> bool:
    name, query = right.arguments["query"].lower(), str(call.arguments.get("query", "")).lower()
    return call.ok and any(part.startswith(query) for part in (name, *name.split()))


def _somebody_near(task: Task, rng: random.Random) -> PlannedCall:
    first = task.goal["user"].split()[0]
    near = next(user for user in task.world.find("users") if user["displayName"].startswith(first))
    return _assigns(task.goal["issue"], near["accountId"])


ASSIGN = Kind(
    names=("issue", "user"),
    can_miss=("user",),
    wordings=_WORDINGS,
    kept_back=_KEPT_BACK,
    read=lambda asked: PlannedCall("findUsers", {"query": asked["user"]}),
    write=lambda asked, found: _assigns(asked["issue"], found),
    asked=("issueIdOrKey",),
    found="accountId",
    tells=_would_find,
    next_best=_somebody_near,
)
