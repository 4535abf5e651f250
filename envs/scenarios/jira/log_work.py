"""Log work: find the issue by its summary, then say how long, when it began, and what becomes of the estimate.

What is left of the estimate goes down by itself, stays, becomes something else or goes down by something else: the
request says which in words. Durations and times belong to one split, as words do. What goes wrong: the estimate is
left to itself, the start is not given, a duration stands in the wrong place, or nothing is written after reading.
"""

import random
from collections.abc import Callable

from envs import words
from envs.api.operation import Json
from envs.api.world import Record
from envs.jira.durations import seconds
from envs.reward.checks import Check, FinishedEpisode, argument, outcome, stopped_after
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.jira_reads import SEARCH, SEARCHABLE, issue_argument, issues_found
from envs.scenarios.vocabulary.jira_sites import by_summary, mixable, names_of, two_projects
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft, phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

_CALL = "addWorklog"
_TEXT = {"type": "string"}
API = SEARCHABLE.showing(_CALL, {"started": _TEXT, "reduceBy": _TEXT})
# What becomes of the remaining estimate: how it is told, plainly and otherwise.
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
_KEPT_BACK = (
    'Put {spent} on the clock of "{issue}" (project "{project}"), begun {day} at {time} UTC: <estimate>.',
    'Work was done on "{issue}" of "{project}" from {day} {time} UTC, {spent} in all. Log it so that <estimate>.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """An issue with an estimate, among others; work was done on it."""
    site = two_projects(rng, split)
    summary, *others = (words.phrase(rng, split, 2, 3, site.fresh) for _ in range(3))
    spent = _of_split(rng, split, _hours)
    given = _of_split(rng, split, _hours, but=spent)
    # More than both together: it ends above 0, and elsewhere for each way.
    remaining = _seconds(spent) + _seconds(given) + 900 * rng.randint(2, 40)
    tracked = {"original": remaining + 3600 * rng.randint(0, 8), "remaining": remaining}
    issue, *_ = mixable(site, rng, [summary, *others], "Task", timetracking=tracked)
    day, time = _of_split(rng, split, _day), _of_split(rng, split, _time)
    how = rng.choice(list(_ESTIMATES))
    request = _wording(rng, split, how).format(
        spent=spent, issue=summary, project=site.project["key"], day=day, time=time, given=given
    )
    estimate = {} if how == "auto" else {"adjustEstimate": how}
    if how in _GIVEN:
        estimate[_GIVEN[how]] = given
    started = f"{day}T{time}:00.000+0000"
    goal = {
        "project": site.project["key"],
        "issue": summary,
        "issues": [names_of(issue)],
        "spent": spent,
        "started": started,
        "way": list(_ESTIMATES).index(how),
        "given": given,
        "left": {
            "auto": remaining - _seconds(spent),
            "leave": remaining,
            "new": _seconds(given),
            "manual": remaining - _seconds(given),
        }[how],
    }
    log = {"issueIdOrKey": issue["id"], "timeSpent": spent, "started": started, **estimate}
    search = PlannedCall(SEARCH, {"jql": by_summary(site.project, summary)})
    return TaskDraft(request, site.world, goal, (search, PlannedCall(_CALL, log)))


def _of_split(rng: random.Random, split: Split, made: Callable[[random.Random], str], but: str = "") -> str:
    """A value of the split, by a hash of itself as words are."""
    while words.held_out(value := made(rng)) != (split == "heldout") or value == but:
        pass
    return value


def _hours(rng: random.Random) -> str:
    hours, minutes = f"{rng.randint(1, 7)}h", f"{5 * rng.randint(1, 11)}m"
    return rng.choice((hours, minutes, f"{hours} {minutes}", f"{rng.randint(1, 3)}d {hours}"))


def _day(rng: random.Random) -> str:
    return f"2025-{rng.randint(11, 12)}-{rng.randint(1, 30):02d}"


def _time(rng: random.Random) -> str:
    return f"{rng.randint(7, 18):02d}:{15 * rng.randint(0, 3):02d}"


def _seconds(text: Json) -> int:
    return (seconds(text) or 0) if isinstance(text, str) else 0


def _wording(rng: random.Random, split: Split, how: str) -> str:
    plain, varied = _ESTIMATES[how]
    common, kept_back = (
        [wording.replace("<estimate>", estimate) for wording in wordings]
        for wordings, estimate in ((_WORDINGS, varied), (_KEPT_BACK, plain))
    )
    return phrasing(rng, split, common, kept_back)


def _way(task: Task) -> str:
    return list(_ESTIMATES)[task.goal["way"]]


def _logged(task: Task, changed: list[Change]) -> bool:
    """One new worklog, as asked; of its issue only what is left of the estimate has changed; nothing else."""
    by_table = {change.table: change for change in changed}
    if len(changed) != 2 or by_table.keys() != {"issues", "worklogs"}:
        return False
    log, issue = by_table["worklogs"], by_table["issues"]
    if log.before or not log.after or not issue.before or not issue.after:
        return False
    wanted = {"issue": task.goal["issues"][0][1], "seconds": _seconds(task.goal["spent"])}
    wanted |= {"started": task.goal["started"], "comment": None}
    return (
        issue.before["id"] == wanted["issue"]
        and {name: log.after[name] for name in wanted} == wanted
        and _rest(issue.after) == _rest(issue.before)
        and issue.after["fields"]["timetracking"]
        == {**issue.before["fields"]["timetracking"], "remaining": task.goal["left"]}
    )


def _rest(issue: Record) -> Record:
    """What logging work leaves alone."""
    fields = {name: value for name, value in issue["fields"].items() if name != "timetracking"}
    return {**{name: value for name, value in issue.items() if name not in ("updated", "history")}, "fields": fields}


def _same_duration(value: Json, wanted: Json) -> float:
    return float(_seconds(value) == _seconds(wanted))


def _same_time(value: Json, wanted: Json) -> float:
    """Half for the right minute in another form."""
    if not isinstance(value, str):
        return 0.0
    return 1.0 if value == wanted else 0.5 * (value.replace(" ", "T")[:16] == wanted[:16])


def _right_estimate(episode: FinishedEpisode) -> float:
    """Half for the right way, half for its duration; a duration of another way takes half away.

    To say nothing is to let it go down by itself.
    """
    call, how = episode.last(_CALL), _way(episode.task)
    if call is None or call.arguments.get("adjustEstimate", "auto") != how:
        return 0.0
    right = how not in _GIVEN or _same_duration(call.arguments.get(_GIVEN[how]), episode.task.goal["given"])
    others = any(name in call.arguments for way, name in _GIVEN.items() if way != how)
    return 0.5 + 0.5 * right - 0.5 * others


def _without(plan: Plan, *names: str, **others: Json) -> Plan:
    """The plan, its worklog without some arguments and with others."""
    return [
        PlannedCall(_CALL, {name: value for name, value in call.arguments.items() if name not in names} | others)
        if call.name == _CALL
        else call
        for call in plan
    ]


def _forget_estimate(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Leaves the estimate to itself."""
    return _without(plan, "adjustEstimate", *_GIVEN.values())


def _forget_start(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Does not say when the work began."""
    return _without(plan, "started")


def _plain_time(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Writes the time as the request does."""
    return _without(plan, started=task.goal["started"][:16].replace("T", " "))


def _wrong_way(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Takes another way with the estimate."""
    how = rng.choice([way for way in _ESTIMATES if way != _way(task)])
    given = {_GIVEN[how]: task.goal["given"]} if how in _GIVEN else {}
    return _without(plan, *_GIVEN.values(), adjustEstimate=how, **given)


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != _CALL] or plan


SCENARIO = Scenario(
    name="jira_log_work",
    api=API,
    tools=(SEARCH, "getIssueWorklog", _CALL),
    checks=(
        issues_found(_CALL, "issues", 0.05),
        issue_argument(_CALL, "issueIdOrKey", "issues", 0.15),
        argument(_CALL, "timeSpent", "spent", 0.10, _same_duration),
        argument(_CALL, "started", "started", 0.10, _same_time),
        Check("argument/adjustEstimate", 0.15, _right_estimate, "The estimate becomes what the request says."),
        stopped_after(_CALL, 0.10),
        outcome(0.35, _logged, "Exactly the work that was done is logged, and the estimate is as was asked."),
    ),
    mistakes={
        "forget_estimate": _forget_estimate,
        "forget_start": _forget_start,
        "plain_time": _plain_time,
        "wrong_way": _wrong_way,
        "stop_after_read": _stop_after_read,
    },
    draw=draw,
)
