"""Asks for issues to be closed with a resolution and perhaps a fix version; a second wish is about this or another one.

Training tasks combine it with a move of another issue or with a vote; held-out tasks with an assignee or a watcher.
"""

import random
from dataclasses import dataclass

from envs.api.operation import Json
from envs.api.world import Record
from envs.jira.world import RESOLUTIONS, put
from envs.requests import names
from envs.requests.drafts import Wish, drafted, fitting_an_episode
from envs.requests.follow_ups import assign, vote, watch
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.jira_office import JiraOffice, jira_office, steps_from
from envs.requests.jira_references import issue_of
from envs.requests.messages import CORRECTION
from envs.requests.workflows import Lead, name_of, other_statuses, rename, rewire
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.2, 3: 0.45, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.2, 4: 0.45, 5: 0.75}
_RENAMED = 0.75
"""The chance that the last status is not called Done."""
_CLOSE = Clause(
    (
        "[|please ][close|resolve|finish] {issue}[;|:] the status is then {status}.",
        "[|please ][move|bring|take] {issue} to {status}.",
        "[can|could] you [close|resolve] {issue}? It [ends in|goes to] {status}.",
        "{issue} is [settled|over and done with], [move it|it goes] to {status}.",
        "we are [done with|finished with|through with] {issue}, [so put it into|please move it to] {status}.",
        "{issue} [can|should|has to] go to {status}[.| today.]",
        "[there is|I see] nothing left to do for {issue}. [Set it to|It belongs in] {status}.",
    ),
    (
        "would you wrap up {issue} and [leave|put] it in {status}?",
        "nobody [will work on|needs] {issue} any more, so it [ends|comes to rest] in {status}.",
        "{status} is the last [stop|station] of {issue}, [please take it there|so bring it there].",
        "I would like to see the end of {issue}: {status}, please.",
        "let us lay {issue} to rest, in {status}.",
        "the file on {issue} can be shut; {status} is where it goes.",
        "[strike|take] {issue} off our list by moving it to {status}.",
    ),
)
_RESOLUTION = Clause(
    (
        "the resolution is {resolution}.",
        "[set|choose|select] {resolution} as [the|its] resolution.",
        "resolution: {resolution}.",
        "it [gets|needs] the resolution {resolution}.",
        "close it as {resolution}.",
    ),
    (
        "under resolution it has to [say|read] {resolution}.",
        "when [you are asked|the screen asks] for the resolution, [take|pick] {resolution}.",
        "as for the resolution, {resolution} [fits|describes it] best.",
        "we agreed to call that {resolution} in the resolution field.",
        "it counts as {resolution}, that is the resolution.",
    ),
)
_VERSION = Clause(
    (
        "the fix version is {version}.",
        "[set|enter] {version} as the fix version.",
        "fix version: {version}.",
        "it also [needs|gets] the fix version {version}.",
    ),
    (
        "the version to be named as the fix version is {version}.",
        "the [change log|release list] needs {version} as its fix version.",
        "it ships with {version}, so that is the fix version.",
        "for the fix version, [take|use] {version}.",
    ),
)
_ALSO_MOVE = Clause(
    (
        "also move {issue} to {status}.",
        "and {issue} [goes|should go] to {status}.",
        "besides, {issue} is ready for {status}, please move it as well.",
        "while you are there, put {issue} into {status}.",
    ),
)


@dataclass(frozen=True)
class _Closing:
    """Way in which an issue is to be closed."""

    issue: Record
    transition: str
    status: str
    other: str
    """Another status of the project."""
    resolution: str
    versions: tuple[str, ...]
    """The project's versions; the first is the fix version."""
    asks_version: bool

    def calls(self) -> tuple[PlannedCall, ...]:
        """Return the read that shows the screens, and the move."""
        fields: dict[str, Json] = {"resolution": {"name": self.resolution}}
        fields |= {"fixVersions": [{"name": self.versions[0]}]} if self.asks_version else {}
        arguments = {"issueIdOrKey": self.issue["key"], "transition": {"id": self.transition}, "fields": fields}
        note = f'"{self.status}", resolution: {self.transition}'
        read = {"issueIdOrKey": self.issue["key"], "expand": "transitions.fields"}
        return PlannedCall("getTransitions", read), PlannedCall("doTransition", arguments, note)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    two = rng.random() < _TWO_WISHES[difficulty]
    return fitting_an_episode(lambda: _draw(rng, split, difficulty, two))


