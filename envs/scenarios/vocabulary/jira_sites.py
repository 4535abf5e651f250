"""Jira sites for the harder scenarios: two projects with easily confused issues, and people with similar names.

Each site draws new ids with gaps between them, so that no id can be inferred from another.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from envs import words
from envs.api.world import Record, World
from envs.jira.world import ISSUE_TYPES, add_issue, add_project, add_user, empty_site, simple_workflow
from envs.words import Split

_NO_WORDS = {"empty", "null", *(kind.lower() for kind in ISSUE_TYPES)}
"""Excluded words: JQL keywords for a missing value, and the names of issue types, which every site has."""
_GAP = 90
"""The largest gap between two ids."""


class TwoProjects(NamedTuple):
    """A site with two projects."""

    world: World
    project: Record
    """The project that the task is about."""
    other: Record
    fresh: Iterator[str]
    """Words that do not occur on the site yet."""


@dataclass(frozen=True)
class NewIssue:
    """An issue to be added to a site."""

    number: int
    summary: str
    type: str = "Task"
    fields: Mapping[str, object] = field(default_factory=dict)
    """Stored values that are added to the default fields."""


def two_projects(rng: random.Random, split: Split) -> TwoProjects:
    """Draw a site with two projects and no issues."""
    world = empty_site()
    world.next_id = rng.randint(20_000, 90_000)
    fresh = (word for word in words.fresh_words(rng, split) if word not in _NO_WORDS)
    keys = words.distinct(rng, 2, lambda r: words.key(r, split))
    # Names of two words: JQL knows a project by its name too, and a name of one word could be another's key.
    projects = [
        add_project(
            world, key, words.phrase(rng, split, 2, 2, fresh), ["To do", "Doing", "Finished"], simple_workflow()
        )
        for key in keys
    ]
    return TwoProjects(world, projects[0], projects[1], fresh)


def put_issue(site: TwoProjects, rng: random.Random, project: Record, new: NewIssue) -> Record:
    """Add an issue to a project and return its record."""
    site.world.next_id += rng.randrange(1, _GAP)
    issue = add_issue(site.world, site.world.table("projects")[project["id"]], new.number, new.summary, new.type)
    site.world.table("issues")[issue["id"]] = issue = {**issue, "fields": {**issue["fields"], **new.fields}}
    return issue


def issues_in_both_projects(
    site: TwoProjects,
    rng: random.Random,
    summaries: list[str],
    issue_type: str = "Task",
    fields: Mapping[str, object] | None = None,
) -> list[Record]:
    """Add an issue of each summary to both projects; return those of `site.project` in the order of `summaries`."""
    numbers = [rng.sample(range(10, 99), len(summaries)) for _ in range(2)]
    issues: dict[tuple[int, str], Record] = {}
    pairs = [(index, summary) for index in range(2) for summary in summaries]
    for index, summary in rng.sample(pairs, 2 * len(summaries)):
        project = (site.project, site.other)[index]
        new = NewIssue(numbers[index].pop(), summary, issue_type, fields or {})
        issues[index, summary] = put_issue(site, rng, project, new)
    return [issues[0, summary] for summary in summaries]


def add_people(site: TwoProjects, rng: random.Random) -> list[Record]:
    """Add four users with similar names and return them.

    The second and third share the first or the last name with the first; the fourth has the first's full name and
    another name after it.
    """
    first, last, another, further = (next(site.fresh).title() for _ in range(4))
    names = [f"{first} {last}", f"{first} {another}", f"{another} {last}", f"{first} {last} {further}"]
    accounts = words.distinct(rng, len(names), lambda r: f"{r.randrange(16**8):08x}")
    account_of = dict(zip(names, accounts, strict=True))
    users = {name: add_user(site.world, account_of[name], name) for name in rng.sample(names, len(names))}
    return [users[name] for name in names]


def by_summary(project: Record, summary: str) -> str:
    """Return a JQL query for a project's issue by its summary."""
    return f"project = '{project['key']}' AND summary ~ '{summary}'"
