"""Asks for issues to be moved along a route of three statuses; some requests list issues and mean one of them.

All turns of an episode go to the route, so that nothing is left to search: the key is in the request. The workflow of
held-out tasks is another: the misleading transition leaves every status, and one leads back to where it starts.
"""

import random
from dataclasses import dataclass, replace

from envs.api.world import Record
from envs.requests import names
from envs.requests.drafts import Described, Wish, drafted
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.jira_references import issue_of
from envs.requests.messages import CORRECTION
from envs.requests.workflows import Lead, name_of, other_statuses, rename, rewire
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

_LISTED = {2: 0.4, 3: 0.7, 4: 0.8, 5: 0.9}
"""By difficulty, the chance that the request lists issues and describes the one it means."""
_CORRECTED = {2: 0.0, 3: 0.2, 4: 0.45, 5: 0.75}
_SHOWN = {"mentions", "reporter", "status", "type"}
"""The conditions that a line of the list shows."""
_TRIES = 40
_ROUTE = Clause(
    (
        "[|please ][move|bring|take] {issue} to {status}, [via|by way of|through] {first} and [|then ]{second}.",
        "[can|could] you [move|bring|take] {issue} to {first}, [then|from there] to {second} and [finally|at last] to "
        "{status}?",
        "{issue} has to [reach|get to|end in] {status}; [on its way it|before that it] [passes|goes through] "
        "{first} and then {second}.",
        "before {issue} can go to {status} it has to pass {second}, and before that {first}. [Please take it all the "
        "way.|Please move it there step by step.]",
        "the [path|route|way] of {issue} is {first}, {second}, {status}. [Take it to the end|Move it all the way].",
        "{issue} [should|has to] be in {status}. [The way there leads|It gets there] through {first} and, after it, "
        "{second}.",
        "[can|could] {issue} [go|be moved] to {status}? But [only|first] through {first} and {second}, in this order.",
        "[I need|we need] {issue} in {status}. The [order|sequence] is {first}, {second}, {status}.",
        "[|please ]take {issue} through {first} and {second}, in this order, [on|up] to {status}.",
        "{issue} is ready for three steps: first {first}, [next|then] {second}, [last|in the end] {status}.",
        "first {first}, then {second}, then {status}: [that is the way for|please move] {issue}.",
    ),
    (
        "would you [walk|carry] {issue} [over|all the way] to {status}? It has to stop in {first} and then "
        "in {second}.",
        "let {issue} arrive in {status}, with stops in {first} and, after that, {second}.",
        "{status} is where {issue} ends up. Its [stations|stops] on the way are {first}, then {second}.",
        "our process asks for {first}, after that for {second}, and then for {status}: [do|repeat] that with {issue}.",
        "nobody gets to {status} without {second}, or to {second} without {first}. That holds for {issue} as well, so "
        "[take every step|go through all of them].",
        "three [stages|stages in a row] for {issue}: it enters {first}, leaves it for {second}, and stays in {status}.",
        "[kindly see|please see] {issue} through to {status}: {first} comes [first|before anything else], {second} "
        "[next|after it].",
        "to get {issue} to {status}, [you will need|it takes] {first} and, from there, {second}.",
        "do the whole round with {issue}: {first}, {second}, {status}.",
        "{status} is where I want to find {issue}, but its history must show {first} and, later, {second}.",
        "with {issue}, start at {first}; [the stage after it is|follow up with] {second}, and {status} is the goal.",
    ),
)
_LIST = Clause(
    (
        "[these are open|this is our list] [today|right now]:\n{lines}\n",
        "[this is what I see|I see this] on the board:\n{lines}\n",
        "[from|copied from] the board:\n{lines}\n",
        "here are [some|a few] [issues|tickets]:\n{lines}\n",
    ),
    (
        "[what we looked at|we went through these] [this morning|in the meeting]:\n{lines}\n",
        "my [export|search] [says|came back with this]:\n{lines}\n",
        "for your orientation:\n{lines}\n",
        "pasted from my filter:\n{lines}\n",
    ),
)
_REST = Clause(
    (
        "[the others stay|leave the others] where they are.",
        "[the other ones|all others] [are fine|can wait].",
        "this is [only|just] about that one.",
        "[nothing happens|nothing changes] with the others.",
        "please [do not touch|leave alone] the rest of them.",
    ),
    (
        "hands off the rest[.|, please.]",
        "nothing else [in there|on the list] needs [a move|to be moved].",
        "the remaining ones [have time|are not due].",
    ),
)
_STEPS = Clause(
    (
        "no step [may|must] be left out.",
        "it only works one step at a time.",
        "please do not [skip|leave out] a step.",
        "the [auditors|managers] want to see each [step|stage].",
        "[each of them|every step] matters.",
    ),
    (
        "there is no short cut[.|, I am afraid.]",
        "the board knows no direct way.",
        "all of the steps [count for|show up in] our report.",
        "[somebody counts|we count] the stages afterwards.",
        "I know it [is tedious|takes a while], but that is our process.",
    ),
)


