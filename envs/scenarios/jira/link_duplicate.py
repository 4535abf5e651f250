"""Link a duplicate with what it duplicates: find both by their summaries, then link them in the right direction.

The link goes from the issue that the request calls outward to the one it calls inward: the outward one duplicates, the
inward one is duplicated. Issues of the other project have the same summaries. What goes wrong: the two are mixed up,
the type is another one, an issue is named by its summary, or nothing is written after reading.
"""

import random

from envs import words
from envs.api.operation import Json
from envs.jira.world import LINK_TYPES
from envs.reward.checks import argument, exactly, outcome, stopped_after
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.jira_reads import SEARCH, SEARCH_BY_POST, SEARCHABLE, issue_argument, issues_found
from envs.scenarios.vocabulary.jira_sites import by_summary, mixable, names_of, two_projects
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

_CALL = "linkIssues"
_ID = {"type": "object", "properties": {"id": {"type": "string"}}}
API = SEARCHABLE.showing(_CALL, {"inwardIssue": _ID, "outwardIssue": _ID})
_TYPE = "Duplicate"
_LINK = "[link them|link the two|connect them|note it as a link]"
_WORDINGS = (
    '[in|within] [|project ]"{project}", "{copy}" [is a duplicate of|duplicates|repeats] "{first}"'
    f"[. Please {_LINK}|, {_LINK}|; {_LINK}].",
    '[|please |could you ]mark [|the issue ]"{copy}" as a duplicate of "{first}" [in|of] [|project ]"{project}".',
    '[in|of] [|project ]"{project}", "{first}" [is duplicated by|has a duplicate,|was reported again as] "{copy}"'
    f"[. Please {_LINK}|, {_LINK}|; {_LINK}].",
    '[|please |could you ][link|connect] "{copy}" [to|with] "{first}" [in|of] [|project ]"{project}"[,| as a'
    " duplicate:] the [former|first] [is a duplicate of|duplicates] the [latter|second].",
    '[|please |could you ][link|connect] "{first}" [to|with] "{copy}" [in|of] [|project ]"{project}"[,| as a'
    " duplicate:] the [latter|second] [is a duplicate of|duplicates] the [former|first].",
    '"{first}" [in|of] [|project ]"{project}" [came|was there] first, "{copy}" [only repeats it|is its duplicate]'
    f"[. Please {_LINK}|, {_LINK}|; {_LINK}].",
)
_KEPT_BACK = (
    'Somebody filed "{copy}" although "{first}" was there already (project "{project}"). Link it as the duplicate.',
    'Let "{first}" of "{project}" show that "{copy}" duplicates it.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """Two issues of a project, one of which duplicates the other, and others beside them."""
    site = two_projects(rng, split)
    copy_summary, first_summary, *others = (words.phrase(rng, split, 2, 3, site.fresh) for _ in range(3))
    copy, first, *_ = mixable(site, rng, [copy_summary, first_summary, *others], rng.choice(("Bug", "Task", "Story")))
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(
        copy=copy_summary, first=first_summary, project=site.project["key"]
    )
    goal = {
        "project": site.project["key"],
        "kind": _TYPE,
        "said": {"copy": copy_summary, "first": first_summary},
        "copy": [names_of(copy)],
        "first": [names_of(first)],
    }
    searches = [PlannedCall(SEARCH, {"jql": by_summary(site.project, one)}) for one in (copy_summary, first_summary)]
    link = {"type": {"name": _TYPE}, "inwardIssue": {"id": first["id"]}, "outwardIssue": {"id": copy["id"]}}
    return TaskDraft(request, site.world, goal, (*searches, PlannedCall(_CALL, link)))


def _linked(task: Task, changed: list[Change]) -> bool:
    """One new link from the duplicate to the other; of the two only their times and histories have changed."""
    made = [change for change in changed if change.table == "issue_links"]
    ends = [change for change in changed if change.table == "issues"]
    if len(made) != 1 or len(ends) != 2 or len(changed) != 3 or made[0].before or not made[0].after:
        return False
    link = made[0].after
    copy, first = task.goal["copy"][0][1], task.goal["first"][0][1]
    return (
        (LINK_TYPES[link["type"]]["name"], link["outward"], link["inward"]) == (_TYPE, copy, first)
        and {change.before["id"] for change in ends if change.before} == {copy, first}
        and all(_as_before(change) for change in ends)
    )


def _right_type(value: Json, wanted: Json) -> float:
    """1 for the type by its name, its id, or both."""
    given = value if isinstance(value, dict) else {}
    (own,) = (kind["id"] for kind in LINK_TYPES.values() if kind["name"] == wanted)
    right = {"name": wanted, "id": own}
    return float(bool(given) and all(exactly(said, right.get(name)) for name, said in given.items()))


def _as_before(change: Change) -> bool:
    told = {"updated", "history"}
    before, after = ({k: v for k, v in (one or {}).items() if k not in told} for one in (change.before, change.after))
    return before == after


def _changed_link(plan: Plan, **arguments: object) -> Plan:
    return [PlannedCall(_CALL, {**call.arguments, **arguments}) if call.name == _CALL else call for call in plan]


def _mix_up(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Links in the wrong direction."""
    copy, first = task.goal["copy"][0][1], task.goal["first"][0][1]
    return _changed_link(plan, inwardIssue={"id": copy}, outwardIssue={"id": first})


def _other_type(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Takes another type of link, or a name that no type has."""
    return _changed_link(plan, type={"name": rng.choice(("Relates", "Cloners", "Duplicates"))})


def _by_summary(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Names one of the issues by its summary, without looking it up."""
    side, said = rng.choice((("outwardIssue", task.goal["said"]["copy"]), ("inwardIssue", task.goal["said"]["first"])))
    return [call for call in _changed_link(plan, **{side: {"id": said}}) if said not in str(call.arguments.get("jql"))]


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != _CALL] or plan


SCENARIO = Scenario(
    name="jira_link_duplicate",
    api=API,
    tools=(SEARCH, "getIssueLinkTypes", _CALL),
    checks=(
        issues_found(_CALL, "copy", 0.05),
        issues_found(_CALL, "first", 0.05),
        argument(_CALL, "type", "kind", 0.10, _right_type),
        issue_argument(_CALL, "outwardIssue", "copy", 0.175),
        issue_argument(_CALL, "inwardIssue", "first", 0.175),
        stopped_after(_CALL, 0.10),
        outcome(0.35, _linked, "The duplicate is linked to what it duplicates, and nothing else has changed."),
    ),
    mistakes={
        "mix_up": _mix_up,
        "other_type": _other_type,
        "by_summary": _by_summary,
        "stop_after_read": _stop_after_read,
    },
    draw=draw,
    held_out_operations={SEARCH: SEARCH_BY_POST},
)
