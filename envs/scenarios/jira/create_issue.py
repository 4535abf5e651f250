"""Create an issue: one write whose fields are nested, each in its own way.

What goes wrong: the optional fields are dropped, or the project is given as a bare key instead of an object.
"""

import random

from envs import words
from envs.jira import JIRA
from envs.jira.world import ISSUE_TYPES, PRIORITIES, add_distractors, add_project, empty_site, simple_workflow
from envs.reward.checks import argument, outcome, overlap, stopped_after
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft, phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

_REST = (
    '[, priority "{priority}", {labels}|, {labels}, priority "{priority}"| with {labels} and priority "{priority}"'
    '|, priority "{priority}" and {labels}|. Priority "{priority}", {labels}|. Use priority "{priority}" and {labels}'
    '|. It has {labels} and priority "{priority}"].'
)
_WORDINGS = (
    '[|please |could you |we should ][create|add|raise|set up] a "{type}" [in|for] [|project ]"{project}"'
    '[: | called | titled | with summary ]"{summary}"' + _REST,
    '[|please |could you ][file|log|note] "{summary}" [as a "{type}" [in|under|for] "{project}"'
    '|[in|under] [|project ]"{project}" as a "{type}"|in "{project}". It is a "{type}"]' + _REST,
    '[|please |could you ]track "{summary}" in "{project}" as a "{type}"' + _REST,
    'in [|project ]"{project}", [please |][raise|create|add] a "{type}" [called|named|with summary] "{summary}"'
    + _REST,
    '[project "{project}" needs|we need in "{project}"] a "{type}": "{summary}"' + _REST,
    'we need a "{type}" in "{project}" with [priority "{priority}" and {labels}|{labels} and priority "{priority}"].'
    ' [S|The s]ummary[:| is] "{summary}".',
    '[add|raise] a "{priority}" priority "{type}" [to|in] project "{project}", {labels}, summary "{summary}".',
    '[could|can] you create a "{type}" for "{project}"? The summary is "{summary}", the priority "{priority}",'
    " with {labels}.",
    'new "{type}" please: "{summary}" [in|for] project "{project}"' + _REST,
    '[|please ]set up a "{type}" with {labels}, priority "{priority}" and summary "{summary}" in "{project}".',
)
_KEPT_BACK = (
    'Enter a "{type}" in "{project}" called "{summary}" with {labels} and priority "{priority}".',
    'Please track "{summary}" under "{project}" as a "{type}", with priority "{priority}" and {labels}.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A project among others, and an issue to be created in it."""
    key, kind, priority = words.key(rng, split), rng.choice(ISSUE_TYPES[:3]), rng.choice(PRIORITIES)
    fresh = words.fresh_words(rng, split)
    summary = words.phrase(rng, split, 2, 3, fresh)
    labels = [next(fresh) for _ in range(rng.randint(1, 2))]
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), ["To do", "Doing", "Finished"], simple_workflow())
    world.table("projects")[project["id"]] = {**project, "next_number": rng.randint(10, 98)}
    add_distractors(world, rng, split, [key])
    world.next_id = rng.randint(10_000, 99_000)
    quoted = " and ".join(f'"{label}"' for label in labels)
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(
        type=kind, project=key, summary=summary, priority=priority, labels=f"label{'s' * (len(labels) - 1)} {quoted}"
    )
    fields = {
        "project": {"key": key},
        "issuetype": {"name": kind},
        "summary": summary,
        "priority": {"name": priority},
        "labels": labels,
    }
    goal = {"project": key, "type": kind, "summary": summary, "priority": priority, "labels": labels}
    return TaskDraft(request, world, goal, (PlannedCall("createIssue", {"fields": fields}),))


def _created(task: Task, changed: list[Change]) -> bool:
    """One new issue, as asked; its project's counter moved on; nothing else."""
    made = [change.after for change in changed if change.table == "issues" and change.before is None and change.after]
    others = [change for change in changed if change.table != "issues"]
    if len(made) != 1 or len(changed) != 2 or [change.table for change in others] != ["projects"]:
        return False
    tables, issue, fields = task.world.tables, made[0], made[0]["fields"]
    return (
        tables["projects"][issue["project"]]["key"] == task.goal["project"]
        and tables["issuetypes"][issue["issuetype"]]["name"] == task.goal["type"]
        and tables["priorities"][fields["priority"]]["name"] == task.goal["priority"]
        and fields["summary"] == task.goal["summary"]
        and fields["labels"] == sorted(task.goal["labels"])
        and not set(fields) - {"summary", "priority", "labels"}
    )


def _drop(field: str):
    def mistake(plan: Plan, task: Task, rng: random.Random) -> Plan:
        """Leaves a field out."""
        fields = {name: value for name, value in plan[0].arguments["fields"].items() if name != field}
        return [PlannedCall("createIssue", {"fields": fields})]

    return mistake


def _flat_project(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Gives the project as a bare key."""
    return [PlannedCall("createIssue", {"fields": {**plan[0].arguments["fields"], "project": task.goal["project"]}})]


SCENARIO = Scenario(
    name="jira_create_issue",
    api=JIRA,
    tools=("createIssue",),
    checks=(
        argument("createIssue", "fields.project.key", "project", 0.15),
        argument("createIssue", "fields.issuetype.name", "type", 0.10),
        argument("createIssue", "fields.summary", "summary", 0.15),
        argument("createIssue", "fields.priority.name", "priority", 0.15),
        argument("createIssue", "fields.labels", "labels", 0.15, overlap),
        stopped_after("createIssue", 0.10),
        outcome(0.20, _created, "Exactly the issue that was asked for was created."),
    ),
    mistakes={"drop_priority": _drop("priority"), "drop_labels": _drop("labels"), "flat_project": _flat_project},
    draw=draw,
)
