"""Jira and Confluence as one API over one world, for tasks that use both.

If both have an operation of the same name, this API has Jira's.
"""

import random

from envs import words
from envs.api.operation import Api
from envs.api.world import Record
from envs.confluence import CONFLUENCE
from envs.confluence.world import put_page, put_space, six_digits
from envs.jira import JIRA
from envs.scenarios.vocabulary.jira_sites import TwoProjects
from envs.words import Split

BOTH = Api(
    "atlassian",
    (*JIRA.operations, *(operation for operation in CONFLUENCE.operations if operation.name not in JIRA.by_name())),
    {**JIRA.distractors, **CONFLUENCE.distractors},
    JIRA.everywhere | CONFLUENCE.everywhere,
    {**JIRA.normal_forms, **CONFLUENCE.normal_forms},
)


def add_spaces(site: TwoProjects, rng: random.Random, split: Split, title: str) -> Record:
    """Add three spaces and return one; each of the other two has a page `title` already."""
    project_keys = {project["key"] for project in site.world.find("projects")}
    drawn = words.distinct(rng, 3 + len(project_keys), lambda r: words.key(r, split))
    keys = [key for key in drawn if key not in project_keys][:3]
    ids = six_digits(rng, 9)
    spaces = [
        put_space(site.world, ids.pop(), ids.pop(), key, words.phrase(rng, split, 1, 2, site.fresh)) for key in keys
    ]
    chosen = rng.choice(spaces)
    for space in spaces:
        page_title = words.phrase(rng, split, 2, 3, site.fresh) if space is chosen else title
        put_page(site.world, ids.pop(), space, space["homepageId"], page_title)
    return chosen
