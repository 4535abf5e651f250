"""Move an issue that may not exist to a status that may have no transition to it."""

import random

from envs.scenarios.jira.infeasible import ISSUE, OR_ELSE, RequestKind
from envs.scenarios.vocabulary.jira_moves import planned_move, planned_read
from envs.task import PlannedCall, Task

_WORDINGS = (
    f'[|please |can you ][move|bring|take|transition] {ISSUE} [to|into] "{{status}}".',
    f'[|please ]set the status of {ISSUE} to "{{status}}".',
    f'{ISSUE} [should be in|must go to|belongs in] "{{status}}"[| now|, move it].',
)
_HELD_OUT_WORDINGS = (
    'Let "{issue}" go on to "{status}".' + OR_ELSE[0],
    'Get "{issue}" over to "{status}", if all of it exists.' + OR_ELSE[1],
)


def _any_transition(task: Task, rng: random.Random) -> PlannedCall:
    steps = [step for flow in task.world.find("workflows") for step in flow["transitions"]]
    return planned_move(task.goal["issue"], rng.choice(steps)["id"])


MOVE = RequestKind(
    parts=("issue", "status"),
    can_miss=("issue", "status"),
    wordings=_WORDINGS,
    held_out_wordings=_HELD_OUT_WORDINGS,
    read=lambda parts: planned_read(parts["issue"]),
    write=lambda parts, transition: planned_move(parts["issue"], transition),
    next_best=_any_transition,
)
