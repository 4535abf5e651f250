"""Create a sub-task: find the parent by its summary, read what its project calls its sub-task type, then write.

Every project calls its sub-tasks otherwise, and an issue of the other project has the parent's summary too. What goes
wrong: the type is taken for a usual one, the parent is named by its summary, the other project's issue is taken for
it, or nothing is written after reading.
"""

import random

from envs import words
from envs.api.world import Record, World
from envs.jira.world import DEFAULT_PRIORITY, put
from envs.reward.checks import Check, FinishedEpisode, argument, outcome, stopped_after
from envs.reward.provenance import last_place, read_argument
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.jira_reads import SEARCH, SEARCHABLE, issue_argument, issues_found
from envs.scenarios.vocabulary.jira_sites import by_summary, mixable, names_of, two_projects
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.trace import answered_before
from envs.words import Split

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
_KEPT_BACK = (
    'Hang a new sub-task "{summary}" on the issue "{parent}" of project "{project}".',
    'For "{parent}" (project "{project}") there is one more piece of work, "{summary}": a sub-task, please.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """Two projects, each with a sub-task type of its own, and an issue that is to get a sub-task."""
    site = two_projects(rng, split)
    world, key = site.world, site.project["key"]
    kind = [_own_type(rng, world, project, next(site.fresh)) for project in (site.project, site.other)][0]
    parent_summary, summary, *others = (words.phrase(rng, split, 2, 3, site.fresh) for _ in range(4))
    parent, *_ = mixable(site, rng, [parent_summary, *others], rng.choice(("Bug", "Task", "Story")))
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(summary=summary, parent=parent_summary, project=key)
    fields = {"project": {"key": key}, "issuetype": {"name": kind}, "summary": summary, "parent": {"id": parent["id"]}}
    goal = {
        "project": key,
        "kind": kind,
        "summary": summary,
        "under": parent_summary,
        "parent": [names_of(parent)],
    }
    reads = (
        PlannedCall(SEARCH, {"jql": by_summary(site.project, parent_summary)}),
        PlannedCall(_READ, {"projectIdOrKey": key}),
    )
    return TaskDraft(request, world, goal, (*reads, PlannedCall(_CALL, {"fields": fields})))


def _own_type(rng: random.Random, world: World, project: Record, name: str) -> str:
    """A sub-task type that only this project has, at any place among its types; its name."""
    made = put(world, "issuetypes", name=name.title(), subtask=True, hierarchyLevel=-1)
    current = world.table("projects")[project["id"]]
    types = [*current["issuetypes"], made["id"]]
    world.table("projects")[project["id"]] = {**current, "issuetypes": rng.sample(types, len(types))}
    return str(made["name"])


def _created(task: Task, changed: list[Change]) -> bool:
    """One new sub-task, as asked; its project's counter moved on; nothing else."""
    made = [change.after for change in changed if change.table == "issues" and change.before is None and change.after]
    if len(made) != 1 or sorted(change.table for change in changed) != ["issues", "projects"]:
        return False
    tables, issue = task.world.tables, made[0]
    default = task.world.find("priorities", name=DEFAULT_PRIORITY)[0]["id"]
    wanted = {"summary": task.goal["summary"], "parent": task.goal["parent"][0][1], "priority": default, "labels": []}
    return (
        tables["projects"][issue["project"]]["key"] == task.goal["project"]
        and tables["issuetypes"][issue["issuetype"]]["name"] == task.goal["kind"]
        and issue["fields"] == wanted
    )


def _types_read() -> Check:
    """Whether the project of the issue was read before the write."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        before = answered_before(calls, last_place(calls, _CALL))
        return float(any(c.name == _READ and c.ok and c.body["key"] == episode.task.goal["project"] for c in before))

    return Check(f"procedure/{_READ}", 0.05, score, f"The project's issue types were read before {_CALL}.")


def _changed_fields(plan: Plan, **fields: object) -> Plan:
    return [
        PlannedCall(_CALL, {"fields": {**call.arguments["fields"], **fields}}) if call.name == _CALL else call
        for call in plan
    ]


def _usual_type(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Takes the type for a usual one, without reading."""
    kind = rng.choice(("Subtask", "Sub-task", "Task"))
    return [call for call in _changed_fields(plan, issuetype={"name": kind}) if call.name != _READ]


def _parent_by_summary(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Names the parent by its summary, without looking it up."""
    made = _changed_fields(plan, parent={"id": task.goal["under"]})
    return [call for call in made if call.name != SEARCH]


def _other_parent(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Takes the issue of that summary in the other project."""
    twin = next(
        issue["id"]
        for issue in task.world.find("issues")
        if issue["fields"]["summary"] == task.goal["under"] and issue["id"] not in task.goal["parent"][0]
    )
    return _changed_fields(plan, parent={"id": twin})


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != _CALL] or plan


SCENARIO = Scenario(
    name="jira_create_subtask",
    api=API,
    tools=(SEARCH, _READ, _CALL),
    checks=(
        issues_found(_CALL, "parent", 0.05),
        _types_read(),
        argument(_CALL, "fields.project.key", "project", 0.05),
        read_argument(_CALL, "fields.issuetype.name", "kind", 0.15),
        issue_argument(_CALL, "fields.parent", "parent", 0.15),
        argument(_CALL, "fields.summary", "summary", 0.10),
        stopped_after(_CALL, 0.10),
        outcome(0.35, _created, "Exactly the sub-task that was asked for was created, under its parent."),
    ),
    mistakes={
        "usual_type": _usual_type,
        "parent_by_summary": _parent_by_summary,
        "other_parent": _other_parent,
        "stop_after_read": _stop_after_read,
    },
    draw=draw,
)
