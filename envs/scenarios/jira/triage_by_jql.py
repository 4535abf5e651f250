"""Triage: find the issues that meet three conditions by a query in JQL, then make the same edit on each of them.

For each condition there is an issue that misses it alone, and one in another project misses none. How many are found
differs from task to task. What goes wrong: a condition is left out of the query, only the first issue is edited, a
label replaces the others instead of joining them, or nothing is written after reading.
"""

import random
from itertools import combinations, product

from envs import words
from envs.api.json_paths import leafwise
from envs.api.operation import Json
from envs.api.world import Record
from envs.jira.jql import parse
from envs.jira.world import PRIORITIES, put
from envs.reward.checks import FinishedEpisode, at, outcome, stopped_after
from envs.reward.provenance import all_named, each_call, seen_before
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.jira_reads import SEARCH, SEARCHABLE, issues_found
from envs.scenarios.vocabulary.jira_sites import Site, add_people, names_of, put_issue, two_projects
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft, phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

# A condition as a request tells it, plainly and otherwise; its name is the field in JQL.
_TOLD = {
    "issuetype": ('are of type "{issuetype}"', '[are of type|are of the type|have the type] "{issuetype}"'),
    "priority": ('have priority "{priority}"', '[have|carry] [|the ]priority "{priority}"'),
    "component": ('are in component "{component}"', '[are in|belong to] [|the ]component "{component}"'),
    "assignee": ("have no assignee", "[have no assignee|are unassigned|are assigned to nobody]"),
}
# An edit by its field, told plainly and otherwise.
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
_KEPT_BACK = (
    'Go through "{project}" for the issues that <having>. For all of these: <edit>.',
    'Which issues of "{project}" <having>? Once you know, <edit>.',
)
_CALL = "editIssue"
_ACCOUNT = "fields.assignee.accountId"
_Values = dict[str, str | None]
"""By condition, what an issue has; an account id or None under `assignee`."""
_Pools = dict[str, list[str | None]]
"""By condition, what issues may have."""
API = SEARCHABLE.showing(
    _CALL,
    {
        "fields": {
            "type": "object",
            "properties": {
                "priority": {"type": "object", "properties": {"name": {"type": "string"}}},
                "assignee": {"type": "object", "properties": {"accountId": {"type": "string"}}},
            },
        },
        "update": {
            "type": "object",
            "properties": {
                "labels": {"type": "array", "items": {"type": "object", "properties": {"add": {"type": "string"}}}}
            },
        },
    },
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """One to four issues that meet the conditions, among others that nearly do."""
    site = two_projects(rng, split)
    conditions = rng.choice(list(combinations(_TOLD, 3)))
    field = rng.choice(list(_EDITS))
    person, *others = add_people(site, rng)
    label, *components = next(site.fresh), *(words.phrase(rng, split, 1, 2, site.fresh) for _ in range(2))
    pools: _Pools = {
        "issuetype": ["Bug", "Task", "Story"],
        "priority": rng.sample(PRIORITIES, len(PRIORITIES)),
        "component": list(components),
        "assignee": [None, *(one["accountId"] for one in others)],
    }
    value = {"priority": pools["priority"].pop(), "labels": label, "assignee": person["displayName"]}[field]
    wanted = {name: None if name == "assignee" else rng.choice(pools[name]) for name in conditions}
    # Together with what is read first, an episode is then at most six turns long.
    found = [_meeting(rng, pools, wanted) for _ in range(rng.randint(1, 3 if field == "assignee" else 4))]
    near = [_meeting(rng, pools, wanted, missed) for missed in conditions]
    for name, project in product(components, (site.project, site.other)):
        put(site.world, "components", name=name, project=project["id"])
    targets = _put_all(site, rng, split, site.project, [*found, *near])[: len(found)]
    _put_all(site, rng, split, site.other, [_meeting(rng, pools, wanted)])
    told = {name: str(one) for name, one in wanted.items()}
    request = _wording(rng, split, conditions, field).format(project=site.project["key"], value=value, **told)
    edit = _edit(field, person["accountId"] if field == "assignee" else str(value))
    jql = " AND ".join(
        [f"project = '{site.project['key']}'"]
        + ["assignee IS EMPTY" if name == "assignee" else f"{name} = '{told[name]}'" for name in conditions]
    )
    reads = [PlannedCall("findUsers", {"query": value})] if field == "assignee" else []
    order = [issue["id"] for issue in parse(site.world, jql).run(site.world)]
    edits = [PlannedCall(_CALL, {"issueIdOrKey": issue, **edit}) for issue in order]
    goal = {
        "project": site.project["key"],
        "issues": [names_of(issue) for issue in targets],
        "field": list(_EDITS).index(field),
        "value": person["accountId"] if field == "assignee" else value,
        "said": value,
        "edit": edit,
    }
    return TaskDraft(request, site.world, goal, (*reads, PlannedCall(SEARCH, {"jql": jql}), *edits))


def _meeting(rng: random.Random, pools: _Pools, wanted: _Values, missed: str = "") -> _Values:
    """An issue's values that meet all conditions but the missed one, and are any otherwise."""
    made = {name: rng.choice(pool) for name, pool in pools.items()}
    if missed:
        made[missed] = rng.choice([value for value in pools[missed] if value != wanted[missed]])
    return made | {name: value for name, value in wanted.items() if name != missed}


def _put_all(site: Site, rng: random.Random, split: Split, project: Record, issues: list[_Values]) -> list[Record]:
    """The issues with these values, in any order on the site and numbered without a gap.

    Where no number is free, harder tasks put no namesake: it would have the same values and be found as well.
    """
    made: dict[int, Record] = {}
    numbered = list(zip(range(len(issues)), rng.sample(range(1, len(issues) + 1), len(issues)), strict=True))
    for place, number in rng.sample(numbered, len(numbered)):
        values = issues[place]
        component = site.world.find("components", name=values["component"], project=project["id"])[0]
        made[place] = put_issue(
            site,
            rng,
            project,
            number,
            words.phrase(rng, split, 2, 3, site.fresh),
            str(values["issuetype"]),
            priority=site.world.find("priorities", name=values["priority"])[0]["id"],
            components=[component["id"]],
            assignee=values["assignee"],
            labels=[next(site.fresh) for _ in range(rng.randint(0, 1))],
        )
    return [made[place] for place in range(len(issues))]


def _wording(rng: random.Random, split: Split, conditions: tuple[str, ...], field: str) -> str:
    plain, varied = ([_TOLD[name][place] for name in conditions] for place in range(2))
    rng.shuffle(varied)

    def filled(wordings: tuple[str, ...], having: list[str], edit: str) -> list[str]:
        told = f"{', '.join(having[:-1])} and {having[-1]}"
        return [one.replace("<having>", told).replace("<edit>", edit) for one in wordings]

    return phrasing(
        rng, split, filled(_WORDINGS, varied, _EDITS[field][1]), filled(_KEPT_BACK, plain, _EDITS[field][0])
    )


def _edit(field: str, value: str) -> dict[str, Json]:
    """The arguments of the edit, but for the issue."""
    if field == "labels":
        return {"update": {"labels": [{"add": value}]}}
    return {"fields": {field: {"name" if field == "priority" else "accountId": value}}}


def _edited(task: Task, changed: list[Change]) -> bool:
    """The issues found, and no other record, have the new value; nothing else of them has changed."""
    if {change.table for change in changed} != {"issues"}:
        return False
    if {change.before["id"] if change.before else "" for change in changed} != {
        names[1] for names in task.goal["issues"]
    }:
        return False
    return all(_right_after(task, change.before, change.after) for change in changed)


def _field(task: Task) -> str:
    return list(_EDITS)[task.goal["field"]]


def _right_after(task: Task, before: Record | None, after: Record | None) -> bool:
    if before is None or after is None:
        return False
    field, value = _field(task), task.goal["value"]
    if field == "labels":
        value = sorted({*before["fields"]["labels"], value})
    elif field == "priority":
        value = task.world.find("priorities", name=value)[0]["id"]
    # One edit, so that a wrong one before it is not forgotten.
    once = len(after.get("history", [])) == len(before.get("history", [])) + 1
    kept = {name: one for name, one in before.items() if name not in ("updated", "history", "fields")}
    return (
        once
        and kept == {name: one for name, one in after.items() if name not in ("updated", "history", "fields")}
        and {**before["fields"], field: value} == after["fields"]
    )


def _right_edit(episode: FinishedEpisode, place: int) -> float:
    """How much of a call's edit is right; an account id only if it was read."""
    call, goal = episode.trace.calls[place], episode.task.goal
    made = {name: value for name, value in call.arguments.items() if name != "issueIdOrKey"}
    if _field(episode.task) == "assignee" and not seen_before(episode.trace.calls, place, at(made, _ACCOUNT)):
        return 0.0
    return leafwise(made, goal["edit"])


def _loose_query(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Leaves the last condition out of the query, and edits all that is found."""
    made: list[PlannedCall] = []
    for call in plan:
        if call.name == SEARCH:
            jql = call.arguments["jql"].rpartition(" AND ")[0]
            made.append(PlannedCall(SEARCH, {"jql": jql}))
            found = parse(task.world, jql).run(task.world)
            edits = [PlannedCall(_CALL, {"issueIdOrKey": issue["id"], **task.goal["edit"]}) for issue in found]
    return [*(call for call in plan if call.name == "findUsers"), *made, *(edits if made else [])]


def _only_first(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Edits the first issue found and leaves it at that."""
    edits = [call for call in plan if call.name == _CALL]
    return [call for call in plan if call not in edits[1:]]


def _bare_value(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Gives the value without its object, where a label then replaces the others and a name stands for an account."""
    value = task.goal["said"]
    bare = {"fields": {_field(task): [value] if _field(task) == "labels" else value}}
    return [
        PlannedCall(_CALL, {"issueIdOrKey": call.arguments["issueIdOrKey"], **bare}) if call.name == _CALL else call
        for call in plan
    ]


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != _CALL] or plan


SCENARIO = Scenario(
    name="jira_triage_by_jql",
    api=API,
    tools=(SEARCH, "findUsers", _CALL),
    checks=(
        issues_found(_CALL, "issues", 0.10),
        all_named(_CALL, "issueIdOrKey", "issues", 0.20),
        each_call(_CALL, "argument/edit", "issues", 0.20, _right_edit, "Each edit sets the value that was asked for."),
        stopped_after(_CALL, 0.10),
        outcome(
            0.40, _edited, "Every issue that meets the conditions has the new value, and nothing else has changed."
        ),
    ),
    mistakes={
        "loose_query": _loose_query,
        "only_first": _only_first,
        "bare_value": _bare_value,
        "stop_after_read": _stop_after_read,
    },
    draw=draw,
)
