"""The tables of a Jira site, and functions that fill them for scenarios.

issues      id -> id, key, project, issuetype, status, created, updated, fields (summary, priority, labels, ...);
            optionally history, watchers, voters, properties, resolution and sprint
workflows   id -> id, initial, transitions: [{id, name, from: [status id] (empty: from any status), to: status id,
            optionally screen: {field id: whether it is required}}]
projects    id -> id, key, name, issuetypes: [id], workflow, next_number, optionally workflows: {issue type id:
            workflow id} for issue types with a workflow of their own
The tables issuetypes, priorities, statuses and users are always there; components, versions, issue_comments, worklogs,
issue_links, remote_links, issue_attachments, boards and sprints are added on first use.
"""

import random
from typing import Any

from envs import words
from envs.api.world import Record, World
from envs.words import Split

ISSUE_TYPES = ("Bug", "Task", "Story", "Epic")
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
DEFAULT_PRIORITY = "Medium"
# Every status belongs to one of these categories, with the ids and colours of the real site.
CATEGORIES: dict[str, Record] = {
    "new": {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    "indeterminate": {"id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"},
    "done": {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
}

RESOLUTIONS: dict[str, Record] = {
    str(10_000 + index): {"id": str(10_000 + index), "name": name}
    for index, name in enumerate(("Done", "Won't Do", "Duplicate", "Cannot Reproduce"))
}
LINK_TYPES: dict[str, Record] = {
    str(10_000 + index): {"id": str(10_000 + index), "name": name, "inward": inward, "outward": outward}
    for index, (name, inward, outward) in enumerate(
        (
            ("Blocks", "is blocked by", "blocks"),
            ("Cloners", "is cloned by", "clones"),
            ("Duplicate", "is duplicated by", "duplicates"),
            ("Relates", "relates to", "relates to"),
        )
    )
}


def empty_site() -> World:
    """Return a site with issue types, priorities and one user, the caller, but no project."""
    world = World()
    for name in ISSUE_TYPES:
        put(world, "issuetypes", name=name, subtask=False, hierarchyLevel=1 if name == "Epic" else 0)
    for name in PRIORITIES:
        put(world, "priorities", name=name)
    world.table("users")[world.me] = {"accountId": world.me, "displayName": "Mia Krystof", "active": True}
    return world


def put(world: World, table: str, **values: Any) -> Record:
    """Add a record with a new id to a table."""
    record = {"id": world.new_id(), **values}
    world.table(table)[record["id"]] = record
    return record


def add_project(world: World, key: str, name: str, statuses: list[str], workflow: list[Record]) -> Record:
    """Add a project with its own statuses and workflow, whose transitions refer to statuses by index in `statuses`."""
    flow = _add_workflow(world, statuses, workflow)
    types = [record["id"] for record in world.tables.get("issuetypes", {}).values()]
    return put(world, "projects", key=key, name=name, issuetypes=types, workflow=flow["id"], next_number=1)


def add_type_workflow(
    world: World, project: Record, issuetype: str, statuses: list[str], workflow: list[Record]
) -> Record:
    """Give issues of one type in a project their own statuses and workflow; return the new project record."""
    kind, flow = world.find("issuetypes", name=issuetype)[0]["id"], _add_workflow(world, statuses, workflow)
    project = world.table("projects")[project["id"]]
    project = {**project, "workflows": {**project.get("workflows", {}), kind: flow["id"]}}
    world.table("projects")[project["id"]] = project
    return project


def workflow_of(world: World, project: Record, issuetype: str) -> Record:
    """Return the workflow of a project's issues of a type, given by id."""
    return world.table("workflows")[project.get("workflows", {}).get(issuetype, project["workflow"])]


def _add_workflow(world: World, statuses: list[str], workflow: list[Record]) -> Record:
    last = len(statuses) - 1
    records = [
        put(
            world,
            "statuses",
            name=status,
            category="new" if index == 0 else "done" if index == last else "indeterminate",
        )
        for index, status in enumerate(statuses)
    ]
    transitions = [
        {**step, "from": [records[index]["id"] for index in step["from"]], "to": records[step["to"]]["id"]}
        for step in workflow
    ]
    return put(world, "workflows", initial=records[0]["id"], transitions=transitions)


def add_issue(
    world: World, project: Record, number: int, summary: str, issuetype: str = "Task", status: str = ""
) -> Record:
    """Add an issue, in its workflow's initial status unless `status` (an id) is given."""
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
    """Add the issue type Subtask to the site and to all its projects."""
    subtask = put(world, "issuetypes", name="Subtask", subtask=True, hierarchyLevel=-1)
    for project in world.find("projects"):
        world.table("projects")[project["id"]] = {**project, "issuetypes": [*project["issuetypes"], subtask["id"]]}
    return subtask


def add_user(world: World, account: str, name: str, active: bool = True) -> Record:
    """Add a user."""
    user = {"accountId": account, "displayName": name, "active": active}
    world.table("users")[account] = user
    return user


def simple_workflow() -> list[Record]:
    """Return the transitions of a linear workflow of three statuses."""
    return [{"id": "11", "name": "Start", "from": [0], "to": 1}, {"id": "21", "name": "Finish", "from": [1], "to": 2}]


def add_distractors(world: World, rng: random.Random, split: Split, taken: list[str]) -> None:
    """Add at least two projects with one issue each, none with a key in `taken`."""
    for key in words.distinct(rng, 2 + len(taken), lambda r: words.key(r, split)):
        if key not in taken:
            project = add_project(
                world, key, words.phrase(rng, split, 1, 2), ["To do", "Doing", "Finished"], simple_workflow()
            )
            add_issue(world, project, rng.randint(10, 99), words.phrase(rng, split, 2, 3))
