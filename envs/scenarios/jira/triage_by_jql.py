"""Triage: find the issues that meet three conditions with a JQL query, then make the same edit to each of them.

For each condition one issue fails only that condition, and an issue of the other project meets all three. The number of
matching issues varies. Typical mistakes: leaving a condition out of the query, editing only the first issue, sending a
bare value, such as a label that replaces the others, or writing nothing after reading.
"""

import random
from itertools import combinations, product

from envs import words
from envs.api.operation import Json
from envs.api.world import Record
from envs.jira.jql import parse
from envs.jira.world import PRIORITIES, put
from envs.requests import triage_by_jql
from envs.scenarios.vocabulary.jira_search import SEARCH, SEARCHABLE
from envs.scenarios.vocabulary.jira_sites import NewIssue, TwoProjects, add_people, put_issue, two_projects
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

# By condition, which is a field in JQL, its wording in held-out tasks and in all others.
_CONDITIONS = {
    "issuetype": ('are of type "{issuetype}"', '[are of type|are of the type|have the type] "{issuetype}"'),
    "priority": ('have priority "{priority}"', '[have|carry] [|the ]priority "{priority}"'),
    "component": ('are in component "{component}"', '[are in|belong to] [|the ]component "{component}"'),
    "assignee": ("have no assignee", "[have no assignee|are unassigned|are assigned to nobody]"),
}
# By edited field, the wording of the edit in held-out tasks and in all others.
_EDITS = {
    "priority": (
        'set their priority to "{value}"',
        '[set|change] their priority to "{value}"|give [them|each] [|the ]priority "{value}"',
    ),
    "labels": (
        'add the label "{value}" to each',
        'add [|the ]label "{value}" to [each|them|every one]|label [them|each] "{value}"',
    ),
    "assignee": (
        'assign them to "{value}"',
        '[assign|hand|give] [them|each] to "{value}"|make "{value}" the assignee of [each|every one|them]',
    ),
}
_WORDINGS = (
    '[|please |could you ][find|look up|search for] [all|the] issues [in|of] [|project ]"{project}" that <having>'
    "[, and| and then|; then] [<edit>].",
    '[in|for] [|project ]"{project}"[, |, please ][<edit>], [namely|that is,|meaning] [all|the|those] issues that'
    " <having>.",
    '[some|several|certain] issues [in|of] [|project ]"{project}" <having>. [|Please ][<edit>][|, but no others].',
    '[triage|clean up] [|project ]"{project}": where issues <having>, [<edit>].',
)
_HELD_OUT_WORDINGS = (
    'Go through "{project}" for the issues that <having>. For all of these: <edit>.',
    'Which issues of "{project}" <having>? Once you know, <edit>.',
)
_CALL = "editIssue"
_Values = dict[str, str | None]
"""By condition, an issue's value; an account id or None for `assignee`."""
_Pools = dict[str, list[str | None]]
"""By condition, the possible values."""
_PRIORITY, _ASSIGNEE, _ADDED = (
    {"type": "object", "properties": {name: {"type": "string"}}} for name in ("name", "accountId", "add")
)
_FIELDS = {"type": "object", "properties": {"priority": _PRIORITY, "assignee": _ASSIGNEE}}
_UPDATE = {"type": "object", "properties": {"labels": {"type": "array", "items": _ADDED}}}
_JQL = "project = 'KEY' AND issuetype = 'Bug' AND priority = 'Low' AND component = 'Name' AND assignee IS EMPTY"
API = SEARCHABLE.showing(SEARCH, {"jql": {"type": "string", "description": _JQL}}).showing(
    _CALL, {"fields": _FIELDS, "update": _UPDATE}
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw one to four issues that meet the conditions, among near misses."""
    site = two_projects(rng, split)
    conditions = rng.choice(list(combinations(_CONDITIONS, 3)))
    field = rng.choice(list(_EDITS))
    person, *others = add_people(site, rng)
    label, *components = next(site.fresh), *(words.phrase(rng, split, 1, 2, site.fresh) for _ in range(2))
    pools: _Pools = {
        "issuetype": ["Bug", "Task", "Story"],
        "priority": rng.sample(PRIORITIES, len(PRIORITIES)),
        "component": list(components),
        "assignee": [None, *(user["accountId"] for user in others)],
    }
    value = {"priority": pools["priority"].pop(), "labels": label, "assignee": person["displayName"]}[field]
    wanted = {name: None if name == "assignee" else rng.choice(pools[name]) for name in conditions}
    # With the reads, an episode then has at most six turns.
    matching = [_meeting(rng, pools, wanted) for _ in range(rng.randint(1, 3 if field == "assignee" else 4))]
    near = [_meeting(rng, pools, wanted, missed) for missed in conditions]
    for name, project in product(components, (site.project, site.other)):
        put(site.world, "components", name=name, project=project["id"])
    _put_all(site, rng, split, site.project, [*matching, *near])
    _put_all(site, rng, split, site.other, [_meeting(rng, pools, wanted)])
    values = {name: str(value) for name, value in wanted.items()}
    request = _wording(rng, split, conditions, field).format(project=site.project["key"], value=value, **values)
    edit = _edit(field, person["accountId"] if field == "assignee" else str(value))
    jql = " AND ".join(
        [f"project = '{site.project['key']}'"]
        + ["assignee IS EMPTY" if name == "assignee" else f"{name} = '{values[name]}'" for name in conditions]
    )
    reads = [PlannedCall("findUsers", {"query": value})] if field == "assignee" else []
    order = [issue["id"] for issue in parse(site.world, jql).run(site.world)]
    edits = [PlannedCall(_CALL, {"issueIdOrKey": issue, **edit}) for issue in order]
    return TaskDraft(request, site.world, oracle=(*reads, PlannedCall(SEARCH, {"jql": jql}), *edits))


def _meeting(rng: random.Random, pools: _Pools, wanted: _Values, missed: str = "") -> _Values:
    """Draw an issue's values: they meet all conditions but the missed one and are otherwise random."""
    values = {name: rng.choice(pool) for name, pool in pools.items()}
    if missed:
        values[missed] = rng.choice([value for value in pools[missed] if value != wanted[missed]])
    return values | {name: value for name, value in wanted.items() if name != missed}


def _put_all(
    site: TwoProjects, rng: random.Random, split: words.Split, project: Record, issue_values: list[_Values]
) -> list[Record]:
    """Add issues with these values, in random order and numbered without a gap, and return them.

    Without a free number, harder tasks add no near namesake, which would have the same values and match the query.
    """
    issues: dict[int, Record] = {}
    count = len(issue_values)
    numbered = list(zip(range(count), rng.sample(range(1, count + 1), count), strict=True))
    for index, number in rng.sample(numbered, len(numbered)):
        values = issue_values[index]
        component = site.world.find("components", name=values["component"], project=project["id"])[0]
        summary = words.phrase(rng, split, 2, 3, site.fresh)
        fields = {
            "priority": site.world.find("priorities", name=values["priority"])[0]["id"],
            "components": [component["id"]],
            "assignee": values["assignee"],
            "labels": [next(site.fresh) for _ in range(rng.randint(0, 1))],
        }
        issues[index] = put_issue(site, rng, project, NewIssue(number, summary, str(values["issuetype"]), fields))
    return [issues[index] for index in range(len(issue_values))]


def _wording(rng: random.Random, split: words.Split, conditions: tuple[str, ...], field: str) -> str:
    plain, varied = ([_CONDITIONS[name][index] for name in conditions] for index in range(2))
    rng.shuffle(varied)

    def filled(wordings: tuple[str, ...], having: list[str], edit: str) -> list[str]:
        conditions = f"{', '.join(having[:-1])} and {having[-1]}"
        return [text.replace("<having>", conditions).replace("<edit>", edit) for text in wordings]

    return phrasing(
        rng, split, filled(_WORDINGS, varied, _EDITS[field][1]), filled(_HELD_OUT_WORDINGS, plain, _EDITS[field][0])
    )


def _edit(field: str, value: str) -> dict[str, Json]:
    """Return the arguments of the edit except the issue."""
    if field == "labels":
        return {"update": {"labels": [{"add": value}]}}
    return {"fields": {field: {"name" if field == "priority" else "accountId": value}}}


def _oracle_edits(task: Task) -> list[PlannedCall]:
    return [call for call in task.oracle if call.name == _CALL]


def _without_issue(arguments: Arguments) -> dict[str, Json]:
    return {name: value for name, value in arguments.items() if name != "issueIdOrKey"}


def _loose_query(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Leave the last condition out of the query, and edit every issue found."""
    loose: list[PlannedCall] = []
    for call in plan:
        if call.name == SEARCH:
            jql = call.arguments["jql"].rpartition(" AND ")[0]
            edit = _without_issue(_oracle_edits(task)[0].arguments)
            matches = parse(task.world, jql).run(task.world)
            loose = [PlannedCall(_CALL, {"issueIdOrKey": issue["id"], **edit}) for issue in matches]
            loose.insert(0, PlannedCall(SEARCH, {"jql": jql}))
    return [*(call for call in plan if call.name == "findUsers"), *loose]


def _only_first(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Edit only the first issue found."""
    edits = [call for call in plan if call.name == _CALL]
    return [call for call in plan if call not in edits[1:]]


def _bare_value(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Send a bare value without its object: a label that replaces the others, or a name instead of an account id."""
    if "update" in right:
        return {"fields": {"labels": [right["update"]["labels"][0]["add"]]}}
    if "priority" in right["fields"]:
        return {"fields": {"priority": right["fields"]["priority"]["name"]}}
    return {"fields": {"assignee": task.oracle[0].arguments["query"]}}


SCENARIO = Scenario(
    name="jira_triage_by_jql",
    api=API,
    tools=(SEARCH, "findUsers", _CALL),
    mistakes={
        "loose_query": _loose_query,
        "only_first": _only_first,
        "bare_value": change(_CALL, _bare_value, without=("update",)),
        "stop_after_read": stop_before(_CALL),
    },
    draw=draw,
    talk=triage_by_jql.draw,
)
