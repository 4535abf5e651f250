"""Asks for the same edit of all issues of a project that meet three conditions, among near misses.

Training tasks combine a priority with a label at most; held-out tasks combine either mostly with an assignee.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from envs.api.operation import Json
from envs.api.world import Record
from envs.jira.jql import parse
from envs.jira.world import PRIORITIES, put
from envs.requests import names
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Said, value
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.jira_references import SEARCH, person_of, project_of
from envs.requests.triage_wordings import EDITS, issues_said, sentences
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

_TWO_EDITS = {2: 0.15, 3: 0.4, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_MOST = 3
"""Most issues that meet the conditions."""


@dataclass(frozen=True)
class _Wanted:
    """The issues to be edited: conditions by field, an account id or None for the assignee, and all possible values."""

    project: Record
    conditions: Mapping[str, str | None]
    pools: Mapping[str, Sequence[str | None]]

    def values(self, rng: random.Random, missed: str = "") -> dict[str, str | None]:
        """Draw an issue's values, which meet all conditions but the missed one."""
        values = {name: rng.choice(pool) for name, pool in self.pools.items()} | dict(self.conditions)
        if missed:
            values[missed] = rng.choice([each for each in self.pools[missed] if each != self.conditions[missed]])
        return values


@dataclass(frozen=True)
class _Edit:
    """The new values by edited field, as requests write them, and the person who becomes the assignee."""

    values: Mapping[str, str | Said]
    person: Described | None

    def arguments(self) -> dict[str, Json]:
        """Return the arguments of the edit except the issue."""
        fields: dict[str, Json] = {}
        if "priority" in self.values:
            fields["priority"] = {"name": self.values["priority"]}
        if self.person:
            fields["assignee"] = {"accountId": self.person.references[-1].record}
        update = {"labels": [{"add": self.values["labels"]}]} if "labels" in self.values else {}
        return ({"fields": fields} if fields else {}) | ({"update": update} if update else {})


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw conditions and an edit or two whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    _number_without_gaps(office)
    owner, receiver, mistaken = rng.sample(office.people, 3)
    priorities = rng.sample(PRIORITIES, len(PRIORITIES))
    labels = [names.label(rng, split)]
    labels.append(names.label(rng, split, labels))
    edited = _edited_fields(rng, split, difficulty)
    person = person_of(rng, split, office, receiver, difficulty) if "assignee" in edited else None
    new = {"priority": priorities.pop(), "labels": labels[0], "assignee": person.said if person else ""}
    edit = _Edit({name: new[name] for name in edited}, person)
    holders = [user for user in office.people if user != receiver]
    wanted = _wanted(rng, split, office, owner, priorities, holders)
    _spread(rng, office, wanted)
    slips = [each for each in priorities if each != wanted.conditions.get("priority")]
    wrong = {"priority": slips[0], "labels": labels[1], "assignee": mistaken["displayName"].split()[0]}
    place = project_of(rng, split, office, wanted.project, difficulty, None)
    account = wanted.conditions.get("assignee")
    holder = person_of(rng, split, office, owner, difficulty) if account else None
    issues = issues_said(rng, split, place.said, wanted.conditions, holder)
    slip = wrong if rng.random() < _CORRECTED[difficulty] else None
    said = sentences(rng, split, issues, edit.values, slip)
    people = tuple(each for each in (person, holder) if each)
    parts = (place, *people, *_component(office, wanted))
    jql = _jql(place, wanted)
    reads = [read for each in people for read in each.reads]
    found = parse(office.world, jql).run(office.world)
    edits = [PlannedCall("editIssue", {"issueIdOrKey": issue["id"], **edit.arguments()}) for issue in found]
    calls = (*reads, PlannedCall(SEARCH, {"jql": jql}), *edits)
    return drafted(rng, split, difficulty, office.world, [Wish(said, parts, calls)])


