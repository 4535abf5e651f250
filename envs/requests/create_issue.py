"""Asks for new issues: one or two, in a project by key, by name or beside another issue; linked, or given to somebody.

Training tasks combine the new issue with a second one or with a link; held-out tasks mostly with an assignee.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from envs.api.operation import Json
from envs.jira.world import PRIORITIES
from envs.requests import names
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, listed, say
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.jira_references import issue_of, person_of, project_of
from envs.requests.messages import CORRECTION
from envs.requests.subjects import Subject, subject
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.4, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.75}
_OPEN = Clause(
    (
        '[|please ][create|open|file|add] a {type} in {project}: "{summary}".',
        '[|please ][create|open|file|add|log] a {type} titled "{summary}" in {project}[.| for me.]',
        'we need a [|new ]{type} in {project}. [The summary is|Summary:|Call it] "{summary}".',
        "[can|could] you [raise|open|set up] a {type} [for|in] {project}? [It should be called|Title:|The summary is] "
        '"{summary}".',
        "[|please ]put a [|new ]{type} into {project} with this summary:\n{summary}\n",
        "new {type} for {project}:\n{summary}\n",
        'there is no {type} for "{summary}" yet, [please add one to|so please create one in] {project}.',
        'I would like to have "{summary}" as a {type} in {project}.',
    ),
    (
        'would you mind [opening|writing] a {type} in {project}? [Name it|The headline should read] "{summary}".',
        '{project} [is missing|lacks] a {type} with the title "{summary}", [please fix that|enter it for me].',
        "[|please ]note this down in {project}, as a {type}:\n{summary}\n",
        'something for {project}: "{summary}". [Make it|It counts as] a {type}.',
        'I want a {type} [to show up|on the list] in {project}, [headline|worded] "{summary}".',
        'we agreed to write a {type} about this, "{summary}", and {project} is the place for it.',
        'let us keep track of "{summary}"; a {type} in {project} will do.',
    ),
)
_PRIORITY = Clause(
    (
        "priority: {priority}.",
        "the priority [is|should be] {priority}.",
        "set the priority to {priority}.",
        "it [has|gets] {priority} priority.",
        "give it {priority} priority.",
    ),
    (
        "treat it with {priority} priority.",
        "as for the priority, {priority} is right.",
        "I would rank it as {priority} priority.",
        "how urgent? {priority} priority, I think.",
    ),
)
_LABELS = Clause(
    (
        "[label it|label it with] {labels}.",
        "{label_word}: {labels}.",
        "add the {label_word} {labels}.",
        "it [needs|should have] the {label_word} {labels}.",
    ),
    (
        "tag it [as|with] {labels}.",
        "for the board filter it also wants the {label_word} {labels}.",
        "we search for {labels}, so put that on as {label_noun}.",
        "do not forget the {label_word} {labels}.",
    ),
)
_NEXT = Clause(
    ("and one more.", "[that is not all|that is the first one].", "there is another one.", "the second one is this."),
    ("I have a further one.", "now for the next one.", "it does not end there."),
)
_LINK = Clause(
    ("the new one blocks {issue}, [please link them|so add that link].", "link it so that it blocks {issue}."),
    (
        "it has to be recorded as blocking {issue}.",
        "{issue} is blocked by it, [please link that|a link should say so].",
    ),
)
_ASSIGN = Clause(
    ("[assign it|then assign it] to {person}.",),
    (
        "[assign it|then assign it] to {person}.",
        "{person} [will take care of it|should work on it], so make that the assignee.",
        "the assignee is {person}.",
        "hand it to {person} right away.",
        "it goes to {person}, who knows about it.",
    ),
)


@dataclass(frozen=True)
class _New:
    """An issue to be created."""

    about: Subject
    project: Described
    key: str
    priority: str
    labels: tuple[str, ...]

    def call(self) -> PlannedCall:
        """Return the call that creates it."""
        fields: dict[str, Json] = {
            "project": {"key": self.key},
            "issuetype": {"name": self.about.kind},
            "summary": self.about.summary,
            "priority": {"name": self.priority},
            "labels": list(self.labels),
        }
        return PlannedCall("createIssue", {"fields": fields})


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    new = _new(rng, split, office, difficulty, [])
    wishes = [_wish(rng, split, difficulty, new)]
    if rng.random() < _TWO_WISHES[difficulty]:
        wishes.append(_second(rng, split, office, difficulty, new))
    return drafted(rng, split, difficulty, office.world, wishes)


def _new(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, taken: Sequence[str]) -> _New:
    """Draw an issue to be created and the way to speak of its project."""
    about = subject(rng, split, taken)
    project = rng.choice(office.projects)
    here = [issue for issue in office.issues() if issue["project"] == project["id"]]
    beside = None
    if difficulty > 2 and rng.random() < 0.5:
        beside = issue_of(rng, split, office, rng.choice(here), difficulty)
    described = project_of(rng, split, office, project, difficulty, beside)
    chosen: list[str] = []
    for _ in range(rng.choice([0, 1, 1, 2])):
        chosen.append(names.label(rng, split, chosen))
    priority = rng.choice([each for each in PRIORITIES if each != "Medium"])
    return _New(about, described, project["key"], priority, tuple(chosen))


def _wish(rng: random.Random, split: Split, difficulty: int, new: _New, lead: tuple[Said, ...] = ()) -> Wish:
    """Say everything about a new issue, in some order, perhaps with a correction of the priority."""
    right, kind = new.priority.lower(), Said(new.about.kind.lower())
    details = []
    said = say(rng, split, _OPEN, type=kind, project=new.project.said, summary=new.about.summary)
    if rng.random() < _CORRECTED[difficulty]:
        wrong = rng.choice([each.lower() for each in PRIORITIES if each != new.priority])
        first = say(rng, split, _PRIORITY, priority=Said(wrong))
        wrongly, rightly = (Said(f"{each} priority") for each in (wrong, right))
        details.append([first, say(rng, split, CORRECTION, wrong=wrongly, right=rightly)])
    else:
        details.append([say(rng, split, _PRIORITY, priority=Said(right))])
    if new.labels:
        many = "s" * (len(new.labels) > 1)
        slots = {"label_word": Said(f"label{many}"), "label_noun": Said(f"label{many}" if many else "a label")}
        details.append([say(rng, split, _LABELS, labels=listed(new.labels), **slots)])
    rng.shuffle(details)
    sentences = (*lead, said, *(sentence for group in details for sentence in group))
    return Wish(sentences, (new.project,), (*new.project.reads, new.call()))


def _second(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, new: _New) -> Wish:
    """Draw a second wish."""
    key = f"{new.key}-{office.project(new.key)['next_number']}"
    if split == "heldout" and rng.random() < 0.7:
        person = person_of(rng, split, office, rng.choice(office.people), difficulty)
        assign = PlannedCall("assignIssue", {"issueIdOrKey": key, "accountId": person.references[-1].record})
        return Wish((say(rng, split, _ASSIGN, person=person.said),), (person,), (*person.reads, assign))
    if rng.random() < 0.5:
        issue = issue_of(rng, split, office, rng.choice(office.issues()), difficulty)
        other = office.world.table("issues")[issue.references[-1].record]["key"]
        ends = {"inwardIssue": {"key": other}, "outwardIssue": {"key": key}}
        link = PlannedCall("linkIssues", {"type": {"name": "Blocks"}, **ends})
        return Wish((say(rng, split, _LINK, issue=issue.said),), (issue,), (*issue.reads, link))
    another = _new(rng, split, office, difficulty, [new.about.summary])
    return _wish(rng, split, difficulty, another, (say(rng, split, _NEXT),))
