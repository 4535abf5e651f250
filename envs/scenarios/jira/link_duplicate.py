"""Link a duplicate to the issue it duplicates: find both by their summaries, then link them in the right direction.

The inward issue duplicates the outward issue. Issues of the other project have the same summaries. Typical mistakes:
swapping the two issues, choosing another link type, naming an issue by its summary, or writing nothing after reading.
"""

import random

from envs import words
from envs.requests import link_duplicate
from envs.scenarios.vocabulary.jira_search import SEARCH, SEARCH_BY_POST, SEARCHABLE
from envs.scenarios.vocabulary.jira_sites import by_summary, issues_in_both_projects, two_projects
from envs.scenarios.vocabulary.mistakes import change, stop_before
from envs.scenarios.vocabulary.oracle import oracle_value
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_CALL = "linkIssues"
_FROM, _TO = (
    {"type": "object", "properties": {"id": {"type": "string"}}, "description": f"{side} in 'A duplicates B'"}
    for side in "AB"
)
_TYPES = {"type": "string", "description": "Blocks, Cloners, Duplicate or Relates"}
_TYPE = {"type": "object", "properties": {"name": _TYPES}}
API = SEARCHABLE.showing(_CALL, {"type": _TYPE, "inwardIssue": _FROM, "outwardIssue": _TO})
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
    link = {"type": {"name": "Duplicate"}, "inwardIssue": {"id": copy["id"]}, "outwardIssue": {"id": first["id"]}}
    return TaskDraft(request, site.world, oracle=(*searches, PlannedCall(_CALL, link)))


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
    talk=link_duplicate.draw,
    held_out_operations={SEARCH: SEARCH_BY_POST},
)
