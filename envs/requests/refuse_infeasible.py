"""Asks for an issue to be moved, assigned or created, which may be impossible: then only the missing part is wanted.

In half of the tasks a part is missing: the issue, the status or a transition to it, the person, the project or the
issue type. Held-out tasks also ask for a move and an assignee at once, and one of these may be missing.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from envs.api.world import Record
from envs.claims.impossible import Impossible
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.jira_office import JiraOffice, jira_office, steps_from
from envs.requests.jira_references import DIRECT, PROJECT_BY_NAME, issue_of, project_of
from envs.requests.messages import CORRECTION
from envs.requests.missing_records import (
    absent_issue,
    absent_person,
    absent_project,
    absent_status,
    absent_type,
    give_types,
    types_of,
)
from envs.requests.subjects import subject
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

_MISSING = 0.5
_BOTH = 0.5
"""The chance that a held-out task that moves an issue assigns it, too."""
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.65}
_CAN_MISS = {
    "move": ("issue", "status"),
    "assign": ("user",),
    "create": ("project", "type"),
    "both": ("status", "user"),
}
_MOVE = Clause(
    (
        "[|please ][move|bring|transition|take] {issue} to {status}[.| now.| today.]",
        "[can|could] you [move|bring|set|take] {issue} to {status}[?| now?| today?]",
        "[|please ]set the status of {issue} to {status}.",
        "{issue} [should be|must be|belongs] in {status}[.|, please move it there.|, so move it.]",
        "[|please ]put {issue} into {status}.",
        "I [want|need] {issue} moved to {status}[.| by noon.| today.]",
        "{issue} [should|has to|can] go [on |]to {status}[.| now.]",
        "we [finished|are done with] this step of {issue}, so move it to {status}.",
    ),
    (
        "would you mind [taking|dragging] {issue} over to {status}?",
        "{status} is the column for {issue} [now|from today], please drag it there.",
        "let {issue} go on to {status}.",
        "try to get {issue} to {status}[.| for me.]",
        "[the team|my manager|the customer] wants to see {issue} in {status}.",
        "I tried to drag {issue} to {status} and gave up, could you do it?",
        "for {issue} the next status is {status}, [please set it|make it so].",
    ),
)
_ASSIGN = Clause(
    (
        "[|please ][assign|give|hand] {issue} to {person}[.| now.| today.]",
        "[can|could] you [assign|give|hand] {issue} to {person}?",
        "{person} [takes over|will work on|should have] {issue}, [please assign it|so assign it].",
        "[|please ]make {person} the assignee of {issue}.",
        "{issue} [should go|goes] to {person}[.|, please assign it.]",
        "the assignee of {issue} should be {person}[.| from now on.| from today.]",
        "[|please ]set the assignee of {issue} to {person}.",
        "I promised {issue} to {person}, [please assign it|so make the change].",
    ),
    (
        "would you mind [passing|handing] {issue} on to {person}?",
        "from now on {issue} is the work of {person}.",
        "let {person} take care of {issue}, [as agreed|as we said], and set the assignee.",
        "{person} volunteered for {issue}, so put that name on it.",
        "I would like to see {person} as the assignee of {issue}.",
        "put {issue} on the desk of {person}.",
        "[nobody else has time|the rest of us is busy], so {issue} goes to {person}.",
    ),
)
_ALSO_ASSIGN = Clause(
    (
        "{person} takes it from there, so assign it, too.",
        "and assign it to {person}.",
        "at the same time hand it over to {person}.",
        "then it goes to {person} as the assignee.",
        "also make {person} the assignee.",
    ),
)
_CREATE = Clause(
    (
        '[|please ][create|open|add|raise|file] a {type} in {project}: "{summary}".',
        "[can|could] you [create|open|add|raise|file] a {type} in {project}, [called|titled|with the summary] "
        '"{summary}"?',
        '[|please ][note|log|track] "{summary}" in {project} as a {type}.',
        '{project} needs a {type}: "{summary}".',
        'we need a {type} in {project}. [Its summary is|Call it|The title is] "{summary}".',
        "new {type} for {project}:\n{summary}\n",
        '"{summary}" should be a {type} in {project}[.|, please create it.|, so open one.]',
        "[|please ]put a {type} into {project}, worded like this:\n{summary}\n",
    ),
    (
        'would you mind [opening|entering] a {type} in {project}? [The headline is|Name it] "{summary}".',
        'enter "{summary}" into {project}, [it is|it counts as] a {type}.',
        'I want a {type} to show up in {project}, [worded|headline] "{summary}".',
        'a {type} is missing from {project}, namely "{summary}", [please add it|could you add it].',
        "this [has to|should] become a {type} in {project}:\n{summary}\n",
        '[the auditors|the others|our partners] ask for a {type} about "{summary}", and {project} is the place for it.',
    ),
)
_OR_ELSE = Clause(
    (
        "if [that|this|it] [cannot be done|is not possible|does not work], [change nothing and |leave everything as it "
        "is and |][tell me what is missing|say what is missing|name only what is missing].",
        "[should that|should this] be impossible, [change nothing and |][tell me what is missing|just name what is "
        "missing].",
        "if you cannot do [that|this|it], [leave everything alone and |][answer with what is missing|tell me only what "
        "is missing].",
        "if [something|a part of it|any of that] does not exist, [do nothing else and |change nothing and |]tell me "
        "what is missing.",
        "in case [something is missing|it is impossible], [touch nothing and |][tell me what is missing|name what is "
        "missing, nothing else].",
    ),
    (
        "where there is no way, touch nothing and [write|say] only what is lacking.",
        "if something in it does not exist, [do not improvise|please do not guess]: just name it.",
        "if you get stuck, leave it alone and [tell me the one thing that is missing|name the missing piece].",
        "no workarounds, please: if one part of this is not there, name [that part|it] and stop.",
        "should a piece of it be missing, hands off; I only want to [read|know] which.",
        "[not sure|I am not sure] that all of it exists, so if it fails, only tell me what is not there.",
    ),
)
_ALL_OR_NOTHING = Clause(
    (
        "[do both or nothing|both or neither]: if one of them is impossible, only tell me what is missing.",
        "unless [both are|all of it is] possible, change nothing and [tell me|name] what is missing.",
        "if one of the two [cannot be done|is impossible], leave everything as it is and say what is missing.",
        "if a part of that does not exist, do not even start: [name the missing part|tell me what is missing].",
    ),
)


@dataclass(frozen=True)
class _Asked:
    """Something that is asked for, which may be impossible."""

    sentences: tuple[Said, ...]
    parts: tuple[Described, ...]
    goal: Mapping[str, str]
    """By part of the request, its value."""
    checks: Mapping[str, tuple[PlannedCall, ...]] = field(default_factory=dict)
    """By part of the request that may be missing, the reads that show whether it is."""
    writes: tuple[PlannedCall, ...] = ()


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw a request and perhaps take away what it needs."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    kind = rng.choice(["move", "assign", "create"])
    if kind == "move" and split == "heldout" and rng.random() < _BOTH:
        kind = "both"
    missing = rng.choice(_CAN_MISS[kind]) if rng.random() < _MISSING else ""
    if kind == "create":
        asked = [_create(rng, split, office, difficulty, missing)]
    else:
        issue = rng.choice(office.issues())
        move = _move(rng, split, office, difficulty, issue, missing)
        assign = _assign(rng, split, office, difficulty, issue, missing, move if kind == "both" else None)
        asked = {"move": [move], "assign": [assign], "both": [move, assign]}[kind]
    last = say(rng, split, _ALL_OR_NOTHING if kind == "both" else _OR_ELSE)
    return _answered(rng, split, difficulty, office, asked, missing, last)


def _move(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record, missing: str) -> _Asked:
    """Ask for a move, of an issue or to a status that may not exist."""
    key, described = issue["key"], issue_of(rng, split, office, issue, difficulty)
    if missing == "issue":
        key = absent_issue(rng, office, issue)
        described = Described(value(key), ())
    status = absent_status(rng, split, office, issue) if missing == "status" else ""
    steps = steps_from(office.world, issue)
    status = status or rng.choice(list(steps))
    wrong = rng.choice([name for name in steps if name != status])
    sentences = _said(rng, split, difficulty, _MOVE, "status", status, wrong, issue=described.said)
    listing = PlannedCall("getTransitions", {"issueIdOrKey": key}, fails=missing == "issue")
    reads = (*described.reads, listing)
    step = steps.get(status, "")
    write = PlannedCall("doTransition", {"issueIdOrKey": key, "transition": {"id": step}}, f'"{status}": {step}')
    return _Asked(
        sentences, (described,), {"issue": key, "status": status}, {"issue": reads, "status": reads}, (write,)
    )


def _assign(
    rng: random.Random,
    split: Split,
    office: JiraOffice,
    difficulty: int,
    issue: Record,
    missing: str,
    move: _Asked | None,
) -> _Asked:
    """Ask for an assignee, who may not exist, of an issue or of the one that is also to be moved."""
    person, wrong = rng.sample([user for user in office.people if user["accountId"] != issue["fields"]["assignee"]], 2)
    name = absent_person(rng, split, office) if missing == "user" else person["displayName"]
    reference = Reference(name, "users", person["accountId"], {"full_name": name})
    user = Described(value(name), () if missing == "user" else (reference,))
    find = PlannedCall("findUsers", {"query": name})
    write = PlannedCall("assignIssue", {"issueIdOrKey": issue["key"], "accountId": person["accountId"]})
    if move:
        sentence = say(rng, split, _ALSO_ASSIGN, person=name)
        return _Asked((sentence,), (user,), {"user": name}, {"user": (find,)}, (write,))
    described = issue_of(rng, split, office, issue, difficulty)
    sentences = _said(rng, split, difficulty, _ASSIGN, "person", name, wrong["displayName"], issue=described.said)
    checks = {"issue": described.reads, "user": (find,)}
    return _Asked(sentences, (described, user), {"issue": issue["key"], "user": name}, checks, (write,))


def _create(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, missing: str) -> _Asked:
    """Ask for an issue, in a project or of a type that may not exist."""
    give_types(rng, split, office)
    project = rng.choice(office.projects)
    described, key = project_of(rng, split, office, project, difficulty, None), project["key"]
    goal_project = key
    if missing == "project":
        name, key = absent_project(rng, split, office)
        by_key = rng.random() < DIRECT[difficulty]
        goal_project = key if by_key else name
        said = value(key) if by_key else say(rng, split, PROJECT_BY_NAME, name=name)
        described = Described(said, (), () if by_key else (PlannedCall("searchProjects", {"query": name}),))
    kinds = types_of(office.world, project)
    kind = absent_type(rng, split, office.world, project) if missing == "type" else rng.choice(kinds)
    wrong = Said(rng.choice([other for other in kinds if other != kind]).lower())
    about = subject(rng, split).summary
    slots: dict[str, str | Said] = {"project": described.said, "summary": about}
    sentences = _said(rng, split, difficulty, _CREATE, "type", Said(kind.lower()), wrong, **slots)
    by_search = missing == "project" and bool(described.reads)
    get = PlannedCall("getProject", {"projectIdOrKey": key}, fails=missing == "project")
    reads = described.reads if by_search else (*described.reads, get)
    fields = {"project": {"key": key}, "issuetype": {"name": kind}, "summary": about}
    goal = {"project": goal_project, "type": kind, "summary": about}
    write = PlannedCall("createIssue", {"fields": fields})
    return _Asked(sentences, (described,), goal, {"project": reads, "type": reads}, (write,))


def _said(
    rng: random.Random,
    split: Split,
    difficulty: int,
    clause: Clause,
    slot: str,
    right: str | Said,
    wrong: str | Said,
    **slots: str | Said,
) -> tuple[Said, ...]:
    """Say a clause, perhaps with a wrong value in one slot, which another sentence takes back."""
    if rng.random() >= _CORRECTED[difficulty]:
        return (say(rng, split, clause, **slots, **{slot: right}),)
    first = say(rng, split, clause, **slots, **{slot: wrong})
    if slot == "type":
        wrong, right = (say(rng, split, Clause(("a {type}",)), type=kind) for kind in (wrong, right))
    return first, say(rng, split, CORRECTION, wrong=wrong, right=right)


def _answered(
    rng: random.Random,
    split: Split,
    difficulty: int,
    office: JiraOffice,
    asked: list[_Asked],
    missing: str,
    last: Said,
) -> TaskDraft:
    """Return the draft: all reads, then all writes or, if a part is missing, the reads that show it and the answer."""
    goal = {part: text for each in asked for part, text in each.goal.items()}
    checks = {part: calls for each in asked for part, calls in each.checks.items()}
    reads = checks[missing] if missing else [call for calls in checks.values() for call in calls]
    writes = () if missing else [call for each in asked for call in each.writes]
    sentences = (*(sentence for each in asked for sentence in each.sentences), last)
    wish = Wish(sentences, tuple(part for each in asked for part in each.parts), (*reads, *writes))
    draft = drafted(rng, split, difficulty, office.world, [wish])
    if not missing:
        return replace(draft, goal={**goal, "missing": ""})
    present = {part: text for part, text in goal.items() if part not in (missing, "summary")}
    noun = "transition to" if missing == "status" else missing
    claim = Impossible(missing, goal[missing], present)
    answer = f'There is no {noun} "{goal[missing]}".'
    return replace(draft, goal={**goal, "missing": goal[missing]}, answer=answer, claim=claim)
