"""Asks for sub-tasks of issues, in projects with sub-task types of their own; another project has the same summary.

A second wish adds another sub-task in training tasks, and mostly assigns the new one in held-out tasks.
"""

import random
from dataclasses import dataclass, replace

from envs.api.world import Record
from envs.jira.world import put
from envs.requests import names
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.issue_ids import by_key, issue_with_id
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.jira_references import person_of, project_of
from envs.requests.messages import CORRECTION
from envs.requests.values import of_split
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.4, 4: 0.45, 5: 0.5}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.65}
_NOTED = 0.6
_SUBTASK = Clause(("sub-task", "subtask"))
_IN_PROJECT = Clause(("{issue} in {project}",), ("{issue} over in {project}", "{issue} (in {project})"))
_ADD = Clause(
    (
        '[|please ][create|add|open|make] a {sub} "{summary}" [under|below|for] {parent}.',
        "[can|could] you [add|create] a {sub} [for|under|below] {parent}? [It is called|The summary is|Title:|Call it] "
        '"{summary}".',
        '{parent} [needs|should get|is missing] a {sub}: "{summary}".',
        '"{summary}" is part of {parent}, [please track it as a {sub}|so make it a {sub}|so add a {sub} for it].',
        "new {sub} [for|under|below] {parent}:\n{summary}\n",
        'we need a {sub} [for|under|below] {parent}. [Its summary is|Summary:|Title:] "{summary}".',
        'for {parent}, [add|create|open] a {sub} [called|named|with the summary] "{summary}".',
        '[|please ]track "{summary}" as a {sub} of {parent}.',
    ),
    (
        'hang a {sub} on {parent}: "{summary}".',
        'would you mind tracking "{summary}" as a {sub} of {parent}?',
        'there is one more piece of work in {parent}, "{summary}": [a {sub}, please|make it a {sub}].',
        'before {parent} is done, somebody has to do this: "{summary}". [Put a {sub} there|Add that as a {sub}].',
        '{parent} is too big. [Cut|Split] off "{summary}" as a {sub}.',
        "one step of {parent} should be visible on its own, as a {sub}:\n{summary}\n",
        'I forgot a step of {parent}: "{summary}". [Enter|Record] it as a {sub}.',
        'we agreed that {parent} gets a {sub} named "{summary}".',
    ),
)
_NOTE = Clause(
    (
        "nothing else [has to|needs to] be set.",
        "leave [all other fields|everything else] as it is by default.",
        "[we want to start on it|work on it starts] [tomorrow|this week].",
        "the parent itself [stays as it is|does not change].",
        "the type [has another name|is called something else] in each project, [as you know|mind that].",
        "[a normal task|a separate ticket] will not do here.",
    ),
    (
        "the rest can stay empty.",
        "I will fill in the details [myself|later].",
        "[it should show up|I want to see it] below the parent on the board.",
        "every project has its own word for that type, so look before you pick one.",
        "we count these [in the weekly report|at the end of the sprint].",
        "a link between two tickets is not enough for this.",
    ),
)
_NEXT = Clause(
    (
        'and another one [below it|in the same place|there]: "{summary}".',
        'a second one next to it [is|should be] "{summary}".',
        'the same again with the summary "{summary}".',
        "[and|also] this one, under the same parent:\n{summary}\n",
    ),
    (
        'it gets a sibling called "{summary}".',
        'besides, "{summary}" belongs [there|under the same parent], too.',
        'then repeat that for "{summary}".',
    ),
)
_ASSIGN = Clause(
    (
        "[assign|then assign] the new one to {person}.",
        "{person} [will do it|should work on the new one], so make that the assignee.",
        "the assignee of the new one is {person}.",
        "hand the new one to {person} right away.",
        "the new one goes to {person}, who [knows about it|asked for it].",
        "{person} is waiting for it, so [assign it|assign the new one] accordingly.",
    ),
)
_DEEDS = "Write|Review|Update|Translate|Check|Approve|Publish|Draft|Shorten|Archive"
_THINGS = (
    "the release note|the test plan|the help text|the error message|the migration script|the rollback plan|the mail"
    " template|the screenshots|the access rights|the cost estimate|the checklist|the training slides|the price table"
)
_ENDS = (
    "|for the support desk|with the legal team|in two languages|for the pilot|on the staging server|before the demo"
    "|after the freeze|with a second pair of eyes|for the new hires"
)


