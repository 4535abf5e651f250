"""Log work: find the issue by its summary, then give the duration, the start and the effect on the estimate.

The request says in words whether the remaining estimate shrinks by the logged time, stays the same, gets a new value or
shrinks by another amount. Durations and times belong to one split, as words do. Typical mistakes: ignoring the
estimate, changing it in another way, dropping the start or giving it in the wrong format, or writing nothing after
reading.
"""

import random

from envs import words
from envs.api.operation import Json
from envs.jira.durations import seconds
from envs.requests import log_work
from envs.scenarios.vocabulary.jira_search import SEARCH, SEARCHABLE
from envs.scenarios.vocabulary.jira_sites import by_summary, issues_in_both_projects, two_projects
from envs.scenarios.vocabulary.mistakes import Arguments, change, omit, stop_before
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import of_split, phrasing
from envs.task import PlannedCall, Task, TaskDraft

_CALL = "addWorklog"
_TEXT = {"type": "string"}
_TIME = {"type": "string", "description": "2021-01-17T12:34:00.000+0000"}
API = SEARCHABLE.showing(_CALL, {"started": _TIME, "reduceBy": _TEXT})
# By change of the remaining estimate, its wording in held-out tasks and in all others.
_ESTIMATES = {
    "auto": (
        "the remaining estimate goes down by as much",
        "the remaining estimate [goes down by as much|shrinks by the same amount|is adjusted by itself]",
    ),
    "leave": (
        "the remaining estimate stays as it is",
        "the remaining estimate [stays as it is|is not touched|remains unchanged]",
    ),
    "new": (
        "the remaining estimate is now {given}",
        "[the remaining estimate is now|the new remaining estimate is|what remains is] {given}",
    ),
    "manual": (
        "the remaining estimate goes down by {given}",
        "the remaining estimate [goes down by|is reduced by|shrinks by] {given}",
    ),
}
_GIVEN = {"new": "newEstimate", "manual": "reduceBy"}
_WORDINGS = (
    '[|please |could you ][log|book|enter|record] {spent} [of work |]on [|the issue |the ticket ]"{issue}" [in|of]'
    ' [|project ]"{project}", [started|begun] on {day} at {time} UTC[;|, and] <estimate>.',
    '[on|since] {day}, {time} UTC, I [worked|have worked] {spent} on "{issue}" [in|of] [|project ]"{project}".'
    " [Log it|Please log it|Book that][;|, and] <estimate>.",
    '[in|for] [|project ]"{project}", [please |][log|book|record] work on "{issue}": {spent}, [starting|started|from]'
    " {day} {time} UTC[. Note that|;] <estimate>.",
    '"{issue}" [in|of] [|project ]"{project}" took {spent} [of work |]from {time} UTC on {day}[. Log that;|; log it,'
    " and] <estimate>.",
)
_HELD_OUT_WORDINGS = (
    'Put {spent} on the clock of "{issue}" (project "{project}"), begun {day} at {time} UTC: <estimate>.',
    'Work was done on "{issue}" of "{project}" from {day} {time} UTC, {spent} in all. Log it so that <estimate>.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw an issue with an estimate, among others, and the work to log."""
    site = two_projects(rng, split)
    summary, *others = (words.phrase(rng, split, 2, 3, site.fresh) for _ in range(3))
    spent = of_split(rng, split, _hours)
    given = of_split(rng, split, _hours, but=spent)
    # Larger than both durations together: each way of adjusting ends above 0, at a different value.
    remaining = _seconds(spent) + _seconds(given) + 900 * rng.randint(2, 40)
    tracked = {"original": remaining + 3600 * rng.randint(0, 8), "remaining": remaining}
    issue, *_ = issues_in_both_projects(site, rng, [summary, *others], fields={"timetracking": tracked})
    day, time = of_split(rng, split, _day), of_split(rng, split, _time)
    way = rng.choice(list(_ESTIMATES))
    request = _wording(rng, split, way).format(
        spent=spent, issue=summary, project=site.project["key"], day=day, time=time, given=given
    )
    estimate = {} if way == "auto" else {"adjustEstimate": way}
    if way in _GIVEN:
        estimate[_GIVEN[way]] = given
    log = {"issueIdOrKey": issue["id"], "timeSpent": spent, "started": f"{day}T{time}:00.000+0000", **estimate}
    plan = (PlannedCall(SEARCH, {"jql": by_summary(site.project, summary)}), PlannedCall(_CALL, log))
    return TaskDraft(request, site.world, {"given": given}, plan)


def _hours(rng: random.Random) -> str:
    hours, minutes = f"{rng.randint(1, 7)}h", f"{5 * rng.randint(1, 11)}m"
    return rng.choice((hours, minutes, f"{hours} {minutes}", f"{rng.randint(1, 3)}d {hours}"))


def _day(rng: random.Random) -> str:
    return f"2025-{rng.randint(11, 12)}-{rng.randint(1, 30):02d}"


def _time(rng: random.Random) -> str:
    return f"{rng.randint(7, 18):02d}:{15 * rng.randint(0, 3):02d}"


def _seconds(text: Json) -> int:
    return (seconds(text) or 0) if isinstance(text, str) else 0


def _wording(rng: random.Random, split: words.Split, way: str) -> str:
    held_out, common_estimate = _ESTIMATES[way]
    common = [wording.replace("<estimate>", common_estimate) for wording in _WORDINGS]
    return phrasing(rng, split, common, [wording.replace("<estimate>", held_out) for wording in _HELD_OUT_WORDINGS])


def _other_estimate(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    way = rng.choice([way for way in _ESTIMATES if way != right.get("adjustEstimate", "auto")])
    return {"adjustEstimate": way} | ({_GIVEN[way]: task.goal["given"]} if way in _GIVEN else {})


SCENARIO = Scenario(
    name="jira_log_work",
    api=API,
    tools=(SEARCH, "getIssueWorklog", _CALL),
    mistakes={
        "forget_estimate": omit(_CALL, "adjustEstimate", *_GIVEN.values()),
        "forget_start": omit(_CALL, "started"),
        "plain_time": change(_CALL, lambda right, *_: {"started": right["started"][:16].replace("T", " ")}),
        "wrong_way": change(_CALL, _other_estimate, without=tuple(_GIVEN.values())),
        "stop_after_read": stop_before(_CALL),
    },
    draw=draw,
    talk=log_work.draw,
)
