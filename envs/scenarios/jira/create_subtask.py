"""Create a sub-task: find the parent by its summary, read the project's name for its sub-task type, then write.

Each project has its own sub-task type, and an issue of the other project has the parent's summary too. Typical
mistakes: assuming a common type name, naming the parent by its summary, choosing the other project's issue, or writing
nothing after reading.
"""

import random

from envs import words
from envs.api.world import Record, World
from envs.jira.world import put
from envs.requests import create_subtask
from envs.scenarios.vocabulary.jira_search import SEARCH, SEARCHABLE
from envs.scenarios.vocabulary.jira_sites import by_summary, issues_in_both_projects, two_projects
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_CALL, _READ = "createIssue", "getProject"
_NAME, _KEY, _TEXT = {"name": {"type": "string"}}, {"key": {"type": "string"}}, {"type": "string"}
_FIELDS = {
    "project": {"type": "object", "properties": _KEY},
    "issuetype": {"type": "object", "properties": _NAME},
    "summary": _TEXT,
    "parent": {"type": "object", "properties": {"id": _TEXT}},
}
API = SEARCHABLE.showing(_CALL, {"fields": {"type": "object", "properties": _FIELDS}}).showing(
    _READ, {}, ("issueTypes.name", "issueTypes.subtask")
)
_SUB = "[sub-task|subtask]"
_WORDINGS = (
    f'[|please |could you ][create|add|make|open] a {_SUB} "{{summary}}" [under|below|for] [|the issue |the ticket ]'
    '"{parent}" [in|of] [|project |the project ]"{project}".',
    f'[|please ][give|add to] [|the issue ]"{{parent}}" [in|of] [|project ]"{{project}}" a {_SUB}'
    '[ called| named| with summary|:] "{summary}".',
    f'[in|within] [|project ]"{{project}}", [|please ][split off|break out] "{{summary}}" as a {_SUB} of'
    ' [|the issue |the ticket ]"{parent}".',
    f'[|the issue ]"{{parent}}" in "{{project}}" [needs|should have|gets|lacks] a {_SUB}'
    '[ called| named|:] "{summary}"[|, please add it|, create it].',
    f'[|please ][track|note|file] "{{summary}}" [as a {_SUB} of|in a {_SUB} below] "{{parent}}"'
    ' [in|of] [|project ]"{project}".',
    f'part of "{{parent}}" [in|of] [|project ]"{{project}}" is "{{summary}}"[;|:] [make|create|add] a {_SUB} for it.',
)
_HELD_OUT_WORDINGS = (
    'Hang a new sub-task "{summary}" on the issue "{parent}" of project "{project}".',
    'For "{parent}" (project "{project}") there is one more piece of work, "{summary}": a sub-task, please.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw two projects with different sub-task types, and the issue that gets a sub-task."""
    site = two_projects(rng, split)
    world, key = site.world, site.project["key"]
    kind = [_add_subtask_type(rng, world, project, next(site.fresh)) for project in (site.project, site.other)][0]
    parent_summary, summary, *others = (words.phrase(rng, split, 2, 3, site.fresh) for _ in range(4))
    parent, *_ = issues_in_both_projects(site, rng, [parent_summary, *others], rng.choice(("Bug", "Task", "Story")))
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        summary=summary, parent=parent_summary, project=key
    )
    fields = {"project": {"key": key}, "issuetype": {"name": kind}, "summary": summary, "parent": {"id": parent["id"]}}
    plan = (
        PlannedCall(SEARCH, {"jql": by_summary(site.project, parent_summary)}),
        PlannedCall(_READ, {"projectIdOrKey": key}),
        PlannedCall(_CALL, {"fields": fields}),
    )
    return TaskDraft(request, world, oracle=plan)


def _add_subtask_type(rng: random.Random, world: World, project: Record, name: str) -> str:
    """Add a sub-task type to one project, at a random position among its types, and return its name."""
    kind = put(world, "issuetypes", name=name.title(), subtask=True, hierarchyLevel=-1)
    current = world.table("projects")[project["id"]]
    types = [*current["issuetypes"], kind["id"]]
    world.table("projects")[project["id"]] = {**current, "issuetypes": rng.sample(types, len(types))}
    return str(kind["name"])


def _usual_type(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    return {"fields.issuetype": {"name": rng.choice(("Subtask", "Sub-task", "Task"))}}


def _summary(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    return {"fields.parent.id": _parent(right, task)["fields"]["summary"]}


def _parent(right: Arguments, task: Task) -> Record:
    return task.world.tables["issues"][right["fields"]["parent"]["id"]]


def _other_parent(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Choose the other project's issue of the same summary."""
    issues, parent = task.world.find("issues"), _parent(right, task)
    same = (issue for issue in issues if issue["fields"]["summary"] == parent["fields"]["summary"])
    return {"fields.parent": {"id": next(issue["id"] for issue in same if issue is not parent)}}


SCENARIO = Scenario(
    name="jira_create_subtask",
    api=API,
    tools=(SEARCH, _READ, _CALL),
    mistakes={
        "usual_type": change(_CALL, _usual_type, unread=(_READ,)),
        "parent_by_summary": change(_CALL, _summary, unread=(SEARCH,)),
        "other_parent": change(_CALL, _other_parent),
        "stop_after_read": stop_before(_CALL),
    },
    draw=draw,
    talk=create_subtask.draw,
)
