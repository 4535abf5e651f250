"""An example Atlassian site of a given size: Jira projects with issues and Confluence spaces with pages.

`envs.serve` serves it when no scenario is named, and `benchmarks/simulators.py` measures on it.
"""

import random

from envs import words
from envs.api.world import Record, World
from envs.confluence.world import put_page, put_space, six_digits
from envs.jira.world import add_issue, add_project, empty_site, simple_workflow
from envs.words import Split

ISSUES_OF_A_PROJECT = 50
PAGES_OF_A_SPACE = 20
STATUSES = ["To Do", "In Progress", "Done"]


def made_up_site(issues: int = 12, pages: int = 6, seed: int = 0, split: Split = "synthetic") -> World:
    """Return a site with this many issues and pages, homepages included; equal arguments give equal sites."""
    rng = random.Random(f"site:{seed}")
    world = empty_site()
    projects, spaces = -(-issues // ISSUES_OF_A_PROJECT), -(-pages // PAGES_OF_A_SPACE)
    keys = words.distinct(rng, projects + spaces, lambda r: words.key(r, split))
    for number in range(issues):
        if number % ISSUES_OF_A_PROJECT == 0:
            key = keys[number // ISSUES_OF_A_PROJECT]
            project = add_project(world, key, words.phrase(rng, split, 1, 2), STATUSES, simple_workflow())
        add_issue(world, project, number % ISSUES_OF_A_PROJECT + 1, words.phrase(rng, split, 2, 3))
    ids = six_digits(rng, spaces + pages)
    for number in range(pages):
        if number % PAGES_OF_A_SPACE == 0:
            key = keys[projects + number // PAGES_OF_A_SPACE]
            space = put_space(world, ids.pop(), ids.pop(), key, words.phrase(rng, split, 1, 2))
        else:
            title = f"{words.phrase(rng, split, 2, 3)} {number}"
            put_page(world, ids.pop(), space, space["homepageId"], title)
    for project in world.find("projects"):
        _put_board(world, project)
    return world


def _put_board(world: World, project: Record) -> None:
    """Add a board with one future sprint, which has no issues."""
    board = {"id": world.new_id(), "project": project["id"], "name": f"{project['key']} board"}
    sprint = {"id": world.new_id(), "board": board["id"], "name": f"{project['key']} Sprint 1", "state": "future"}
    world.table("boards")[board["id"]] = board
    world.table("sprints")[sprint["id"]] = sprint