def _draw(rng: random.Random, split: Split, difficulty: int, two: bool) -> TaskDraft:
    office = jira_office(rng, split)
    open_issues = [issue for issue in office.issues() if name_of(office.world, issue["status"]) != "Done"]
    issue = rng.choice(open_issues)
    closing = _closing(rng, split, office, issue)
    wishes = [_close(rng, split, office, difficulty, closing)]
    if two:
        wishes.append(_second(rng, split, office, difficulty, issue))
    return drafted(rng, split, difficulty, office.world, wishes)


def _closing(rng: random.Random, split: Split, office: JiraOffice, issue: Record) -> _Closing:
    """Give the issue's project two transitions to its last status, only one of which asks for a resolution."""
    world, start = office.world, issue["status"]
    others = other_statuses(world, issue)
    last = next(status for status in others if name_of(world, status) == "Done")
    aside = rng.choice([status for status in others if status != last])
    if rng.random() < _RENAMED:
        rename(world, last, names.closing_status(rng, split))
    asks_version = rng.random() < 0.5
    screen = {"resolution": True} | ({"fixVersions": True} if asks_version else {})
    leads = [Lead((start,), last, screen=screen), Lead((start,), last), Lead((start,), aside)]
    closes, *_ = rewire(world, rng, split, issue, [*leads, Lead((aside,), start), Lead((last,), start)])
    versions: list[str] = []
    for _ in range(3):
        versions.append(names.version(rng, split, versions))
    for version in sorted(versions):
        put(world, "versions", project=issue["project"], name=version, released=False)
    resolution = rng.choice(_resolutions())
    status, other = name_of(world, last), name_of(world, aside)
    return _Closing(issue, closes, status, other, resolution, tuple(versions), asks_version)


def _close(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, closing: _Closing) -> Wish:
    """Say everything about the closing, perhaps with a correction of one of its values."""
    described = issue_of(rng, split, office, closing.issue, difficulty)
    wrong_resolution = rng.choice([each for each in _resolutions() if each != closing.resolution])
    values = {"status": (closing.status, closing.other), "resolution": (closing.resolution, wrong_resolution)}
    clauses = {"status": _CLOSE, "resolution": _RESOLUTION}
    if closing.asks_version:
        values["version"], clauses["version"] = (closing.versions[0], closing.versions[1]), _VERSION
    corrected = rng.choice(list(clauses)) if rng.random() < _CORRECTED[difficulty] else ""
    groups: list[list[Said]] = []
    for name, clause in clauses.items():
        right, wrong = values[name]
        slots: dict[str, str | Said] = {name: wrong if name == corrected else right}
        slots |= {"issue": described.said} if name == "status" else {}
        groups.append([say(rng, split, clause, **slots)])
        if name == corrected:
            groups[-1].append(say(rng, split, CORRECTION, wrong=value(wrong), right=value(right)))
    details = rng.sample(groups[1:], len(groups) - 1)
    sentences = tuple(sentence for group in (groups[0], *details) for sentence in group)
    return Wish(sentences, (described,), (*described.reads, *closing.calls()))


def _resolutions() -> list[str]:
    """Return the names of the resolutions that have to be chosen."""
    return [str(each["name"]) for each in RESOLUTIONS.values()][1:]


def _second(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record) -> Wish:
    """Draw a second wish."""
    if split == "heldout":
        if rng.random() < 0.4:
            return watch(rng, split, issue["key"])
        return assign(rng, split, office, difficulty, issue)
    if rng.random() < 0.3:
        return vote(rng, split, issue["key"])
    others = [other for other in office.issues() if other["project"] != issue["project"]]
    other = rng.choice(others)
    steps = steps_from(office.world, other)
    status = rng.choice(list(steps))
    # No turn may be left to find it.
    described = issue_of(rng, split, office, other, 2, first_names=False)
    arguments = {"issueIdOrKey": other["key"], "transition": {"id": steps[status]}}
    calls = (
        *described.reads,
        PlannedCall("getTransitions", {"issueIdOrKey": other["key"]}),
        PlannedCall("doTransition", arguments, f'"{status}": {steps[status]}'),
    )
    return Wish((say(rng, split, _ALSO_MOVE, issue=described.said, status=status),), (described,), calls)
