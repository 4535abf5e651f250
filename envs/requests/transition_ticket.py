"""Asks for issues to be moved to a status; a second wish moves another issue or changes the moved one.

Training tasks combine a move with another move or with a priority; held-out tasks mostly with an assignee.
"""

import random

from envs.api.world import Record
from envs.jira.world import PRIORITIES
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.jira_office import JiraOffice, jira_office, steps_from
from envs.requests.jira_references import issue_of, person_of
from envs.requests.messages import CORRECTION
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.45, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_MOVE = Clause(
    (
        "[|please ][move|transition|bring|set] {issue} to {status}[.| now.]",
        "[can you|could you|can you please] [move|transition|bring|set] {issue} to {status}[?| now?]",
        "[|please ][put|move] {issue} into the status {status}.",
        "[|please ]change the status of {issue} to {status}.",
        "{issue} [should be|belongs|needs to be] in status {status}.",
        "{issue} [can|should|has to] go to {status}[.| now.]",
        "{issue} is ready for the next step, which is {status}[.|, please move it.]",
        "[could|can] you update {issue}? Its status [should be|is] {status} now.",
        "the new status of {issue} is {status}[.|, please set it.]",
        "we are done with the current step of {issue}, [so please move it|move it] to {status}.",
    ),
    (
        "would you mind [taking|carrying] {issue} over to {status}?",
        "{status} is where {issue} [belongs|should be] from now on.",
        "on the board, {issue} has to appear under {status}.",
        "{issue} counts as {status} from today, [so let the status show that|please let the board show it].",
        "the board is wrong about {issue}: it should say {status}.",
        "I forgot to drag {issue} to {status}, could you do it?",
        "after the meeting we want {issue} to be shown as {status}.",
        "as for {issue}, we agreed on {status}.",
    ),
)
_ALSO_MOVE = Clause(
    ("also move {issue} to {status}.", "and {issue} [should go|goes] to {status}.",
     "then put {issue} into status {status}."),
    ("the board should also show {issue} under {status}.", "for {issue} it is {status}.",
     "what is more, {issue} has to move on to {status}."),
)  # fmt: skip
_ALSO_PRIORITY = Clause(
    (
        "also [set|change] its priority to {priority}.",
        "and give it {priority} priority.",
        "its priority [should be|is now] {priority}.",
    ),
    ("by the way, {priority} priority is enough for it from now on.", "it deserves {priority} priority, too."),
)
_ALSO_ASSIGN = Clause(
    ("also assign it to {person}.",),
    (
        "also assign it to {person}.",
        "{person} takes it from there, so make that the assignee.",
        "and {person} becomes the assignee.",
        "the next person to work on it is {person}, so assign it accordingly.",
        "then hand it over to {person}.",
    ),
)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    issue, other = rng.sample(office.issues(), 2)
    wishes = [_move(rng, split, office, difficulty, issue, _MOVE)]
    if rng.random() < _TWO_WISHES[difficulty]:
        if split == "heldout" and rng.random() < 0.7:
            wishes.append(_assign(rng, split, office, difficulty, issue))
        elif rng.random() < 0.5:
            wishes.append(_rank(rng, split, office, issue))
        else:
            wishes.append(_move(rng, split, office, difficulty, other, _ALSO_MOVE))
    return drafted(rng, split, difficulty, office.world, wishes)


def _move(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record, clause: Clause) -> Wish:
    """Ask for a move, perhaps to a wrong status first."""
    described = issue_of(rng, split, office, issue, difficulty)
    steps = steps_from(office.world, issue)
    right, wrong = rng.sample(list(steps), 2)
    said = [say(rng, split, clause, issue=described.said, status=right)]
    if rng.random() < _CORRECTED[difficulty]:
        first = say(rng, split, clause, issue=described.said, status=wrong)
        said = [first, say(rng, split, CORRECTION, wrong=value(wrong), right=value(right))]
    transition = {"issueIdOrKey": issue["key"], "transition": {"id": steps[right]}}
    calls = (
        *described.reads,
        PlannedCall("getTransitions", {"issueIdOrKey": issue["key"]}),
        PlannedCall("doTransition", transition, f'"{right}": {steps[right]}'),
    )
    return Wish(tuple(said), (described,), calls)


def _rank(rng: random.Random, split: Split, office: JiraOffice, issue: Record) -> Wish:
    """Ask for another priority of the moved issue."""
    current = office.world.table("priorities")[issue["fields"]["priority"]]["name"]
    priority = rng.choice([each for each in PRIORITIES if each != current])
    said = say(rng, split, _ALSO_PRIORITY, priority=Said(priority.lower()))
    edit = {"issueIdOrKey": issue["key"], "fields": {"priority": {"name": priority}}}
    return Wish((said,), (), (PlannedCall("editIssue", edit),))


def _assign(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record) -> Wish:
    """Ask for an assignee of the moved issue, who is not the present one."""
    others = [user for user in office.people if user["accountId"] != issue["fields"]["assignee"]]
    person: Described = person_of(rng, split, office, rng.choice(others), difficulty)
    account = person.references[-1].record
    assign = PlannedCall("assignIssue", {"issueIdOrKey": issue["key"], "accountId": account})
    return Wish((say(rng, split, _ALSO_ASSIGN, person=person.said),), (person,), (*person.reads, assign))
