"""Move an issue and create another on a site with transient failures: retry failed calls, and repeat no others.

In four tasks of five, one call fails once or twice with 429, 500 or, for a transition, 409, although the call is right.
Typical mistakes: giving up, continuing as if the failed call had succeeded, or repeating a write that succeeded, which
creates a second issue.
"""

import random
from dataclasses import replace

from envs import words
from envs.api.faults import Faults
from envs.jira import JIRA
from envs.jira.world import ISSUE_TYPES, add_distractors, add_issue, add_project, empty_site
from envs.requests import recover
from envs.scenarios.vocabulary.jira_moves import (
    MOVE,
    planned_move,
    planned_read,
    workflow_steps,
)
from envs.scenarios.vocabulary.mistakes import give_up
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_MOVE = (
    '[[move|bring|take|transition] [|issue |the ticket ]"{issue}" [to|into] "{status}"'
    '|set the status of [|issue ]"{issue}" to "{status}"|[put|get] "{issue}" into "{status}"]'
)
_NEW = (
    '[[create|add|raise|file] a "{type}" [in|for] [|project ]"{project}"[: | called | named | with summary ]"{summary}"'
    '|[note|log|track] "{summary}" [in|under] [|project ]"{project}" as a "{type}"]'
)
_WORDINGS = (
    f"[|please |could you ]{_MOVE}[, then | and then |, and after that ]{_NEW}.",
    f"[|please ]{_MOVE}. [Then|After that|Next], [|please ]{_NEW}.",
    f"[two things|two steps|I need two things]: {_MOVE}, [and|then] {_NEW}.",
    f"[first|to begin with], {_MOVE}; [second|then|next], {_NEW}.",
    f'"{{issue}}" goes to "{{status}}"[. Also| now. Then|, and then] {_NEW}.',
    f'"{{issue}}" [is ready for|belongs in] "{{status}}", [move|bring] it there[. Then| and] {_NEW}.',
)
_HELD_OUT_WORDINGS = (
    f'Take the ticket "{{issue}}" on to "{{status}}" and, when it is there, {_NEW}.',
    f'{_MOVE}. With that done, "{{project}}" gets a new "{{type}}": "{{summary}}".',
)
_CREATE = "createIssue"
OPERATIONS = ("getTransitions", MOVE, _CREATE)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a project with a workflow, an issue to move, an issue to create, and the calls that fail."""
    key, number, choices = words.key(rng, split), rng.randint(10, 97), rng.randint(2, 3)
    fresh = words.fresh_words(rng, split)
    current, *targets = (words.phrase(rng, split, 1, 2, fresh) for _ in range(choices + 1))
    leads = [*(([0], number) for number in range(1, choices + 1)), ([1], 0)]
    steps = workflow_steps(rng, split, fresh, leads)
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), [current, *targets], steps)
    issue = add_issue(world, project, number, words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    world.next_id = rng.randint(10_000, 99_000)
    chosen, kind, summary = rng.randrange(choices), rng.choice(ISSUE_TYPES[:3]), words.phrase(rng, split, 2, 3, fresh)
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        issue=issue["key"], status=targets[chosen], project=key, type=kind, summary=summary
    )
    fields = {"project": {"key": key}, "issuetype": {"name": kind}, "summary": summary}
    plan = (
        planned_read(issue["key"]),
        planned_move(issue["key"], steps[chosen]["id"]),
        PlannedCall(_CREATE, {"fields": fields}),
    )
    faults = _faults(rng)
    return TaskDraft(request, world, oracle=_retried(plan, faults), faults=faults)


def _faults(rng: random.Random) -> Faults | None:
    """Draw a call that fails once or twice; in one task of five, none."""
    if rng.random() < 0.2:
        return None
    name = rng.choice(OPERATIONS)
    # The official document has 409 for transitions alone.
    statuses = [rng.choice((429, 500, 409) if name == MOVE else (429, 500))]
    if rng.random() < 0.3:
        statuses.append(rng.choice((429, 500)))
    return Faults(on=tuple((name, index + 1, status) for index, status in enumerate(statuses)))


def _retried(plan: tuple[PlannedCall, ...], faults: Faults | None) -> tuple[PlannedCall, ...]:
    """Return the plan with each failing call followed by its retries."""
    failing = [name for name, _, _ in faults.on] if faults else []
    retried: list[PlannedCall] = []
    for call in plan:
        retried += [*[replace(call, fails=True)] * failing.count(call.name), call]
    return tuple(retried)


def _go_on(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Continue as if the failed call had succeeded."""
    failed = {call.name for call in plan if call.fails}
    return [call for call in plan if call.fails or call.name not in failed]


def _twice(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Repeat each successful write."""
    return [again for call in plan for again in (call, call)[: 1 + (call.name != "getTransitions" and not call.fails)]]


SCENARIO = Scenario(
    name="jira_recover",
    api=JIRA,
    tools=OPERATIONS,
    mistakes={"give_up": give_up, "go_on": _go_on, "twice": _twice},
    draw=draw,
    talk=recover.draw,
)
