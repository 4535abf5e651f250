"""Move an issue that another user moves at the same moment: read again, and continue from its current status.

In three tasks of four another user makes a transition just before the model's, which then does not leave the issue's
current status and is refused. Another transition leads from the new status to the target. Typical mistakes: giving up,
repeating the refused transition, or trying another id of the old response.
"""

import random

from envs import words
from envs.api.faults import Faults, Rival
from envs.jira import JIRA
from envs.jira.world import add_distractors, add_issue, add_project, empty_site
from envs.requests import transition_conflict
from envs.scenarios.vocabulary.jira_moves import (
    MOVE,
    moved_issue,
    planned_move,
    planned_read,
    workflow_steps,
)
from envs.scenarios.vocabulary.mistakes import give_up, insist, up_to_failure
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_ISSUE = '[|issue |ticket |the ticket ]"{issue}"'
_BUSY = "[|. Others work on it, too|. The team may move it meanwhile|, wherever it is by then|. It must end there]"
_WORDINGS = (
    f'[|please |can you |could you ][move|bring|take|transition] {_ISSUE} [to|into|on to] "{{status}}"{_BUSY}.',
    f'[|please ][set|change] the status of {_ISSUE} to "{{status}}"{_BUSY}.',
    f'{_ISSUE} [should be in|must get to|belongs in|has to reach] "{{status}}"{_BUSY}.',
    f'"{{status}}" is [where|the status in which] {_ISSUE} [belongs|has to be][|, move it there]{_BUSY}.',
    f'see [to it |]that {_ISSUE} [gets to|reaches|ends in] "{{status}}"{_BUSY}.',
)
_HELD_OUT_WORDINGS = (
    'Whatever happens to "{issue}" today, "{status}" is where I want to find it.',
    'Get "{issue}" over to "{status}", it is much in demand.',
)
TARGET = 3


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a workflow with a different transition to the target from each status, and in some tasks a rival."""
    key, fresh = words.key(rng, split), words.fresh_words(rng, split)
    statuses = [words.phrase(rng, split, 1, 2, fresh) for _ in range(TARGET + 1)]
    # The issue starts in status 0; a rival may move it to 1 or 2.
    pairs = [(0, 1), (0, 2), (0, TARGET), (1, 0), (1, TARGET), (2, 1), (2, TARGET)]
    steps = workflow_steps(rng, split, fresh, [([source], to) for source, to in pairs])
    leads = {pair: step["id"] for pair, step in zip(pairs, steps, strict=True)}
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), statuses, rng.sample(steps, len(steps)))
    issue = add_issue(world, project, rng.randint(10, 99), words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    rival_status = rng.choice((0, 0, 1, 1, 1, 2, 2, 2))
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(issue=issue["key"], status=statuses[TARGET])

    def move(source: int, fails: bool = False) -> PlannedCall:
        transition = leads[source, TARGET]
        return planned_move(issue["key"], transition, f'"{statuses[TARGET]}": {transition}', fails)

    read = planned_read(issue["key"])
    if not rival_status:
        return TaskDraft(request, world, oracle=(read, move(0)))
    theirs = planned_move(issue["key"], leads[0, rival_status])
    faults = Faults(rival=Rival(MOVE, ((theirs.name, theirs.arguments),)))
    return TaskDraft(request, world, oracle=(read, move(0, fails=True), read, move(rival_status)), faults=faults)


def _initial_transition(task: Task) -> str:
    """Return the transition from the issue's initial status to the target."""
    first = next(call for call in task.oracle if call.name == MOVE)
    return str(first.arguments["transition"]["id"])


def _other_old_transition(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Try another transition of the first response."""
    if not task.faults:
        return plan
    start = task.world.find("issues", key=moved_issue(task))[0]["status"]
    steps = [step for flow in task.world.find("workflows") for step in flow["transitions"] if start in step["from"]]
    others = [step["id"] for step in steps if step["id"] != _initial_transition(task)]
    return [*up_to_failure(plan), planned_move(moved_issue(task), rng.choice(others))]


SCENARIO = Scenario(
    name="jira_transition_conflict",
    api=JIRA,
    tools=("getTransitions", MOVE),
    mistakes={"give_up": give_up, "insist": insist, "old_answer": _other_old_transition},
    draw=draw,
    talk=transition_conflict.draw,
)
