"""Move, assign or create an issue if that can be done; if not, leave the site alone and name what is missing.

About half of the tasks can be done. In the others there is no such issue, user or project, no transition leads to the
wished status, or the project has no such type of issue. Only reading tells which: so neither who always refuses nor who
always tries earns more than half. What goes wrong: the model refuses or tries without reading, takes the next best
thing, or names something else.
"""

import random
import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any

from envs import words
from envs.api.world import Record, World
from envs.jira import JIRA
from envs.jira.world import ISSUE_TYPES, add_distractors, add_issue, add_project, add_user, empty_site
from envs.reward.checks import Check, FinishedEpisode, at, exactly
from envs.reward.provenance import last_place
from envs.reward.site_diff import changes
from envs.scenarios.jira.read_issue import named
from envs.scenarios.vocabulary.jira_writes import as_asked, moves, one_moved, reads
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.trace import Call, answered_before

_ELSE = (
    " [If [that|this|it] [cannot be done|is not possible|does not work]|Should [that|this] be impossible],"
    " [change nothing and |leave everything as it is and |][name only what is missing|say what is missing, only that"
    "|answer with what is missing and nothing else]."
)
_ISSUE = '[|issue |ticket |the ticket ]"{issue}"'
_WORDINGS = {
    "move": (
        f'[|please |can you ][move|bring|take|transition] {_ISSUE} [to|into] "{{status}}".',
        f'[|please ]set the status of {_ISSUE} to "{{status}}".',
        f'{_ISSUE} [should be in|must go to|belongs in] "{{status}}"[| now|, move it].',
    ),
    "assign": (
        f'[|please |can you ][assign|give|hand] {_ISSUE} to "{{user}}".',
        f'"{{user}}" [takes over|should have|will work on] {_ISSUE}[|, assign it].',
        f'[|please ][make|set] "{{user}}" [as |]the assignee of {_ISSUE}.',
    ),
    "create": (
        '[|please |can you ][create|add|raise|file] a "{type}" [in|for] [|project ]"{project}"[: | called | named ]'
        '"{summary}".',
        '[|please ][note|log|track] "{summary}" in [|project ]"{project}" as a "{type}".',
        '[project "{project}" needs|we need in "{project}"] a "{type}": "{summary}".',
    ),
}
_OR_ELSE = (
    " Where there is no way, touch nothing and write only what is lacking.",
    " Else I want to read the one thing that does not.",
)
_KEPT_BACK = {
    "move": (
        'Let "{issue}" go on to "{status}".' + _OR_ELSE[0],
        'Get "{issue}" over to "{status}", if all of it exists.' + _OR_ELSE[1],
    ),
    "assign": (
        'From now on "{issue}" is the work of "{user}".' + _OR_ELSE[0],
        'Pass "{issue}" on to "{user}", if all of it exists.' + _OR_ELSE[1],
    ),
    "create": (
        'Enter "{summary}" into "{project}", it is a "{type}".' + _OR_ELSE[0],
        'A new "{type}" called "{summary}" belongs in "{project}", if all of it exists.' + _OR_ELSE[1],
    ),
}
READS = {"move": "getTransitions", "assign": "findUsers", "create": "getProject"}
WRITES = {"move": "doTransition", "assign": "assignIssue", "create": "createIssue"}
KINDS = tuple(READS)
CAN_MISS = {"move": ("issue", "status"), "assign": ("user",), "create": ("project", "type")}
"""What there may not be, by kind of task."""
NAMES = {"move": ("issue", "status"), "assign": ("issue", "user"), "create": ("project", "type")}
"""What an answer may name of a request."""


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """A project with an issue, users of whom two share a name, and something to be done or missing."""
    kind = rng.choice(KINDS)
    missing = rng.choice(CAN_MISS[kind]) if rng.random() < 0.5 else ""
    key, fresh = words.key(rng, split), words.fresh_words(rng, split)
    current, *targets, nowhere = (words.phrase(rng, split, 2, 2, fresh) for _ in range(rng.randint(4, 5)))
    ids = [str(made) for made in rng.sample(range(11, 100), len(targets))]
    steps: list[Record] = [
        {"id": made, "name": words.phrase(rng, split, 1, 2, fresh), "from": [0], "to": place}
        for place, made in enumerate(ids, 1)
    ]
    world = empty_site()
    # No transition leads to the last status, in half of the sites: in the others there is none of that name at all.
    there = [current, *targets, *[nowhere] * rng.randint(0, 1)]
    project = add_project(world, key, words.phrase(rng, split, 1, 2), there, steps)
    number, chosen = rng.randint(10, 70), rng.randrange(len(targets))
    issue = add_issue(world, project, number, words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    users, asked = _users(world, rng, fresh), rng.choice(ISSUE_TYPES[:3])
    _take_type(world, project, asked if missing == "type" else rng.choice([t for t in ISSUE_TYPES if t != asked]))
    world.next_id = rng.randint(10_000, 99_000)
    wanted = {
        "issue": f"{key}-{number + rng.randint(1, 20)}" if missing == "issue" else issue["key"],
        "status": nowhere if missing == "status" else targets[chosen],
        "user": f"{users[0]['displayName'].split()[0]} {next(fresh).title()}" if missing == "user" else "",
        "project": _absent_key(world, rng, split) if missing == "project" else key,
        "type": asked,
        "summary": words.phrase(rng, split, 2, 3, fresh),
    }
    wanted["user"] = wanted["user"] or users[0]["displayName"]
    common = [wording + _ELSE for wording in _WORDINGS[kind]]
    text = phrasing(rng, split, common, _KEPT_BACK[kind]).format(**wanted)
    kept = (*NAMES[kind], "summary") if kind == "create" else NAMES[kind]
    found = {"move": ids[chosen], "assign": users[0]["accountId"], "create": ""}[kind]
    goal = {name: wanted[name] for name in kept} | {"found": found, "missing": wanted[missing] if missing else ""}
    plan = _plan(goal)
    if not missing:
        return TaskDraft(text, world, goal, plan)
    what = "transition to" if missing == "status" else missing
    return TaskDraft(text, world, goal, plan[:1], f'There is no {what} "{wanted[missing]}".')


def _take_type(world: World, project: Record, name: str) -> None:
    """Take a type of issues away from a project."""
    left = [kind for kind in project["issuetypes"] if world.table("issuetypes")[kind]["name"] != name]
    world.table("projects")[project["id"]] = {**world.table("projects")[project["id"]], "issuetypes": left}


def _users(world: World, rng: random.Random, fresh: Iterator[str]) -> list[Record]:
    """Three users, the first two of one first name; their order on the site tells nothing."""
    first, *others = (next(fresh).title() for _ in range(5))
    names = [f"{first} {others[0]}", f"{first} {others[1]}", f"{others[2]} {others[3]}"]
    made = [{"accountId": f"{rng.randrange(16**24):024x}", "displayName": name} for name in names]
    for user in rng.sample(made, len(made)):
        add_user(world, user["accountId"], user["displayName"])
    return made


def _absent_key(world: World, rng: random.Random, split: words.Split) -> str:
    """A key that differs from every project's in more than a letter: harder tasks have projects nearer than that."""
    taken = [project["key"] for project in world.find("projects")]
    while True:
        made = words.key(rng, split)
        if all(sum(a != b for a, b in zip_longest(made, key)) > 1 for key in taken):
            return made


def kind_of(goal: Mapping[str, Any]) -> str:
    """What a task asks for: one of KINDS."""
    return next(kind for kind, names in NAMES.items() if set(names) <= goal.keys())


def _plan(goal: Mapping[str, Any]) -> tuple[PlannedCall, ...]:
    """The read that tells whether it can be done, and the write that does it."""
    kind = kind_of(goal)
    gone = bool(goal["missing"]) and goal["missing"] == (goal["project"] if kind == "create" else goal["issue"])
    if kind == "move":
        read, write = reads(goal["issue"]), moves(goal["issue"], goal["found"])
    elif kind == "assign":
        read = PlannedCall("findUsers", {"query": goal["user"]})
        write = PlannedCall("assignIssue", {"issueIdOrKey": goal["issue"], "accountId": goal["found"]})
    else:
        fields = {"project": {"key": goal["project"]}, "issuetype": {"name": goal["type"]}, "summary": goal["summary"]}
        read = PlannedCall("getProject", {"projectIdOrKey": goal["project"]})
        write = PlannedCall("createIssue", {"fields": fields})
    return (PlannedCall(read.name, read.arguments, fails=gone), write)


def _telling(call: Call, task: Task) -> bool:
    """Whether a call's answer tells if the task can be done."""
    goal, asked = task.goal, call.arguments
    if call.name != READS[kind_of(goal)]:
        return False
    if kind_of(goal) == "assign":
        # It would have found them.
        name, query = goal["user"].lower(), str(asked.get("query", "")).lower()
        return call.ok and any(part.startswith(query) for part in (name, *name.split()))
    wanted = goal["issue"] if kind_of(goal) == "move" else goal["project"]
    said = asked.get("issueIdOrKey" if kind_of(goal) == "move" else "projectIdOrKey", "")
    return (call.ok or call.status == 404) and str(said).upper() == wanted


def _read(episode: FinishedEpisode) -> bool:
    """Whether it was found out, before the last write if there is one, if the task can be done."""
    calls = episode.trace.calls
    last = last_place(calls, WRITES[kind_of(episode.task.goal)])
    known = calls if last < 0 else answered_before(calls, last)
    return any(_telling(call, episode.task) for call in known)


def _names(episode: FinishedEpisode) -> set[str]:
    """What the last turn names of the request, in lower case. The word "task" is no type; "Task" is one.

    An answer is in words: a copy of the API's, braces and all, names nothing.
    """
    goal, said = episode.task.goal, episode.trace.answer
    if "{" in said:
        return set()
    values = [goal[name] for name in NAMES[kind_of(goal)]]
    if kind_of(goal) == "create":
        said = re.sub(rf"\b{goal['type'].lower()}\b", "", said)
    return named(said, values)


def _refused(episode: FinishedEpisode) -> bool:
    """It was read that something is missing, and that alone is named."""
    goal = episode.task.goal
    return _read(episode) and _names(episode) == {goal["missing"].lower()}


def _arguments(episode: FinishedEpisode) -> float:
    """How much of what the request says went into the write."""
    goal = episode.task.goal
    if goal["missing"]:
        return float(_refused(episode))
    call, wanted = episode.last(WRITES[kind_of(goal)]), _plan(goal)[1]
    if call is None:
        return 0.0
    paths = ("fields.project.key", "fields.summary") if kind_of(goal) == "create" else ("issueIdOrKey",)
    return sum(exactly(_upper(at(call.arguments, path)), _upper(at(wanted.arguments, path))) for path in paths) / len(
        paths
    )


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _found(episode: FinishedEpisode) -> float:
    """What the read tells went into the write."""
    goal = episode.task.goal
    if goal["missing"]:
        return float(_refused(episode))
    call, wanted = episode.last(WRITES[kind_of(goal)]), _plan(goal)[1]
    path = {"move": "transition.id", "assign": "accountId", "create": "fields.issuetype.name"}[kind_of(goal)]
    return exactly(at(call.arguments, path), at(wanted.arguments, path)) * _read(episode) if call else 0.0


def _procedure(episode: FinishedEpisode) -> float:
    """Read first; then a write where it can be done, and none, not even a vain one, where it cannot."""
    return float(_read(episode) and episode.task.any_writes(episode.trace) != bool(episode.task.goal["missing"]))


def _stopped(episode: FinishedEpisode) -> float:
    """Ended by itself, right after the write; where none is possible, with words that name something."""
    calls, goal = episode.trace.calls, episode.task.goal
    if not episode.trace.stopped or not calls:
        return 0.0
    if goal["missing"]:
        return float(_telling(calls[-1], episode.task) and bool(_names(episode)))
    return float(calls[-1].ok and calls[-1].name == WRITES[kind_of(goal)])


def _outcome(episode: FinishedEpisode) -> float:
    task, changed = episode.task, changes(episode.task.world, episode.final)
    if task.goal["missing"]:
        return float(not changed and _refused(episode))
    if kind_of(task.goal) == "move":
        return float(one_moved(task, changed))
    if kind_of(task.goal) == "create":
        new = [change.after for change in changed if change.table == "issues" and not change.before and change.after]
        tables = sorted(change.table for change in changed)
        return float(tables == ["issues", "projects"] and len(new) == 1 and as_asked(task, new[0]))
    if len(changed) != 1 or changed[0].table != "issues" or not changed[0].before or not changed[0].after:
        return 0.0
    before, after = changed[0].before, changed[0].after
    given = {**before, "fields": {**before["fields"], "assignee": task.goal["found"]}}
    kept = {name: value for name, value in after.items() if name not in ("updated", "history")}
    return float(
        before["key"] == task.goal["issue"]
        and len(after.get("history", [])) == 1
        and kept == {name: value for name, value in given.items() if name not in ("updated", "history")}
    )


def _refuse(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return plan[:1]


def _force(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Does the next best thing where what was asked cannot be done."""
    if not task.goal["missing"] or not plan:
        return plan
    if kind_of(task.goal) == "move":
        steps = [step for flow in task.world.find("workflows") for step in flow["transitions"]]
        return [*plan, moves(task.goal["issue"], rng.choice(steps)["id"])]
    if kind_of(task.goal) == "assign":
        first = task.goal["user"].split()[0]
        near = next(user for user in task.world.find("users") if user["displayName"].startswith(first))
        return [*plan, PlannedCall("assignIssue", {"issueIdOrKey": task.goal["issue"], "accountId": near["accountId"]})]
    return [*plan, _plan(task.goal)[1]]


def _unread(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Does without reading."""
    return plan[1:]


SCENARIO = Scenario(
    name="jira_refuse_infeasible",
    api=JIRA,
    tools=("getTransitions", "doTransition", "findUsers", "assignIssue", "getProject", "createIssue"),
    checks=(
        Check("argument/asked", 0.15, _arguments, "The write has what was asked for; or what is missing is named."),
        Check("argument/found", 0.15, _found, "The write has what was read; or what is missing is named."),
        Check("procedure/read", 0.15, _procedure, "Reading came first, and a write only where it can be done."),
        Check("procedure/stop", 0.10, _stopped, "The model stopped after the write, or refused in words."),
        Check("outcome", 0.45, _outcome, "It is done, or nothing is changed and what is missing is named.", True),
    ),
    mistakes={"refuse": _refuse, "force": _force, "unread": _unread},
    draw=draw,
)