@dataclass(frozen=True)
class _Place:
    """Where new sub-tasks go."""

    said: Said
    parts: tuple[Described, ...]
    project: Record
    parent: str
    """The parent's id."""
    kind: str
    """The name of the project's sub-task type."""

    def calls(self, summary: str) -> tuple[PlannedCall, ...]:
        """Return the calls that add a sub-task there."""
        fields = {"project": {"key": self.project["key"]}, "issuetype": {"name": self.kind}, "summary": summary}
        reads = [call for part in self.parts for call in part.reads]
        look = PlannedCall("getProject", {"projectIdOrKey": self.project["key"]})
        return (*reads, look, PlannedCall("createIssue", {"fields": {**fields, "parent": {"id": self.parent}}}))


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    kinds = _give_subtask_types(rng, split, office)
    parent = rng.choice(office.issues())
    office = _with_a_twin(rng, office, parent)
    two = rng.random() < _TWO_WISHES[difficulty]
    place = _place(rng, split, office, difficulty, parent, kinds[parent["project"]], first_names=not two)
    summary, another = _summaries(rng, split)
    sub = say(rng, split, _SUBTASK)
    said = [say(rng, split, _ADD, sub=sub, summary=summary, parent=place.said)]
    if rng.random() < _CORRECTED[difficulty]:
        others = [issue for issue in office.issues() if issue["id"] != parent["id"]]
        wrong = value(rng.choice(others)["key"])
        said = [say(rng, split, _ADD, sub=sub, summary=summary, parent=wrong)]
        said.append(say(rng, split, CORRECTION, wrong=wrong, right=place.said))
    if rng.random() < _NOTED:
        said.append(say(rng, split, _NOTE))
    wishes = [Wish(tuple(said), place.parts, place.calls(summary))]
    if two:
        wishes.append(_second(rng, split, office, difficulty, place, another))
    return drafted(rng, split, difficulty, office.world, wishes)


def _place(
    rng: random.Random,
    split: Split,
    office: JiraOffice,
    difficulty: int,
    parent: Record,
    kind: str,
    first_names: bool,
) -> _Place:
    """Name the parent by its key, or describe it and say in which project it is."""
    described = issue_with_id(rng, split, office, parent, difficulty, first_names)
    project = office.world.table("projects")[parent["project"]]
    if by_key(described):
        return _Place(described.said, (described,), project, parent["id"], kind)
    key = project["key"]
    where = Described(value(key), (Reference(key, "projects", project["id"], {"key": key}),))
    if first_names:
        where = project_of(rng, split, office, project, difficulty, None)
    said = say(rng, split, _IN_PROJECT, issue=described.said, project=where.said)
    return _Place(said, (described, where), project, parent["id"], kind)


def _second(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, place: _Place, another: str) -> Wish:
    """Ask for another sub-task or for an assignee of the new one."""
    if split == "heldout" and rng.random() < 0.7:
        new = f"{place.project['key']}-{place.project['next_number']}"
        person = person_of(rng, split, office, rng.choice(office.people), difficulty)
        assign = PlannedCall("assignIssue", {"issueIdOrKey": new, "accountId": person.references[-1].record})
        return Wish((say(rng, split, _ASSIGN, person=person.said),), (person,), (*person.reads, assign))
    return Wish((say(rng, split, _NEXT, summary=another),), (), place.calls(another))


def _give_subtask_types(rng: random.Random, split: Split, office: JiraOffice) -> dict[str, str]:
    """Add a sub-task type to each project, at a random position, and return their names by project id."""
    world, given = office.world, dict[str, str]()
    for project in office.projects:
        given[project["id"]] = name = names.subtask_type(rng, split, list(given.values()))
        kind = put(world, "issuetypes", name=name, subtask=True, hierarchyLevel=-1)
        current = world.table("projects")[project["id"]]
        types = [*current["issuetypes"], kind["id"]]
        world.table("projects")[project["id"]] = {**current, "issuetypes": rng.sample(types, len(types))}
    return given


def _with_a_twin(rng: random.Random, office: JiraOffice, parent: Record) -> JiraOffice:
    """Give an issue of another project the parent's summary."""
    twin = rng.choice([issue for issue in office.issues() if issue["project"] != parent["project"]])
    fields = {**twin["fields"], "summary": parent["fields"]["summary"]}
    office.world.table("issues")[twin["id"]] = {**twin, "issuetype": parent["issuetype"], "fields": fields}
    return replace(office, topics={**office.topics, twin["id"]: office.topics[parent["id"]]})


def _summaries(rng: random.Random, split: Split) -> tuple[str, str]:
    """Draw the summaries of two sub-tasks."""

    def draw_one(r: random.Random) -> str:
        parts = [r.choice(texts.split("|")) for texts in (_DEEDS, _THINGS, _ENDS)]
        return " ".join(part for part in parts if part)

    first = of_split(rng, split, draw_one)
    return first, of_split(rng, split, draw_one, [first])
