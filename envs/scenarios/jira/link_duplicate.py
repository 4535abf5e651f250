"""Link a duplicate to the issue it duplicates: find both by their summaries, then link them in the right direction.

The outward issue duplicates the inward issue. Issues of the other project have the same summaries. Typical mistakes:
swapping the two issues, choosing another link type, naming an issue by its summary, or writing nothing after reading.
"""

import random

from envs import words
from envs.api.operation import Json
from envs.jira.world import LINK_TYPES
from envs.reward.checks import exactly, stopped_after
from envs.scenarios.vocabulary.jira_checks import SEARCH, SEARCH_BY_POST, SEARCHABLE, issue_like_oracle, searched
from envs.scenarios.vocabulary.jira_sites import by_summary, issues_in_both_projects, two_projects
from envs.scenarios.vocabulary.mistakes import change, stop_before
from envs.scenarios.vocabulary.oracle import ignoring, like_oracle, oracle_value, same_site_as_oracle
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_CALL = "linkIssues"
_ID = {"type": "object", "properties": {"id": {"type": "string"}}}
API = SEARCHABLE.showing(_CALL, {"inwardIssue": _ID, "outwardIssue": _ID})
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
_HELD_OUT_WORDINGS = (
    'Somebody filed "{copy}" although "{first}" was there already (project "{project}"). Link it as the duplicate.',
    'Let "{first}" of "{project}" show that "{copy}" duplicates it.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw two issues of a project, one a duplicate of the other, among other issues."""
    site = two_projects(rng, split)
    copy_summary, first_summary, *others = (words.phrase(rng, split, 2, 3, site.fresh) for _ in range(3))
    copy, first, *_ = issues_in_both_projects(
        site, rng, [copy_summary, first_summary, *others], rng.choice(("Bug", "Task", "Story"))
    )
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        copy=copy_summary, first=first_summary, project=site.project["key"]
    )
    queries = (by_summary(site.project, summary) for summary in (copy_summary, first_summary))
    searches = [PlannedCall(SEARCH, {"jql": jql}) for jql in queries]
    link = {"type": {"name": "Duplicate"}, "inwardIssue": {"id": first["id"]}, "outwardIssue": {"id": copy["id"]}}
    return TaskDraft(request, site.world, oracle=(*searches, PlannedCall(_CALL, link)))


def _right_type(value: Json, wanted: Json) -> float:
    """Return 1 if the type is given by its name, its id, or both, else 0."""
    given = value if isinstance(value, dict) else {}
    (kind,) = (kind for kind in LINK_TYPES.values() if kind["name"] == wanted["name"])
    right = {name: kind[name] for name in ("name", "id")}
    return float(bool(given) and all(exactly(named, right.get(name)) for name, named in given.items()))


def _by_summary(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Name one of the issues by its summary, without looking it up."""
    side = rng.choice(("outwardIssue", "inwardIssue"))
    issue = task.world.tables["issues"][oracle_value(task, _CALL, f"{side}.id")]
    summary = issue["fields"]["summary"]
    named = change(_CALL, lambda *_: {side: {"id": summary}})(plan, task, rng)
    return [call for call in named if summary not in str(call.arguments.get("jql"))]


SCENARIO = Scenario(
    name="jira_link_duplicate",
    api=API,
    tools=(SEARCH, "getIssueLinkTypes", _CALL),
    checks=(
        searched("copy", _CALL, "outwardIssue", 0.05),
        searched("first", _CALL, "inwardIssue", 0.05),
        like_oracle(_CALL, "type", 0.10, _right_type),
        issue_like_oracle(_CALL, "outwardIssue", 0.175),
        issue_like_oracle(_CALL, "inwardIssue", 0.175),
        stopped_after(_CALL, 0.10),
        same_site_as_oracle(0.35, "The only change is the requested link.", {"issues": ignoring("history")}),
    ),
    mistakes={
        "mix_up": change(
            _CALL, lambda right, *_: {"inwardIssue": right["outwardIssue"], "outwardIssue": right["inwardIssue"]}
        ),
        "other_type": change(
            _CALL, lambda _, task, rng: {"type": {"name": rng.choice(("Relates", "Cloners", "Duplicates"))}}
        ),
        "by_summary": _by_summary,
        "stop_after_read": stop_before(_CALL),
    },
    draw=draw,
    held_out_operations={SEARCH: SEARCH_BY_POST},
)
