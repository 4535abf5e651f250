"""Plan a sprint: find the project's board and its future sprint by name, then move the given issues into it.

The other project's board has a sprint of the same name, and the right board may have a closed one. Typical mistakes:
choosing another sprint of the same name, leaving an issue out, making up an id, or writing nothing after reading.
"""

import random

from envs import words
from envs.api.world import Record
from envs.jira import JIRA
from envs.jira.world import put
from envs.requests import plan_sprint
from envs.scenarios.vocabulary.jira_sites import NewIssue, TwoProjects, put_issue, two_projects
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing, quoted_list
from envs.task import PlannedCall, Task, TaskDraft

_READS, _CALL = ("getAllBoards", "getAllSprints"), "moveIssuesToSprintAndRank"
API = JIRA.showing("getAllBoards", {"name": {}}, ("values.location.projectKey", "values.name", "values.id")).showing(
    "getAllSprints",
    {"state": {"type": "string", "description": "future, active or closed"}},
    ("values.name", "values.state", "values.id"),
)
_INTO = '[in|into|for] the [future|upcoming|coming] sprint "{sprint}"'
_WORDINGS = (
    f'[|please |could you ][put|move|plan] {{issues}} {_INTO} [of|on the board of] [|project ]"{{project}}".',
    f'[on|for] the board of [|project ]"{{project}}", [|please ][plan|put|move] {{issues}} {_INTO}.',
    '{issues} [should be|have to be|are to be] in the [future|upcoming|coming] sprint "{sprint}" of [|project ]'
    '"{project}"[|, please plan them|. Move them there].',
    'the [future|upcoming|coming] sprint "{sprint}" of [|project ]"{project}" [gets|is to have|takes] {issues}'
    "[|, please plan them|. Move them there].",
    '[we are|I am] planning the [future|upcoming|coming] sprint "{sprint}" of [|project ]"{project}": '
    "[add|move|put] {issues}[| there].",
)
_HELD_OUT_WORDINGS = (
    'Fill the upcoming sprint "{sprint}" of "{project}" with {issues}.',
    'Schedule {issues} for the future sprint "{sprint}" on the board of "{project}".',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw two boards, each with a closed, an active and two future sprints, and issues in no sprint."""
    site = two_projects(rng, split)
    wanted, spare, active, closed = (words.phrase(rng, split, 1, 2, site.fresh) for _ in range(4))
    if rng.random() < 0.5:
        closed = wanted
    names = [(closed, "closed"), (active, "active"), (spare, "future"), (wanted, "future")]
    boards = {project["id"]: _board(site, rng, project, names) for project in rng.sample([site.project, site.other], 2)}
    board, sprints = boards[site.project["id"]]
    numbers = rng.sample(range(10, 99), rng.randint(4, 6))
    issues = [
        put_issue(site, rng, site.project, NewIssue(number, words.phrase(rng, split, 2, 3, site.fresh)))
        for number in numbers
    ]
    for number in numbers[:2]:
        put_issue(site, rng, site.other, NewIssue(number, words.phrase(rng, split, 2, 3, site.fresh)))
    keys = [issue["key"] for issue in rng.sample(issues, rng.randint(2, 3))]
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        issues=quoted_list(keys), sprint=wanted, project=site.project["key"]
    )
    sprint = sprints[-1]["id"]
    plan = (
        PlannedCall("getAllBoards", {"projectKeyOrId": site.project["key"]}),
        PlannedCall("getAllSprints", {"boardId": board["id"], "state": "future"}),
        PlannedCall(_CALL, {"sprintId": sprint, "issues": keys}, f'"{wanted}": {sprint}'),
    )
    return TaskDraft(request, site.world, oracle=plan)


def _board(
    site: TwoProjects, rng: random.Random, project: Record, names: list[tuple[str, str]]
) -> tuple[Record, list[Record]]:
    """Add a board with sprints of these names and states, created in random order."""
    site.world.next_id += rng.randrange(1, 90)
    board = put(site.world, "boards", project=project["id"], name=f"{project['key']} board")
    sprints: dict[int, Record] = {}
    for index in rng.sample(range(len(names)), len(names)):
        site.world.next_id += rng.randrange(1, 90)
        name, state = names[index]
        sprints[index] = put(site.world, "sprints", board=board["id"], name=name, state=state)
    return board, [sprints[index] for index in range(len(names))]


def _same_name(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Choose another sprint of the same name, or else any other sprint."""
    sprints = task.world.tables["sprints"]
    others = [sprint for sprint in sprints.values() if sprint["id"] != right["sprintId"]]
    named = [sprint for sprint in others if sprint["name"] == sprints[right["sprintId"]]["name"]]
    return {"sprintId": rng.choice(named or others)["id"]}


SCENARIO = Scenario(
    name="jira_plan_sprint",
    api=API,
    tools=(*_READS, _CALL),
    mistakes={
        "first_of_the_name": change(_CALL, _same_name),
        "leave_one_out": change(_CALL, lambda right, *_: {"issues": right["issues"][:-1]}, unread=_READS),
        "guess_id": change(_CALL, lambda _, task, rng: {"sprintId": str(rng.randint(1, 99))}, unread=_READS),
        "stop_after_read": stop_before(_CALL),
    },
    draw=draw,
    talk=plan_sprint.draw,
)
