"""Asks for work to be logged on an issue: how long, since when, and how the remaining estimate changes.

Training tasks combine it with work on another issue; held-out tasks mostly with an assignee.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from envs.api.operation import Json
from envs.api.world import Record
from envs.requests.dates import TODAY, when
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, say
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.jira_references import SEARCH, person_of, project_of
from envs.requests.jira_topics import is_by_key, issue_about
from envs.requests.messages import CORRECTION
from envs.requests.values import of_split
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.45, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_OLDEST = 7
"""The greatest age of work, in days."""
_PLACE = Clause(("{issue} in {project}",), ("{issue} over in {project}", "{issue} from {project}"))
_DATE = Clause(("on {day}",))
_START = Clause(
    ("{day} at {time} UTC", "{day} at {time} (UTC)", "{day}, {time} UTC"),
)
_LOG = Clause(
    (
        "[|please ]log {spent} [|of work ]on {issue}, started {start}.",
        "[|please ]log {spent} on {issue}. I [started|began] {start}.",
        "[can|could] you log {spent} [for me |]on {issue}? I started {start}.",
        "I [worked|have worked] {spent} on {issue}, starting {start}. [Please log it|Can you log that?]",
        "{start} I started to work on {issue}, {spent} in all. [Please log that.|Please put it in the worklog.]",
        "[|please ]book {spent} on {issue}; the work began {start}.",
        "I spent {spent} on {issue} and [began|started] {start}, [please log it|so please log that].",
        "worklog for {issue}: {spent}, started {start}.",
        "my work on {issue} is not in the log yet: {spent}, and I started {start}.",
    ),
    (
        "would you mind [adding|entering] {spent} in the worklog of {issue}? The work began {start}.",
        "{issue} kept me busy for {spent}, beginning {start}. [That has to go into the worklog|Track it, please].",
        "[|please ]write down {spent} of work for {issue}, beginning {start}.",
        "I forgot to track my time: {spent} for {issue}, and it began {start}.",
        "the worklog of {issue} lacks {spent} of mine, begun {start}.",
        "{start} I sat down to work on {issue}, which took {spent}. [Enter it, please.|It should be in the worklog.]",
        "{spent} went into {issue}, and it all began {start}. [Could you track it?|Please track that.]",
    ),
)
_ALSO_LOG = Clause(
    (
        "and log {spent} on {issue}, started {start}.",
        "I also worked {spent} on {issue}, starting {start}.",
        "the second one is {issue}: {spent}, started {start}.",
    ),
    (
        "another {spent} went into {issue}, beginning {start}.",
        "there is more: {spent} for {issue}, begun {start}.",
    ),
)
_ESTIMATES: Mapping[str, Clause] = {
    "auto": Clause(
        (
            "the remaining estimate [goes down by the same amount|shrinks by as much].",
            "[take|please take] the same amount off the remaining estimate.",
            "reduce the remaining estimate by as much.",
        ),
        (
            "what remains is less by exactly that.",
            "the remaining estimate follows as usual, less what I worked.",
            "the estimate of what is left drops by just as much.",
        ),
    ),
    "leave": Clause(
        (
            "the remaining estimate stays [as it is|the same].",
            "[do not touch|please do not touch|please do not change] the remaining estimate.",
            "keep the remaining estimate as it is.",
        ),
        (
            "it brought us no closer to the end, so the remaining estimate stays.",
            "what is left to do is as much as before.",
            "hands off the remaining estimate.",
        ),
    ),
    "new": Clause(
        (
            "the remaining estimate [is now|should be] {given}.",
            "set the remaining estimate to {given}.",
            "I still need {given} for it, [make that the remaining estimate|set the remaining estimate to that].",
            "I think it needs {given} more, so that is the remaining estimate.",
        ),
        (
            "I would say it takes {given} more, [make that the remaining estimate|let the remaining estimate say so].",
            "by my reckoning it needs {given} more, let the remaining estimate say that.",
            "whoever plans should see {given} as the remaining estimate.",
        ),
    ),
    "manual": Clause(
        (
            "[reduce|please reduce] the remaining estimate by {given}[.| only.]",
            "the remaining estimate goes down by {given}.",
            "take {given} off the remaining estimate.",
        ),
        (
            "I would cut {given} from the remaining estimate.",
            "the remaining estimate becomes smaller by {given}[.|, no more.]",
            "cut the remaining estimate by {given}.",
        ),
    ),
}
"""By adjustEstimate, how the remaining estimate changes."""
_GIVEN = {"new": "newEstimate", "manual": "reduceBy"}
_ASSIGN = Clause(
    ("also assign it to {person}.",),
    (
        "also assign it to {person}.",
        "the rest is for {person}, so make that the assignee.",
        "{person} takes it from here, please assign it.",
        "then hand it over to {person}.",
        "I am out, so {person} becomes the assignee.",
    ),
)


@dataclass(frozen=True)
class _Work:
    """Work to be logged, with the way in which the remaining estimate changes."""

    issue: Record
    spent: str
    way: str
    given: str
    age: int
    time: str

    @property
    def day(self) -> str:
        """The day on which the work began, YYYY-MM-DD."""
        return f"{TODAY - timedelta(days=self.age):%Y-%m-%d}"

    def call(self, issue: str) -> PlannedCall:
        """Return the call that logs it on an issue, given by key or id."""
        arguments: dict[str, Json] = {"issueIdOrKey": issue, "timeSpent": self.spent}
        arguments["started"] = f"{self.day}T{self.time}:00.000+0000"
        if self.way != "auto":
            arguments["adjustEstimate"] = self.way
        if self.way in _GIVEN:
            arguments[_GIVEN[self.way]] = self.given
        return PlannedCall("addWorklog", arguments)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    _estimate(rng, office)
    issue, other = rng.sample(office.issues(), 2)
    work, further = _work(rng, split, issue), _work(rng, split, other)
    wishes = [_wish(rng, split, office, difficulty, work, _LOG)]
    if rng.random() < _TWO_WISHES[difficulty]:
        if split == "heldout" and rng.random() < 0.7:
            logged = str(wishes[0].calls[-1].arguments["issueIdOrKey"])
            wishes.append(_assign(rng, split, office, difficulty, issue, logged))
        else:
            further = replace(further, age=work.age % _OLDEST + 1)
            wishes.append(_wish(rng, split, office, difficulty, further, _ALSO_LOG))
    return replace(drafted(rng, split, difficulty, office.world, wishes), goal={"given": work.given})


def _estimate(rng: random.Random, office: JiraOffice) -> None:
    """Give all issues a remaining estimate that no work uses up."""
    table = office.world.table("issues")
    for issue in office.issues():
        remaining = 16 * 3600 + 900 * rng.randint(2, 40)
        tracked = {"original": remaining + 3600 * rng.randint(0, 8), "remaining": remaining}
        table[issue["id"]] = {**issue, "fields": {**issue["fields"], "timetracking": tracked}}


def _work(rng: random.Random, split: Split, issue: Record) -> _Work:
    """Draw work on an issue."""
    spent = of_split(rng, split, _duration)
    given = of_split(rng, split, _duration, [spent])
    return _Work(
        issue, spent, rng.choice(list(_ESTIMATES)), given, rng.randint(1, _OLDEST), of_split(rng, split, _time)
    )


def _wish(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, work: _Work, clause: Clause) -> Wish:
    """Ask for work to be logged, perhaps with a wrong duration first."""
    issue, where = _issue(rng, split, office, difficulty, work.issue)
    relative = rng.random() < 0.65
    day = when(rng, split, work.day) if relative else say(rng, split, _DATE, day=work.day)
    start = say(rng, split, _START, day=day, time=work.time)
    spent = _said(rng, work.spent)
    said = [say(rng, split, clause, issue=issue.said, start=start, spent=spent)]
    if rng.random() < _CORRECTED[difficulty]:
        wrong = _said(rng, of_split(rng, split, _duration, [work.spent, work.given]))
        said = [say(rng, split, clause, issue=issue.said, start=start, spent=wrong)]
        said.append(say(rng, split, CORRECTION, wrong=wrong, right=spent))
    said.append(say(rng, split, _ESTIMATES[work.way], given=_said(rng, work.given)))
    dated = Described(issue.said, issue.references, issue.reads, relative)
    return Wish(tuple(said), (*where, dated), (*issue.reads, work.call(work.issue["id" if issue.reads else "key"])))


def _issue(
    rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record
) -> tuple[Described, tuple[Described, ...]]:
    """Describe an issue by what it is about, mostly with its project; return the issue and that project, if any."""
    in_project = rng.random() < 0.6
    described = issue_about(rng, split, office, issue, difficulty, in_project)
    if is_by_key(described):
        return described, ()
    (reference,) = described.references
    clauses = [f"summary ~ '{reference.conditions['mentions']}'"]
    where: tuple[Described, ...] = ()
    said = described.said
    if in_project:
        project = office.world.table("projects")[issue["project"]]
        place = project_of(rng, split, office, project, difficulty, None)
        where = (place,)
        said = say(rng, split, _PLACE, issue=said, project=place.said)
        clauses.insert(0, f"project = '{next(iter(place.references[-1].conditions.values()))}'")
    search = PlannedCall(SEARCH, {"jql": " AND ".join(clauses)})
    return Described(said, described.references, (search,)), where


def _assign(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record, logged: str) -> Wish:
    """Ask for an assignee of the issue, who is not the present one; `logged` is the id or key that its log gives."""
    others = [user for user in office.people if user["accountId"] != issue["fields"]["assignee"]]
    person = person_of(rng, split, office, rng.choice(others), difficulty)
    arguments = {"issueIdOrKey": logged, "accountId": person.references[-1].record}
    assign = PlannedCall("assignIssue", arguments)
    return Wish((say(rng, split, _ASSIGN, person=person.said),), (person,), (*person.reads, assign))


def _duration(rng: random.Random) -> str:
    """Draw a duration of less than eight hours."""
    hours, minutes = f"{rng.randint(1, 7)}h", f"{5 * rng.randint(2, 11)}m"
    return rng.choice((hours, minutes, f"{hours} {minutes}"))


def _time(rng: random.Random) -> str:
    return f"{rng.randint(7, 18):02d}:{5 * rng.randint(0, 11):02d}"


def _said(rng: random.Random, duration: str) -> str:
    """Return a duration as a request writes it: 2h 15m, or 2 hours and 15 minutes."""
    if rng.random() < 0.6:
        return duration
    names = {"h": "hour" if duration.startswith("1h") else "hours", "m": "minutes"}
    return " and ".join(f"{part[:-1]} {names[part[-1]]}" for part in duration.split())
