"""Values that a request may name although a Jira site lacks them, so near to what it has that only reading shows it."""

import random
from itertools import zip_longest

from envs.api.world import Record, World
from envs.jira.world import ISSUE_TYPES, put
from envs.requests import names, people
from envs.requests.jira_office import JiraOffice
from envs.requests.values import of_split
from envs.words import Split

_OWN_TYPES = 4
"""Issue types of a site besides the common ones."""


def absent_issue(rng: random.Random, office: JiraOffice, issue: Record) -> str:
    """Return a key of the issue's project beyond all that it has given out."""
    project = office.world.table("projects")[issue["project"]]
    return f"{project['key']}-{project['next_number'] + rng.randint(1, 20)}"


def absent_status(rng: random.Random, split: Split, office: JiraOffice, issue: Record) -> str:
    """Return a status that no transition leads to: one of the issue's project, or one that the site does not have."""
    world = office.world
    statuses = {status["id"]: status["name"] for status in world.find("statuses")}
    if rng.random() < 0.5:
        return names.status(rng, split, list(statuses.values()))
    flow = world.table("workflows")[world.table("projects")[issue["project"]]["workflow"]]
    targets = sorted({step["to"] for step in flow["transitions"]} - {issue["status"]})
    target = rng.choice(targets)
    left = [step for step in flow["transitions"] if step["to"] != target]
    world.table("workflows")[flow["id"]] = {**flow, "transitions": left}
    return statuses[target]


def absent_person(rng: random.Random, split: Split, office: JiraOffice) -> str:
    """Return the full name of nobody, with the first name of somebody."""
    taken = [user["displayName"] for user in office.people]
    first = rng.choice(taken).split()[0]
    return of_split(
        rng, split, lambda r: f"{first} {r.choice(people.LAST)}", [name for name in taken if name.startswith(first)]
    )


def absent_project(rng: random.Random, split: Split, office: JiraOffice) -> tuple[str, str]:
    """Return the name and key of a project that no project of the site, nor any with nearly its name, has."""
    words = {word for project in office.projects for word in project["name"].split()}
    keys = [project["key"] for project in office.projects]
    while True:
        name = names.project_name(rng, split)
        key = names.key_of(rng, split, name)
        if not words & set(name.split()) and all(_distance(key, other) > 1 for other in keys):
            return name, key


def give_types(rng: random.Random, split: Split, office: JiraOffice) -> None:
    """Give each project, besides the types of its issues, some of the site's other types."""
    world = office.world
    for _ in range(_OWN_TYPES):
        taken = [kind["name"] for kind in world.find("issuetypes")]
        put(world, "issuetypes", name=names.issue_type(rng, split, taken), subtask=False, hierarchyLevel=0)
    for project in office.projects:
        used = {issue["issuetype"] for issue in world.find("issues", project=project["id"])}
        others = [kind["id"] for kind in world.find("issuetypes") if kind["id"] not in used]
        types = sorted({*used, *rng.sample(others, len(others) // 2)})
        world.table("projects")[project["id"]] = {**world.table("projects")[project["id"]], "issuetypes": types}


def types_of(world: World, project: Record) -> list[str]:
    """Return the names of a project's issue types."""
    kinds = world.table("issuetypes")
    return [kinds[kind]["name"] for kind in world.table("projects")[project["id"]]["issuetypes"]]


def absent_type(rng: random.Random, split: Split, world: World, project: Record) -> str:
    """Return an issue type that a project lacks: mostly one that other projects have."""
    here, everywhere = types_of(world, project), [kind["name"] for kind in world.find("issuetypes")]
    elsewhere = [kind for kind in everywhere if kind not in here]
    common = [kind for kind in elsewhere if kind in ISSUE_TYPES]
    if common and rng.random() < 0.5:
        return rng.choice(common)
    return rng.choice(elsewhere) if rng.random() < 0.6 else names.issue_type(rng, split, everywhere)


def _distance(key: str, other: str) -> int:
    return sum(a != b for a, b in zip_longest(key, other))
