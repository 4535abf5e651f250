"""Draws a believable Jira site: projects, people, workflows, and issues reported during the last days."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from envs.api.world import START_MS, Record, World
from envs.jira.world import PRIORITIES, add_issue, add_project, add_user, empty_site
from envs.requests import names, people
from envs.requests.subjects import subject
from envs.words import Split

DAY_MS = 86_400_000
FIRST_STATUS, LAST_STATUS = "To Do", "Done"
"""Statuses of every workflow."""
_ISSUES = 6
"""Issues of each project."""
_OLDEST = 7
"""The greatest age of an issue, in days."""


@dataclass(frozen=True)
class JiraOffice:
    """A site and the people on it."""

    world: World
    projects: tuple[Record, ...]
    people: tuple[Record, ...]
    topics: Mapping[str, str]
    """By issue id, a phrase of its summary by which people speak of it; empty for none."""

    def project(self, key: str) -> Record:
        """Return the current record of a project."""
        return self.world.find("projects", key=key)[0]

    def issues(self) -> list[Record]:
        """Return all issues, by id."""
        return [self.world.table("issues")[issue] for issue in sorted(self.topics)]


def jira_office(rng: random.Random, split: Split) -> JiraOffice:
    """Draw a site with three projects, five people besides the caller, and issues that nobody has in all respects."""
    world = empty_site()
    world.next_id = rng.randint(20_000, 90_000)
    drawn: list[str] = []
    for _ in range(5):
        drawn.append(people.person(rng, split, [*drawn, "Mia Krystof"]))
    users = [add_user(world, f"{rng.randrange(16**8):08x}", name) for name in drawn]
    titles: list[str] = []
    keys: list[str] = []
    for _ in range(3):
        titles.append(names.project_name(rng, split, titles))
        keys.append(names.key_of(rng, split, titles[-1], keys))
    projects = [_project(world, rng, split, key, name) for key, name in zip(keys, titles, strict=True)]
    topics: dict[str, str] = {}
    for project in rng.sample(projects * _ISSUES, _ISSUES * len(projects)):
        issue, topic = _issue(world, rng, split, project, users)
        topics[issue] = topic
    return JiraOffice(world, tuple(world.table("projects").values()), tuple(users), topics)


def steps_from(world: World, issue: Record) -> dict[str, str]:
    """Return the ids of the transitions that leave an issue's status, by the name of the status they lead to."""
    project = world.table("projects")[issue["project"]]
    transitions = world.table("workflows")[project["workflow"]]["transitions"]
    statuses = world.table("statuses")
    return {statuses[step["to"]]["name"]: step["id"] for step in transitions if issue["status"] in step["from"]}


def _project(world: World, rng: random.Random, split: Split, key: str, name: str) -> Record:
    """Add a project whose workflow leads from each status to two or three others."""
    middle: list[str] = []
    for _ in range(4):
        middle.append(names.status(rng, split, middle))
    statuses = [FIRST_STATUS, *middle, LAST_STATUS]
    leads = [
        (here, there)
        for here in range(len(statuses))
        for there in sorted(rng.sample([n for n in range(len(statuses)) if n != here], 3))
    ]
    ids = rng.sample(range(11, 100), len(leads))
    steps = [
        {"id": str(step), "name": names.transition(rng, split), "from": [here], "to": there}
        for step, (here, there) in zip(ids, leads, strict=True)
    ]
    return add_project(world, key, name, statuses, steps)


def _issue(world: World, rng: random.Random, split: Split, project: Record, users: list[Record]) -> tuple[str, str]:
    """Add an issue; return its id and topic."""
    world.next_id += rng.randrange(1, 90)
    taken = [issue["fields"]["summary"] for issue in world.find("issues")]
    about = subject(rng, split, taken)
    flow = world.table("workflows")[project["workflow"]]
    number = world.table("projects")[project["id"]]["next_number"] + rng.randint(1, 9)
    status = rng.choice([step["from"][0] for step in flow["transitions"]])
    issue = add_issue(world, project, number, about.summary, about.kind, status)
    created = START_MS - rng.randint(0, _OLDEST) * DAY_MS - rng.randrange(1, 8 * 3600) * 1000
    fields = {
        **issue["fields"],
        "reporter": rng.choice(users)["accountId"],
        "assignee": rng.choice([None, *(user["accountId"] for user in users)]),
        "priority": world.find("priorities", name=rng.choice(PRIORITIES))[0]["id"],
        "labels": [names.label(rng, split)] if rng.random() < 0.5 else [],
    }
    world.table("issues")[issue["id"]] = {**issue, "created": created, "updated": created, "fields": fields}
    return issue["id"], about.topic
