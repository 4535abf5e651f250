"""Boards of a Jira site's projects, with their sprints."""

import random
from collections.abc import Mapping, Sequence

from envs.api.world import Record
from envs.jira.world import put
from envs.requests.drafts import Described
from envs.requests.jira_office import JiraOffice
from envs.task import PlannedCall


def add_boards(rng: random.Random, office: JiraOffice) -> Mapping[str, Record]:
    """Add a board to each project, in random order; return the boards by project id."""
    boards: dict[str, Record] = {}
    for project in rng.sample(office.projects, len(office.projects)):
        office.world.next_id += rng.randrange(1, 90)
        boards[project["id"]] = put(office.world, "boards", project=project["id"], name=f"{project['name']} board")
    return boards


def add_sprints(
    rng: random.Random, office: JiraOffice, board: Record, named: Sequence[tuple[str, str]]
) -> list[Record]:
    """Add sprints of these names and states to a board, created in random order; return them in the given order."""
    sprints: dict[int, Record] = {}
    for index in rng.sample(range(len(named)), len(named)):
        office.world.next_id += rng.randrange(1, 90)
        name, state = named[index]
        sprints[index] = put(office.world, "sprints", board=board["id"], name=name, state=state)
    return [sprints[index] for index in range(len(named))]


def find_board(place: Described) -> PlannedCall:
    """Return the call that finds a project's board: by the key or, if the request has the name, among all boards."""
    key = place.references[-1].conditions.get("key")
    return PlannedCall("getAllBoards", {"projectKeyOrId": key} if key else {})
