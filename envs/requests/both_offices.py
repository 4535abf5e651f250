"""Draws a believable site with both Jira and Confluence."""

import random
from dataclasses import dataclass

from envs.api.world import World
from envs.requests.confluence_office import ConfluenceOffice, confluence_office
from envs.requests.jira_office import JiraOffice, jira_office
from envs.words import Split


@dataclass(frozen=True)
class BothOffices:
    """Two offices over one world."""

    jira: JiraOffice
    confluence: ConfluenceOffice

    @property
    def world(self) -> World:
        """The world that they share."""
        return self.jira.world


def both_offices(rng: random.Random, split: Split) -> BothOffices:
    """Draw a site whose spaces and projects have different keys; its next id is Jira's."""
    jira = jira_office(rng, split)
    projects = {project["key"] for project in jira.projects}
    drawn = confluence_office(rng, split)
    while projects & {space["key"] for space in drawn.spaces}:
        drawn = confluence_office(rng, split)
    jira.world.tables.update(drawn.world.tables)
    return BothOffices(jira, ConfluenceOffice(jira.world, drawn.spaces))
