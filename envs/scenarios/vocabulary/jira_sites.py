"""Sites that the harder Jira scenarios share: two projects with issues that can be mixed up, and people who can.

Ids are drawn anew for every site and lie apart, so that an id says nothing about another one.
"""

import random
from collections.abc import Iterator
from typing import NamedTuple

from envs import words
from envs.api.world import Record, World
from envs.jira.world import ISSUE_TYPES, add_issue, add_project, add_user, empty_site, simple_workflow
from envs.words import Split

_NO_WORDS = {"empty", "null", *(kind.lower() for kind in ISSUE_TYPES)}
"""What JQL takes for the absence of a value, and what is a name on every site."""
_GAP = 90
"""Ids lie up to this far apart."""


class Site(NamedTuple):
    """A site, the project that a task is about, another one, and words that nothing on it has yet."""

    world: World
    project: Record
    other: Record
    fresh: Iterator[str]


def two_projects(rng: random.Random, split: Split) -> Site:
    """Two projects without an issue."""
    world = empty_site()
    world.next_id = rng.randint(20_000, 90_000)
    fresh = (word for word in words.fresh_words(rng, split) if word not in _NO_WORDS)
    keys = words.distinct(rng, 2, lambda r: words.key(r, split))
    # Names of two words: JQL knows a project by its name too, and a name of one word could be another's key.
    made = [
        add_project(
            world, key, words.phrase(rng, split, 2, 2, fresh), ["To do", "Doing", "Finished"], simple_workflow()
        )
        for key in keys
    ]
    return Site(world, made[0], made[1], fresh)


def put_issue(
    site: Site, rng: random.Random, project: Record, number: int, summary: str, kind: str = "Task", **fields: object
) -> Record:
    """An issue with these fields, as they are stored, besides the usual ones."""
    site.world.next_id += rng.randrange(1, _GAP)
    issue = add_issue(site.world, site.world.table("projects")[project["id"]], number, summary, kind)
    site.world.table("issues")[issue["id"]] = issue = {**issue, "fields": {**issue["fields"], **fields}}
    return issue


def mixable(site: Site, rng: random.Random, summaries: list[str], kind: str = "Task", **fields: object) -> list[Record]:
    """Issues with these summaries in the project; and one of each summary in the other project too."""
    numbers = [rng.sample(range(10, 99), len(summaries)) for _ in range(2)]
    made: dict[tuple[int, str], Record] = {}
    for place, summary in rng.sample([(place, one) for place in range(2) for one in summaries], 2 * len(summaries)):
        project = (site.project, site.other)[place]
        made[place, summary] = put_issue(site, rng, project, numbers[place].pop(), summary, kind, **fields)
    return [made[0, summary] for summary in summaries]


def add_people(site: Site, rng: random.Random) -> list[Record]:
    """Four people: one, and three who share a name with him, one of whom has a name more. The first is the one."""
    first, last, another, further = (next(site.fresh).title() for _ in range(4))
    names = [f"{first} {last}", f"{first} {another}", f"{another} {last}", f"{first} {last} {further}"]
    accounts = words.distinct(rng, len(names), lambda r: f"{r.randrange(16**8):08x}")
    made = dict(zip(names, accounts, strict=True))
    users = {name: add_user(site.world, made[name], name) for name in rng.sample(names, len(names))}
    return [users[name] for name in names]


def by_summary(project: Record, summary: str) -> str:
    """The JQL that finds the issue of a project by its summary."""
    return f"project = '{project['key']}' AND summary ~ '{summary}'"
