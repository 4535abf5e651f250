"""Assign an issue to a user who may not exist; another user has the same first name."""

import random

from envs.scenarios.jira.infeasible import ISSUE, OR_ELSE, RequestKind
from envs.task import PlannedCall, Task

_WORDINGS = (
    f'[|please |can you ][assign|give|hand] {ISSUE} to "{{user}}".',
    f'"{{user}}" [takes over|should have|will work on] {ISSUE}[|, assign it].',
    f'[|please ][make|set] "{{user}}" [as |]the assignee of {ISSUE}.',
)
_HELD_OUT_WORDINGS = (
    'From now on "{issue}" is the work of "{user}".' + OR_ELSE[0],
    'Pass "{issue}" on to "{user}", if all of it exists.' + OR_ELSE[1],
)


def _assign(issue: str, account: str) -> PlannedCall:
    return PlannedCall("assignIssue", {"issueIdOrKey": issue, "accountId": account})


def _namesake(task: Task, rng: random.Random) -> PlannedCall:
    first = task.goal["user"].split()[0]
    near = next(user for user in task.world.find("users") if user["displayName"].startswith(first))
    return _assign(task.goal["issue"], near["accountId"])


ASSIGN = RequestKind(
    parts=("issue", "user"),
    can_miss=("user",),
    wordings=_WORDINGS,
    held_out_wordings=_HELD_OUT_WORDINGS,
    read=lambda parts: PlannedCall("findUsers", {"query": parts["user"]}),
    write=lambda parts, account: _assign(parts["issue"], account),
    next_best=_namesake,
)
