"""Move an issue to a status: read the transitions that leave its status, then make the transition to the target.

Every task has new workflows, ids and names, so that the model cannot know an id without reading it. Typical mistakes:
choosing the first transition, making up an id, or writing nothing after reading.
"""

import random

from envs import words
from envs.jira import JIRA
from envs.jira.transitions import available
from envs.jira.world import add_distractors, add_issue, add_project, empty_site
from envs.requests import transition_ticket
from envs.scenarios.vocabulary.jira_moves import (
    MOVE,
    moved_issue,
    planned_move,
    planned_read,
    workflow_steps,
)
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import Task, TaskDraft

_WORDINGS = (
    '[|please |can you |could you ][move|transition|bring|shift] [|issue |the ticket ]"{issue}" [to|into|on to]'
    ' "{status}"[| next].',
    '[|please |can you ][set|change] the status of [|issue ]"{issue}" to "{status}".',
    '[the ticket|issue|ticket] "{issue}" [should be in|must go to|belongs in] "{status}"[| now|, move it].',
    '"{status}" is the [next|right|new] status of [|issue ]"{issue}", please [move|bring] it there.',
    '[can|could] you put "{issue}" into "{status}"?',
    'update "{issue}": its status [should become|must be|is to be] "{status}".',
    '[we are|I am] ready to take "{issue}" to "{status}".',
    '[|please ]mark [|issue ]"{issue}" as "{status}".',
)
_HELD_OUT_WORDINGS = ('Take the ticket "{issue}" to "{status}".', 'Please put issue "{issue}" into "{status}" now.')


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a project with a workflow, an issue in it, and one of the statuses it can move to."""
    key, number, choices = words.key(rng, split), rng.randint(10, 99), rng.randint(3, 4)
    fresh = words.fresh_words(rng, split)
    current, *targets = (words.phrase(rng, split, 1, 2, fresh) for _ in range(choices + 1))
    # The issue is in status 0; the two transitions from status 1 are not available to it.
    leads = [*(([0], number) for number in range(1, choices + 1)), ([1], 0), ([1], 2)]
    steps = workflow_steps(rng, split, fresh, leads)
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), [current, *targets], steps)
    issue = add_issue(world, project, number, words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    chosen = rng.randrange(choices)
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(issue=issue["key"], status=targets[chosen])
    right = steps[chosen]["id"]
    plan = (planned_read(issue["key"]), planned_move(issue["key"], right, f'"{targets[chosen]}": {right}'))
    return TaskDraft(request, world, oracle=plan)


def _first_transition(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Choose the first listed transition, wherever it leads."""
    (issue,) = task.world.find("issues", key=right["issueIdOrKey"])
    return {"transition": {"id": available(task.world, issue)[0]["id"]}}


SCENARIO = Scenario(
    name="jira_transition_ticket",
    api=JIRA,
    tools=("getTransitions", MOVE),
    mistakes={
        "first_transition": change(MOVE, _first_transition),
        "guess_id": lambda plan, task, rng: [planned_move(moved_issue(task), str(rng.randint(11, 99)))],
        "stop_after_read": stop_before(MOVE),
    },
    draw=draw,
    talk=transition_ticket.draw,
)
