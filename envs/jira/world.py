"""A Jira site as tables: projects, issue types, priorities, statuses, workflows, issues, users.

issues      id -> id, key, project, issuetype, status, created, updated, fields (summary, priority, labels, ...)
workflows   id -> id, initial, transitions: [{id, name, from: [status id] (empty: from anywhere), to: status id,
            and where it has a screen: {field id: whether it is required}}]
projects    id -> id, key, name, issuetypes: [id], workflow, next_number, and where types have workflows of their own:
            workflows: {issue type id: workflow id}
and once they are needed components, versions, issue_comments, worklogs, issue_links, remote_links, issue_attachments,
boards and sprints; an issue's history, watchers, voters, properties and resolution are in its record.
"""

import random
from typing import Any

from envs import words
from envs.api.world import Record, World
from envs.words import Split

ISSUE_TYPES = ("Bug", "Task", "Story", "Epic")
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
DEFAULT_PRIORITY = "Medium"
# The three categories every status belongs to, with the ids and colours of the real site.
CATEGORIES: dict[str, Record] = {
    "new": {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    "indeterminate": {"id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"},
    "done": {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
}

RESOLUTIONS: dict[str, Record] = {
    str(10_000 + place): {"id": str(10_000 + place), "name": name}
    for place, name in enumerate(("Done", "Won't Do", "Duplicate", "Cannot Reproduce"))
}
LINK_TYPES: dict[str, Record] = {
    str(10_000 + place): {"id": str(10_000 + place), "name": name, "inward": inward, "outward": outward}
    for place, (name, inward, outward) in enumerate(
        (
            ("Blocks", "is blocked by", "blocks"),
            ("Cloners", "is cloned by", "clones"),
            ("Duplicate", "is duplicated by", "duplicates"),
            ("Relates", "relates to", "relates to"),
        )
    )
}


def empty_site() -> World:
    """A site with issue types, priorities and one user, but no project."""
    world = World()
    for name in ISSUE_TYPES:
        put(world, "issuetypes", name=name, subtask=False, hierarchyLevel=1 if name == "Epic" else 0)
    for name in PRIORITIES:
        put(world, "priorities", name=name)
    world.table("users")[world.me] = {"accountId": world.me, "displayName": "Mia Krystof", "active": True}
    return world


def put(world: World, table: str, **values: Any) -> Record:
    """Add a record under a fresh id."""
    record = {"id": world.new_id(), **values}
    world.table(table)[record["id"]] = record
    return record


def add_project(world: World, key: str, name: str, statuses: list[str], workflow: list[Record]) -> Record:
    """A project with its own statuses and workflow; transitions name statuses by their place in `statuses`."""
    flow = _add_workflow(world, statuses, workflow)
    types = [record["id"] for record in world.tables.get("issuetypes", {}).values()]
    return put(world, "projects", key=key, name=name, issuetypes=types, workflow=flow["id"], next_number=1)


def add_type_workflow(
    world: World, project: Record, issuetype: str, statuses: list[str], workflow: list[Record]
) -> Record:
    """The project, in which issues of one type have statuses and a workflow of their own."""
    kind, flow = world.find("issuetypes", name=issuetype)[0]["id"], _add_workflow(world, statuses, workflow)
    project = world.table("projects")[project["id"]]
    made = {**project, "workflows": {**project.get("workflows", {}), kind: flow["id"]}}
    world.table("projects")[project["id"]] = made
    return made


def workflow_of(world: World, project: Record, issuetype: str) -> Record:
    """The workflow of a project's issues of a type (an id)."""
    return world.table("workflows")[project.get("workflows", {}).get(issuetype, project["workflow"])]


def _add_workflow(world: World, statuses: list[str], workflow: list[Record]) -> Record:
    last = len(statuses) - 1
    made = [
        put(
            world,
            "statuses",
            name=status,
            category="new" if place == 0 else "done" if place == last else "indeterminate",
        )
        for place, status in enumerate(statuses)
    ]
    transitions = [
        {**step, "from": [made[place]["id"] for place in step["from"]], "to": made[step["to"]]["id"]}
        for step in workflow
    ]
    return put(world, "workflows", initial=made[0]["id"], transitions=transitions)


def add_issue(
    world: World, project: Record, number: int, summary: str, issuetype: str = "Task", status: str = ""
) -> Record:
    """An existing issue, in its workflow's initial status unless `status` (an id) says otherwise."""
    table = world.table("projects")
    table[project["id"]] = {**project, "next_number": max(number + 1, table[project["id"]]["next_number"])}
    kind = world.find("issuetypes", name=issuetype)[0]["id"]
    return put(
        world,
        "issues",
        key=f"{project['key']}-{number}",
        project=project["id"],
        issuetype=kind,
        status=status or workflow_of(world, project, kind)["initial"],
        created=world.now_ms,
        updated=world.now_ms,
        fields={"summary": summary, "priority": world.find("priorities", name=DEFAULT_PRIORITY)[0]["id"], "labels": []},
    )


def add_subtask_type(world: World) -> Record:
    """The type of sub-tasks, in every project that there is."""
    made = put(world, "issuetypes", name="Subtask", subtask=True, hierarchyLevel=-1)
    for project in world.find("projects"):
        world.table("projects")[project["id"]] = {**project, "issuetypes": [*project["issuetypes"], made["id"]]}
    return made


def add_user(world: World, account: str, name: str, active: bool = True) -> Record:
    """A further user."""
    user = {"accountId": account, "displayName": name, "active": active}
    world.table("users")[account] = user
    return user


def simple_workflow() -> list[Record]:
    """Forward from each of three statuses to the next."""
    return [{"id": "11", "name": "Start", "from": [0], "to": 1}, {"id": "21", "name": "Finish", "from": [1], "to": 2}]


def add_distractors(world: World, rng: random.Random, split: Split, taken: list[str]) -> None:
    """Two more projects with an issue each, sharing no key with `taken`."""
    for key in words.distinct(rng, 2 + len(taken), lambda r: words.key(r, split)):
        if key not in taken:
            project = add_project(
                world, key, words.phrase(rng, split, 1, 2), ["To do", "Doing", "Finished"], simple_workflow()
            )
            add_issue(world, project, rng.randint(10, 99), words.phrase(rng, split, 2, 3))
