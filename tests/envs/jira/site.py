"""A small Jira site for tests."""

from envs.api.simulator import Simulator
from envs.jira import JIRA
from envs.jira.world import add_issue, add_project, add_subtask_type, add_user, empty_site, put, simple_workflow

SAM = "600000000000000000000001"


def text(words: str) -> dict:
    """Return an Atlassian Document of one paragraph."""
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": words}]}],
    }


def site() -> Simulator:
    """Return a site with projects AA (two issues) and BB (one); a second user; sub-tasks; a component and a version in
    AA; a transition with a screen; and a board with a closed sprint.
    """
    world = empty_site()
    add_subtask_type(world)
    close = {"id": "31", "name": "Close", "from": [1], "to": 2, "screen": {"resolution": True, "fixVersions": False}}
    project = add_project(world, "AA", "Alpha", ["To Do", "In Progress", "Done"], [*simple_workflow(), close])
    other = add_project(world, "BB", "Beta", ["To Do", "In Progress", "Done"], simple_workflow())
    add_user(world, SAM, "Sam Field")
    for owner, number, summary in ((project, 1, "Fix the door"), (project, 2, "Paint the wall"), (other, 1, "Rest")):
        add_issue(world, owner, number, summary)
    put(world, "components", project=project["id"], name="House")
    put(world, "versions", project=project["id"], name="1.0", released=False)
    board = put(world, "boards", project=project["id"], name="AA board")
    put(world, "sprints", board=board["id"], name="Past", state="closed")
    return Simulator(world, JIRA.by_name())