@dataclass(frozen=True)
class _Route:
    """The statuses that an issue passes, by name."""

    first: str
    second: str
    target: str
    aside: str
    """A status that is not on the route."""
    calls: tuple[PlannedCall, ...]
    """Reads and moves, in order."""


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw an issue, its workflow and the route that a request describes."""
    office = jira_office(rng, split)
    issue = rng.choice(office.issues())
    route = _route(rng, split, office, issue)
    lines, described = _issue(rng, split, office, issue, difficulty)
    slots: dict[str, str | Said] = {"first": route.first, "second": route.second, "status": route.target}
    sentences = list(lines)
    if rng.random() < _CORRECTED[difficulty]:
        wrong = rng.choice(["first", "second"])
        right = slots[wrong]
        sentences.append(say(rng, split, _ROUTE, issue=described.said, **{**slots, wrong: route.aside}))
        sentences.append(say(rng, split, CORRECTION, wrong=value(route.aside), right=value(str(right))))
    else:
        sentences.append(say(rng, split, _ROUTE, issue=described.said, **slots))
    if rng.random() < 0.55:
        sentences.append(say(rng, split, _REST if lines else _STEPS))
    wish = Wish(tuple(sentences), (described,), route.calls[:1])
    draft = drafted(rng, split, difficulty, office.world, [wish])
    # The same read comes before each move.
    tools = tuple(dict.fromkeys(call.name for call in route.calls))
    return replace(draft, goal={"status": route.target}, oracle=route.calls, tools=tools)


def _route(rng: random.Random, split: Split, office: JiraOffice, issue: Record) -> _Route:
    """Give the issue's project a workflow with one route of three steps to a status and others that leave it."""
    world, start = office.world, issue["status"]
    first, second, aside, near, target = rng.sample(other_statuses(world, issue), 5)
    alike = names.similar_statuses(rng, split, [name_of(world, start)])
    # A status that already has one of these names gets one of those that fall vacant.
    vacant = [name for status in (target, near) if (name := name_of(world, status)) not in alike]
    for status in (first, second, aside):
        if name_of(world, status) in alike:
            rename(world, status, vacant.pop())
    for status, name in zip((target, near), alike, strict=True):
        rename(world, status, name)
    goal = alike[0]
    stops = (start, first, second, target)
    leads = [Lead((stops[hop],), stops[hop + 1]) for hop in range(3)]
    if split == "heldout":
        leads += [Lead((), aside, goal), Lead((first,), first), Lead((second,), near), Lead((aside,), start)]
    else:
        leads += [Lead((stops[hop],), (aside, aside, near)[hop], goal) for hop in range(3)]
        leads += [Lead((first,), start), Lead((aside,), start), Lead((near,), second)]
    ids = rewire(world, rng, split, issue, leads)
    calls: list[PlannedCall] = []
    for transition, stop in zip(ids, stops[1:], strict=False):
        arguments = {"issueIdOrKey": issue["key"], "transition": {"id": transition}}
        calls.append(PlannedCall("getTransitions", {"issueIdOrKey": issue["key"]}))
        calls.append(PlannedCall("doTransition", arguments, f'"{name_of(world, stop)}": {transition}'))
    via, then, last = (name_of(world, stop) for stop in stops[1:])
    return _Route(via, then, last, name_of(world, aside), tuple(calls))


def _issue(
    rng: random.Random, split: Split, office: JiraOffice, issue: Record, difficulty: int
) -> tuple[tuple[Said, ...], Described]:
    """Name an issue by its key, or list some issues and describe this one by what the list shows."""
    if rng.random() < _LISTED[difficulty]:
        for _ in range(_TRIES):
            described = issue_of(rng, split, office, issue, 5, first_names=False)
            own = described.references[-1]
            if set(own.conditions) <= _SHOWN:
                others = rng.sample([other for other in office.issues() if other != issue], rng.randint(2, 4))
                shown = rng.sample([issue, *others], len(others) + 1)
                lines = "\n".join(_line(office, each) for each in shown)
                said = say(rng, split, _LIST, lines=lines)
                return (said,), Described(described.said, (own,))
    key = issue["key"]
    return (), Described(value(key), (Reference(key, "issues", issue["id"], {"key": key}),))


def _line(office: JiraOffice, issue: Record) -> str:
    """Return a line of a list of issues."""
    world, fields = office.world, issue["fields"]
    kind = world.table("issuetypes")[issue["issuetype"]]["name"]
    reporter = world.table("users")[fields["reporter"]]["displayName"]
    status = name_of(world, issue["status"])
    return f"{issue['key']} ({kind}, {status}, reported by {reporter}): {fields['summary']}"
