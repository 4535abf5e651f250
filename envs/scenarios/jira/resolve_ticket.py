"""Close an issue with a resolution, and in some projects with a fix version.

Two transitions lead to the target status: one has a screen with the resolution, the other sets the site's default
resolution. Only a read that expands the transitions' fields shows which is which. Typical mistakes: choosing the
transition without a screen, omitting the fields of the screen, making up an id, or writing nothing after reading.
"""

import random

from envs import words
from envs.api.operation import Json
from envs.jira import JIRA
from envs.jira.transitions import available
from envs.jira.world import RESOLUTIONS, add_distractors, add_issue, add_project, empty_site, put
from envs.requests import resolve_ticket
from envs.scenarios.vocabulary.jira_moves import MOVE, workflow_steps
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_ISSUE = '[|issue |ticket |the ticket ]"{issue}"'
_AS = '[with the resolution|with resolution|resolved as|as] "{resolution}"'
_WORDINGS = (
    f'[|please |can you |could you ][move|bring|take|transition] {_ISSUE} to "{{status}}" {_AS}{{version}}.',
    f"[|please ][close|finish|resolve] {_ISSUE} {_AS}{{version}}; [its status is then|it ends in|that is status]"
    ' "{status}".',
    f'{_ISSUE} [goes|has to go|should go] to "{{status}}" {_AS}{{version}}.',
    f'"{{status}}" is where {_ISSUE} [belongs now|has to be], {_AS}{{version}}.',
    f'[we are|I am] done with {_ISSUE}: [put|set|bring] it [to|into] "{{status}}" {_AS}{{version}}.',
    f'the resolution of {_ISSUE} is "{{resolution}}"{{version}}[, so move|; move|. Move] it to "{{status}}".',
)
_HELD_OUT_WORDINGS = (
    f'Wrap up {_ISSUE} in "{{status}}" {_AS}{{version}}.',
    f'Give {_ISSUE} the resolution "{{resolution}}"{{version}} on its way to "{{status}}".',
)
_VERSION = (', fixed in "{name}"', ' and the fix version "{name}"', ' and "{name}" as its fix version')
EXPAND = "transitions.fields"
_NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}
_ON_SCREEN = {"resolution": _NAMED, "fixVersions": {"type": "array", "items": _NAMED}}
RESOLVABLE = JIRA.showing(
    "getTransitions",
    {"expand": {"type": "string", "enum": [EXPAND]}},
    ("transitions.to.name", *(f"transitions.fields.{name}.required" for name in _ON_SCREEN), "transitions.id"),
).showing("doTransition", {"fields": {"type": "object", "properties": _ON_SCREEN}})


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a project with two transitions to its last status, one of whose screens may ask for a version."""
    key, number = words.key(rng, split), rng.randint(10, 99)
    fresh = words.fresh_words(rng, split)
    current, other, target, *versions = (words.phrase(rng, split, 1, 2, fresh) for _ in range(6))
    # The issue is in status 0; the last status is the one that closes.
    steps = workflow_steps(rng, split, fresh, [([0], 2), ([0], 2), ([0], 1), ([1], 0), ([2], 0)])
    asks_version = rng.random() < 0.5
    steps[0]["screen"] = {"resolution": True} | ({"fixVersions": True} if asks_version else {})
    closing = steps[0]["id"]
    world = empty_site()
    project = add_project(
        world, key, words.phrase(rng, split, 1, 2), [current, other, target], rng.sample(steps, len(steps))
    )
    for version in versions:
        put(world, "versions", project=project["id"], name=version, released=False)
    issue = add_issue(world, project, number, words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    resolution = rng.choice([kind["name"] for kind in RESOLUTIONS.values()][1:])
    version = rng.choice(versions) if asks_version else ""
    fixed_in = rng.choice(_VERSION).format(name=version) if version else ""
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        issue=issue["key"], status=target, resolution=resolution, version=fixed_in
    )
    fields: dict[str, Json] = {"resolution": {"name": resolution}}
    fields |= {"fixVersions": [{"name": version}]} if version else {}
    close = {"issueIdOrKey": issue["key"], "transition": {"id": closing}, "fields": fields}
    plan = (
        PlannedCall("getTransitions", {"issueIdOrKey": issue["key"], "expand": EXPAND}),
        PlannedCall(MOVE, close, f'"{target}", resolution: {closing}'),
    )
    return TaskDraft(request, world, oracle=plan)


def _without_screen(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Choose the transition without a screen."""
    (issue,) = task.world.find("issues", key=right["issueIdOrKey"])
    plain = next(step for step in available(task.world, issue) if step["from"] and "screen" not in step)
    return {"transition": {"id": plain["id"]}}


SCENARIO = Scenario(
    name="jira_resolve_ticket",
    api=RESOLVABLE,
    tools=("getTransitions", MOVE),
    mistakes={
        "without_screen": change(MOVE, _without_screen, without=("fields",)),
        "forget_fields": change(MOVE, lambda right, *_: {"transition": right["transition"]}, without=("fields",)),
        "guess_id": change(
            MOVE, lambda _, task, rng: {"transition": {"id": str(rng.randint(11, 99))}}, unread=("getTransitions",)
        ),
        "stop_after_read": stop_before(MOVE),
    },
    draw=draw,
    talk=resolve_ticket.draw,
)
