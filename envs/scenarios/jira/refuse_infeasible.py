"""Move, assign or create an issue if possible; otherwise change nothing and name the missing part.

About half of the tasks are possible. In the others the issue, user or project does not exist, no transition leads to
the target status, or the project does not have the issue type. Only reading shows which, so neither always refusing nor
always writing earns more than half. Typical mistakes: refusing or writing without a read, doing something similar
instead, or naming another part.
"""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest

from envs import words
from envs.api.world import Record, World
from envs.claims.impossible import Impossible
from envs.jira import JIRA
from envs.jira.world import ISSUE_TYPES, add_distractors, add_issue, add_project, add_user, empty_site
from envs.requests import refuse_infeasible
from envs.reward.checks import Check
from envs.scenarios.jira.infeasible import RequestKind
from envs.scenarios.jira.infeasible_assign import ASSIGN
from envs.scenarios.jira.infeasible_create import CREATE
from envs.scenarios.jira.infeasible_move import MOVE
from envs.scenarios.jira.missing_parts import found_out
from envs.scenarios.vocabulary.jira_moves import workflow_steps
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import Task, TaskDraft

_IF_IMPOSSIBLE = (
    " [If [that|this|it] [cannot be done|is not possible|does not work]|Should [that|this] be impossible],"
    " [change nothing and |leave everything as it is and |][name only what is missing|say what is missing, only that"
    "|answer with what is missing and nothing else]."
)
KINDS = {"move": MOVE, "assign": ASSIGN, "create": CREATE}


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a project with an issue, two users who share a first name, and a request that may be impossible."""
    name = rng.choice(list(KINDS))
    kind = KINDS[name]
    missing = rng.choice(kind.can_miss) if rng.random() < 0.5 else ""
    key, fresh = words.key(rng, split), words.fresh_words(rng, split)
    current, *targets, nowhere = (words.phrase(rng, split, 2, 2, fresh) for _ in range(rng.randint(4, 5)))
    steps = workflow_steps(rng, split, fresh, [([0], number) for number in range(1, len(targets) + 1)])
    world = empty_site()
    # In half of the sites no transition leads to the last status; in the others that status does not exist.
    existing = [current, *targets, *[nowhere] * rng.randint(0, 1)]
    project = add_project(world, key, words.phrase(rng, split, 1, 2), existing, steps)
    number, chosen = rng.randint(10, 70), rng.randrange(len(targets))
    issue = add_issue(world, project, number, words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    users, issue_type = _users(world, rng, fresh), rng.choice(ISSUE_TYPES[:3])
    _take_type(
        world, project, issue_type if missing == "type" else rng.choice([t for t in ISSUE_TYPES if t != issue_type])
    )
    world.next_id = rng.randint(10_000, 99_000)
    wanted = {
        "issue": f"{key}-{number + rng.randint(1, 20)}" if missing == "issue" else issue["key"],
        "status": nowhere if missing == "status" else targets[chosen],
        "user": f"{users[0]['displayName'].split()[0]} {next(fresh).title()}" if missing == "user" else "",
        "project": _absent_key(world, rng, split) if missing == "project" else key,
        "type": issue_type,
        "summary": words.phrase(rng, split, 2, 3, fresh),
    }
    wanted["user"] = wanted["user"] or users[0]["displayName"]
    text = phrasing(rng, split, [wording + _IF_IMPOSSIBLE for wording in kind.wordings], kind.held_out_wordings).format(
        **wanted
    )
    read_value = {"move": steps[chosen]["id"], "assign": users[0]["accountId"], "create": issue_type}[name]
    parts = {part: wanted[part] for part in (*kind.parts, *(["summary"] if kind is CREATE else []))}
    goal = parts | {"missing": wanted[missing] if missing else ""}
    read = kind.read(parts)
    if not missing:
        return TaskDraft(text, world, goal, (read, kind.write(parts, read_value)))
    what = "transition to" if missing == "status" else missing
    read = replace(read, fails=missing in ("issue", "project"))
    claim = Impossible(missing, wanted[missing], {part: wanted[part] for part in kind.parts if part != missing})
    return TaskDraft(text, world, goal, (read,), f'There is no {what} "{wanted[missing]}".', claim)


def _take_type(world: World, project: Record, name: str) -> None:
    """Remove an issue type from a project."""
    left = [kind for kind in project["issuetypes"] if world.table("issuetypes")[kind]["name"] != name]
    world.table("projects")[project["id"]] = {**world.table("projects")[project["id"]], "issuetypes": left}


def _users(world: World, rng: random.Random, fresh: Iterator[str]) -> list[Record]:
    """Add three users, in random order, and return them; the first two share a first name."""
    first, *others = (next(fresh).title() for _ in range(5))
    names = [f"{first} {others[0]}", f"{first} {others[1]}", f"{others[2]} {others[3]}"]
    users = [{"accountId": f"{rng.randrange(16**24):024x}", "displayName": name} for name in names]
    for user in rng.sample(users, len(users)):
        add_user(world, user["accountId"], user["displayName"])
    return users


def _absent_key(world: World, rng: random.Random, split: words.Split) -> str:
    """Draw a key that differs from every project's in two or more letters: harder tasks add keys that differ in one."""
    keys = [project["key"] for project in world.find("projects")]
    while True:
        key = words.key(rng, split)
        if all(sum(a != b for a, b in zip_longest(key, other)) > 1 for other in keys):
            return key


def kind_of(task: Task) -> RequestKind:
    """Return a task's kind of request; of two, the one that lacks something."""
    kinds = [kind for kind in KINDS.values() if {*kind.parts} <= task.goal.keys()]
    missing = task.goal["missing"]
    return next((kind for kind in kinds if missing in [task.goal[part] for part in kind.parts]), kinds[0])


def _force(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Do something similar if the request is impossible."""
    return [*plan, kind_of(task).next_best(task, rng)] if task.goal["missing"] and plan else plan


SCENARIO = Scenario(
    name="jira_refuse_infeasible",
    api=JIRA,
    tools=("getTransitions", "doTransition", "findUsers", "assignIssue", "getProject", "createIssue"),
    mistakes={"refuse": lambda plan, *_: plan[:1], "force": _force, "unread": lambda plan, *_: plan[1:]},
    draw=draw,
    talk=refuse_infeasible.draw,
    checks=(Check("evidence", found_out, "A response showed that the missing part is missing.", required=True),),
)
