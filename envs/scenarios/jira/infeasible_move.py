"""Move an issue that may not exist, to a status that no transition may lead to."""

import random

from envs.scenarios.jira.infeasible import ISSUE, OR_ELSE, Kind, asks_for
from envs.scenarios.vocabulary.jira_moves import moves, reads
from envs.task import PlannedCall, Task

_WORDINGS = (
    f'[|please |can you ][move|bring|take|transition] {ISSUE} [to|into] "{{status}}".',
    f'[|please ]set the status of {ISSUE} to "{{status}}".',
    f'{ISSUE} [should be in|must go to|belongs in] "{{status}}"[| now|, move it].',
)
_KEPT_BACK = (
    'Let "{issue}" go on to "{status}".' + OR_ELSE[0],
    'Get "{issue}" over to "{status}", if all of it exists.' + OR_ELSE[1],
)


def _any_transition(task: Task, rng: random.Random) -> PlannedCall:
    steps = [step for flow in task.world.find("workflows") for step in flow["transitions"]]
    return moves(task.goal["issue"], rng.choice(steps)["id"])


MOVE = Kind(
    names=("issue", "status"),
    can_miss=("issue", "status"),
    wordings=_WORDINGS,
    kept_back=_KEPT_BACK,
    read=lambda asked: reads(asked["issue"]),
    write=lambda asked, found: moves(asked["issue"], found),
    asked=("issueIdOrKey",),
    found="transition.id",
    tells=asks_for("issueIdOrKey"),
    next_best=_any_transition,
)
