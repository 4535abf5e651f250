"""Asks for a move of an issue that others may move at the same moment; a second wish is about the same issue.

Training tasks combine the move with a vote; held-out tasks with a wish to watch the issue, or with an assignee.
"""

import random
from dataclasses import replace

from envs.api.faults import Faults, Rival
from envs.api.world import Record
from envs.requests.drafts import Wish, drafted, fitting_an_episode
from envs.requests.follow_ups import assign, vote, watch
from envs.requests.grammar import Clause, say, value
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.jira_references import issue_of
from envs.requests.messages import CORRECTION
from envs.requests.workflows import Lead, name_of, other_statuses, rewire
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.3, 3: 0.5, 4: 0.6, 5: 0.7}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_RACED = 0.75
"""The chance that another user moves the issue."""
_MOVE = Clause(
    (
        "[|please ][move|bring|take|transition] {issue} to {status}.",
        "[can|could] you [move|bring|get] {issue} to {status}[?| now?]",
        "[|please ][set|change] the status of {issue} to {status}.",
        "{issue} [should be|must end up|has to be] in {status} [today|by tonight|before the call].",
        "{issue} [goes|has to go|should go] to {status}, [whatever its status is|wherever it is] [now|at the moment].",
        "I need {status} for {issue}[.| as soon as you can.]",
        "make sure {issue} [gets to|reaches|ends up in] {status}.",
        "{status} is the status that {issue} [needs|must have][.|, so move it.]",
        "the plan for {issue} is {status}[.|, please move it.]",
    ),
    (
        "[kindly steer|would you steer] {issue} into {status}.",
        "today, whatever happens to {issue}, {status} is where I want to find it.",
        "{issue} is in demand, still it [must|should] [arrive|land] in {status}.",
        "tonight, when I open {issue}, I [expect|hope] to see {status} there.",
        "the end of the story for {issue} is {status}, [make it so|please take care of that].",
        "get {issue} over to {status}, [before it is forgotten|even if it moves meanwhile].",
        "the customer wants to read {status} [on|next to] {issue}.",
        "our goal for {issue} is {status}, nothing else.",
    ),
)
_BUSY = Clause(
    (
        "[others|other people] [work on|look at] it, too.",
        "[the team|somebody] may [move|change] it [meanwhile|in the meantime].",
        "it [changes hands|is being moved] [quite a bit|a lot] [today|these days].",
        "it may [have moved since|move while you look at it].",
        "if [somebody|anybody] was faster, [start from there|go on from where it is].",
    ),
    (
        "[half the team has it open|several of us have it open] [right now|as we speak].",
        "do not be surprised if it is [somewhere else|in another place] [by then|a minute later].",
        "[I am not|we are not] the only ones who touch it.",
        "it does not matter which way it takes.",
        "should it jump around, [keep at it|do not stop until it is there].",
    ),
)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw whether another user interferes, then a move that fits into an episode."""
    raced = rng.random() < _RACED
    # After a race, a second wish leaves no turn to find the issue, which is then named by its key.
    two = rng.random() < _TWO_WISHES[difficulty] * (0.4 if raced else 1)
    return fitting_an_episode(lambda: _draw(rng, split, difficulty, raced, two))


def _draw(rng: random.Random, split: Split, difficulty: int, raced: bool, two: bool) -> TaskDraft:
    office = jira_office(rng, split)
    issue = rng.choice(office.issues())
    first, second, target = rng.sample(other_statuses(office.world, issue), 3)
    ids = _workflow(office, rng, split, issue, (first, second, target))
    theirs = rng.choice([first, second, second])
    move = _move(rng, split, office, difficulty, issue, (target, rng.choice([first, second])), raced, two)
    wishes = [replace(move, calls=(*move.calls, _made(office, issue, ids[issue["status"], target], target)))]
    if two:
        wishes.append(_second(rng, split, office, difficulty, issue, raced))
    draft = drafted(rng, split, difficulty, office.world, wishes)
    if not raced:
        return draft
    arguments = {"issueIdOrKey": issue["key"], "transition": {"id": ids[issue["status"], theirs]}}
    faults = Faults(rival=Rival("doTransition", (("doTransition", arguments),)))
    again = _made(office, issue, ids[theirs, target], target)
    oracle: list[PlannedCall] = []
    for call in draft.oracle:
        refused = call.name == "doTransition"
        oracle += [replace(call, fails=True), _read(issue), again] if refused else [call]
    return replace(draft, oracle=tuple(oracle), faults=faults)


def _workflow(
    office: JiraOffice, rng: random.Random, split: Split, issue: Record, others: tuple[str, str, str]
) -> dict[tuple[str, str], str]:
    """Give the issue's project a workflow with another transition to the last of the statuses from each of the others.

    Returns the transitions' ids by (source, target).
    """
    start, (first, second, target) = issue["status"], others
    pairs = [(start, first), (start, second), (start, target)]
    pairs += [(first, start), (first, target), (second, first), (second, target)]
    ids = rewire(office.world, rng, split, issue, [Lead((source,), to) for source, to in pairs])
    return dict(zip(pairs, ids, strict=True))


def _move(
    rng: random.Random,
    split: Split,
    office: JiraOffice,
    difficulty: int,
    issue: Record,
    statuses: tuple[str, str],
    raced: bool,
    two: bool,
) -> Wish:
    """Ask for a move to the first of two statuses, perhaps to the other one at first; the calls lack the transition."""
    level = 2 if raced and two else difficulty
    described = issue_of(rng, split, office, issue, level, first_names=not raced)
    right, wrong = (name_of(office.world, status) for status in statuses)
    sentences = [say(rng, split, _MOVE, issue=described.said, status=right)]
    if rng.random() < _CORRECTED[difficulty]:
        sentences = [say(rng, split, _MOVE, issue=described.said, status=wrong)]
        sentences.append(say(rng, split, CORRECTION, wrong=value(wrong), right=value(right)))
    if rng.random() < 0.6:
        sentences.append(say(rng, split, _BUSY))
    return Wish(tuple(sentences), (described,), (*described.reads, _read(issue)))


def _read(issue: Record) -> PlannedCall:
    return PlannedCall("getTransitions", {"issueIdOrKey": issue["key"]})


def _made(office: JiraOffice, issue: Record, transition: str, to: str) -> PlannedCall:
    arguments = {"issueIdOrKey": issue["key"], "transition": {"id": transition}}
    return PlannedCall("doTransition", arguments, f'"{name_of(office.world, to)}": {transition}')


def _second(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record, raced: bool) -> Wish:
    """Draw a second wish about the issue; after a race only one call is left for it."""
    if split != "heldout":
        return vote(rng, split, issue["key"])
    if raced or rng.random() < 0.4:
        return watch(rng, split, issue["key"])
    return assign(rng, split, office, difficulty, issue)