def _edited_fields(rng: random.Random, split: Split, difficulty: int) -> tuple[str, ...]:
    """Draw one or two fields to edit."""
    if rng.random() >= _TWO_EDITS[difficulty]:
        return (rng.choice(list(EDITS)),)
    if split == "heldout" and rng.random() < 0.7:
        return (rng.choice(["priority", "labels"]), "assignee")
    return tuple(rng.sample(["priority", "labels"], 2))


def _wanted(
    rng: random.Random,
    split: Split,
    office: JiraOffice,
    owner: Record,
    priorities: Sequence[str],
    holders: Sequence[Record],
) -> _Wanted:
    """Draw a project, its components and three conditions."""
    components = [names.component(rng, split)]
    components.append(names.component(rng, split, components))
    for project in office.projects:
        for component in components:
            put(office.world, "components", name=component, project=project["id"])
    pools: dict[str, Sequence[str | None]] = {
        "issuetype": ("Bug", "Task", "Story"),
        "priority": priorities,
        "component": components,
        "assignee": (None, *(user["accountId"] for user in holders)),
    }
    drawn = {name: rng.choice(pools[name]) for name in rng.choice(list(combinations(pools, 3)))}
    if "assignee" in drawn:
        drawn["assignee"] = rng.choice([None, None, owner["accountId"]])
    return _Wanted(office.project(rng.choice(office.projects)["key"]), drawn, pools)


def _number_without_gaps(office: JiraOffice) -> None:
    """Number the issues of each project without gaps.

    Then harder tasks add no near namesake, which would have the same values and meet the conditions.
    """
    world = office.world
    for project in office.projects:
        issues = [issue for issue in office.issues() if issue["project"] == project["id"]]
        for number, issue in enumerate(issues, 1):
            world.table("issues")[issue["id"]] = {**issue, "key": f"{project['key']}-{number}"}
        current = world.table("projects")[project["id"]]
        world.table("projects")[project["id"]] = {**current, "next_number": len(issues) + 1}


def _spread(rng: random.Random, office: JiraOffice, wanted: _Wanted) -> None:
    """Let one to three issues of the project meet all conditions, and others all but one; elsewhere one meets all."""
    issues = office.issues()
    here = [issue for issue in issues if issue["project"] == wanted.project["id"]]
    conditions = list(wanted.conditions)
    missed = [""] * rng.randint(1, _MOST) + conditions
    missed += [rng.choice(conditions) for _ in here[len(missed) :]]
    for issue, name in zip(here, rng.sample(missed, len(here)), strict=True):
        _give(office, issue, wanted.values(rng, name))
    elsewhere = [issue for issue in issues if issue not in here]
    _give(office, rng.choice(elsewhere), wanted.values(rng))


def _give(office: JiraOffice, issue: Record, values: Mapping[str, str | None]) -> None:
    """Store an issue's values by field."""
    world = office.world
    component = world.find("components", name=values["component"], project=issue["project"])[0]
    fields = {
        **issue["fields"],
        "priority": world.find("priorities", name=values["priority"])[0]["id"],
        "components": [component["id"]],
        "assignee": values["assignee"],
    }
    kind = world.find("issuetypes", name=values["issuetype"])[0]["id"]
    world.table("issues")[issue["id"]] = {**issue, "issuetype": kind, "fields": fields}


def _component(office: JiraOffice, wanted: _Wanted) -> tuple[Described, ...]:
    """Return the component of the conditions, if they name one."""
    if (name := wanted.conditions.get("component")) is None:
        return ()
    conditions = {"name": name, "project": wanted.project["id"]}
    component = office.world.find("components", **conditions)[0]
    return (Described(value(name), (Reference(name, "components", component["id"], conditions),)),)


def _jql(place: Described, wanted: _Wanted) -> str:
    """Return the query for the wanted issues; the project is named as the request names it."""
    (project,) = place.references[-1].conditions.values()
    clauses = [f"project = '{project}'"]
    for name, wished in wanted.conditions.items():
        clauses.append(f"{name} IS EMPTY" if wished is None else f"{name} = '{wished}'")
    return " AND ".join(clauses)
