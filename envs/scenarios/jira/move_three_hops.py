"""Move an issue to a status three transitions away, along the route in the request.

The model has to read the transitions again before each hop. One transition has the name of the target status but leads
elsewhere, and another status has a similar name. Held-out tasks use another workflow: the misleading transition is
available from every status, and another transition leads back to the current status. Typical mistakes: choosing
transitions by name, reusing ids of an earlier response, or stopping half way.
"""

import random

from envs import words
from envs.api.distractors import near_phrase
from envs.api.world import Record
from envs.jira import JIRA
from envs.jira.world import add_distractors, add_issue, add_project, empty_site
from envs.requests import move_three_hops
from envs.scenarios.vocabulary.jira_moves import MOVE, moved_issue, planned_move, planned_read
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import Task, TaskDraft

_ISSUE = '[|issue |ticket |the ticket ]"{issue}"'
_VIA = '[via|by way of|through] "{first}"[ and then|, then| and after that| and] "{second}"'
_WORDINGS = (
    f'[|please |can you |could you ][move|bring|take|transition] {_ISSUE} to "{{status}}"[,|] {_VIA}.',
    f'[|please ][move|bring|take] {_ISSUE} to "{{first}}", [then|from there] to "{{second}}" and [finally|in the end'
    '|at last] to "{status}".',
    f'{_ISSUE} [has to|must|should] [end in|reach|get to] "{{status}}"[;|:|, and] [on its way it|it first]'
    ' [passes|goes through] "{first}" and "{second}"[, in this order|, one after the other|].',
    f'before {_ISSUE} [gets|can go] to "{{status}}" it [goes through|has to pass] "{{second}}", and before that'
    ' "{first}". [Move it there|Bring it there|Please take it all the way].',
    f'the [path|route|way] of {_ISSUE} is "{{first}}", "{{second}}", "{{status}}"[;|:] [move|take|bring] it'
    " [to the end|all the way|to the last one].",
    f'"{{status}}" is where {_ISSUE} [belongs|has to be]. [Go|Move it] {_VIA}.',
    f'{_VIA} [|please ][move|bring|take] {_ISSUE} to "{{status}}".',
)
_HELD_OUT_WORDINGS = (
    f'Three steps for {_ISSUE}: "{{first}}", after it "{{second}}", and the last is "{{status}}".',
    f'Let {_ISSUE} arrive in "{{status}}", with stops in "{{first}}" and "{{second}}" on the road.',
)
HOPS = 3


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a workflow with one route to the target status and further transitions that leave the route."""
    key, number = words.key(rng, split), rng.randint(10, 99)
    fresh = words.fresh_words(rng, split)
    start, first, second, aside = (words.phrase(rng, split, 1, 2, fresh) for _ in range(4))
    target = words.phrase(rng, split, 2, 2, fresh)
    near = near_phrase(rng, split, target, {start, first, second, aside})
    ids = [str(transition) for transition in rng.sample(range(11, 100), 9)]
    names = [words.phrase(rng, split, 1, 2, fresh) for _ in range(6)]
    # Statuses by index: 0 start, 1 first, 2 second, 3 aside, 4 near, 5 the target. Steps are (name, from, to).
    route = [(names[hop], [hop], (1, 2, 5)[hop]) for hop in range(HOPS)]
    if split == "heldout":
        off = [(target, [], 3), (names[3], [1], 1), (names[4], [2], 4), (names[5], [3], 0)]
    else:
        off = [(target, [hop], (3, 3, 4)[hop]) for hop in range(HOPS)]
        off += [(names[3], [1], 0), (names[4], [3], 0), (names[5], [4], 2)]
    steps: list[Record] = [
        {"id": transition, "name": name, "from": source, "to": to}
        for transition, (name, source, to) in zip(ids, [*route, *off], strict=False)
    ]
    world = empty_site()
    statuses = [start, first, second, aside, near, target]
    project = add_project(world, key, words.phrase(rng, split, 1, 2), statuses, rng.sample(steps, len(steps)))
    issue = add_issue(world, project, number, words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    values = {"issue": issue["key"], "first": first, "second": second, "status": target}
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(**values)
    hops = zip(ids, (first, second, target), strict=False)
    plan = []
    for transition, to in hops:
        plan += [planned_read(issue["key"]), planned_move(issue["key"], transition, f'"{to}": {transition}')]
    return TaskDraft(request, world, {"status": target}, tuple(plan))


def _by_name(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Choose the transition with the name of the target status, wherever it leads."""
    steps = [step for flow in task.world.find("workflows") for step in flow["transitions"]]
    issue = moved_issue(task)
    start = task.world.find("issues", key=issue)[0]["status"]
    named = next(step for step in steps if step["name"] == task.goal["status"] and step["from"] in ([start], []))
    return [planned_read(issue), planned_move(issue, named["id"])]


def _half_way(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Stop after one or two hops."""
    return plan[: 2 * rng.randint(1, HOPS - 1)]


def _read_once(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Read once and repeat the same transition."""
    return [*plan[:2], *[plan[1]] * (HOPS - 1)]


SCENARIO = Scenario(
    name="jira_move_three_hops",
    api=JIRA,
    tools=("getTransitions", MOVE),
    mistakes={"by_name": _by_name, "half_way": _half_way, "read_once": _read_once},
    draw=draw,
    talk=move_three_hops.draw,
)
