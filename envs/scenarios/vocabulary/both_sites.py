"""Jira and Confluence as one API over one world, for tasks that go from one to the other.

Where both have an operation of a name, it is Jira's.
"""

import random

from envs import words
from envs.api.operation import Api
from envs.api.world import Record
from envs.confluence import CONFLUENCE
from envs.confluence.world import put_page, put_space, six_digits
from envs.jira import JIRA
from envs.scenarios.vocabulary.jira_sites import Site
from envs.words import Split

BOTH = Api(
    "atlassian",
    (*JIRA.operations, *(one for one in CONFLUENCE.operations if one.name not in JIRA.by_name())),
    {**JIRA.distractors, **CONFLUENCE.distractors},
    JIRA.everywhere | CONFLUENCE.everywhere,
)


def add_spaces(site: Site, rng: random.Random, split: Split, title: str) -> Record:
    """Three spaces beside a Jira site's projects; in the two that are not returned there is a page `title` already."""
    taken = {project["key"] for project in site.world.find("projects")}
    drawn = words.distinct(rng, 3 + len(taken), lambda r: words.key(r, split))
    keys = [key for key in drawn if key not in taken][:3]
    ids = six_digits(rng, 9)
    spaces = [
        put_space(site.world, ids.pop(), ids.pop(), key, words.phrase(rng, split, 1, 2, site.fresh)) for key in keys
    ]
    chosen = rng.choice(spaces)
    for space in spaces:
        own = words.phrase(rng, split, 2, 3, site.fresh) if space is chosen else title
        put_page(site.world, ids.pop(), space, space["homepageId"], own)
    return chosen
