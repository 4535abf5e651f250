"""Wordings of triage: which issues of a project are meant, and the edit that each of them gets."""

import random
from collections.abc import Mapping

from envs.requests.drafts import Described
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.messages import CORRECTION
from envs.words import Split

_KIND = Clause(
    ("issues of type {type}", "tickets of type {type}", "{type} tickets", "{type} issues"),
    ("entries of type {type}", "tickets filed as {type}", "items of the type {type}"),
)
_ANY_KIND = Clause(("issues", "tickets"), ("entries", "items"))
_QUALITIES: Mapping[str, Clause] = {
    "component": Clause(
        ("in the component {component}", "in the {component} component", "from the component {component}"),
        ("listed under {component}", "around the component {component}", "from the {component} corner"),
    ),
    "priority": Clause(
        ("with priority {priority}", "with {priority} priority", "at priority {priority}"),
        ("ranked {priority}", "prioritised as {priority}", "on priority {priority}"),
    ),
    "nobody": Clause(
        ("without an assignee", "that have no assignee", "that are assigned to nobody", "that are unassigned"),
        ("that nobody owns", "that still wait for an owner", "that are on nobody's desk"),
    ),
    "person": Clause(
        ("assigned to {person}", "that are assigned to {person}", "that have {person} as assignee"),
        ("on {person}'s desk", "that sit with {person}", "that belong to {person}"),
    ),
}
"""Conditions as they follow a noun, one after the other."""
_POINT = Clause(
    (
        "there are {there}.",
        "[please look|look] at the {there}.",
        "[please find|find|search for] all {there}.",
        "in {project} we have [some|a few] {issues}.",
        "this is about {project}, and there only about {issues}.",
        "[can|could] you find the {there}?",
        "I had a look at {project}. It has [some|a few] {issues}.",
    ),
    (
        "I am cleaning up {project} and got to the {issues}.",
        "would you mind going through {project} for {issues}?",
        "{project} has collected {issues} [over time|over the holidays].",
        "somebody asked me about the {there}.",
        "we want order in {project}, starting with {issues}.",
        "let us deal with the {there}.",
    ),
)
_DIRECT: Mapping[str, Clause] = {
    "priority": Clause(
        (
            "[|please ]set the priority of all {there} to {value}.",
            "[can|could] you set the priority of all {there} to {value}?",
            "all {there} should get priority {value}.",
        ),
        (
            "for all {there}, priority {value} is the right one now.",
            "we agreed on priority {value} for all {there}.",
            "whoever opens one of the {there} should see priority {value}.",
            "priority {value} is what we want on all {there}.",
        ),
    ),
    "labels": Clause(
        (
            "[|please ]add the label {value} to all {there}.",
            "[|please ]put the label {value} on all {there}.",
            "all {there} need the label {value}.",
        ),
        (
            "our filter looks for the label {value}, so add it to all {there}.",
            "I would like to see the label {value} on all {there}.",
            "the label {value} is missing on all {there}, [please fix that|would you add it?]",
            "mark all {there} with the label {value}.",
            "to count them later, we want the label {value} on all {there}.",
        ),
    ),
    "assignee": Clause(
        (
            "[|please ]assign all {there} to {value}.",
            "[can|could] you make {value} the assignee of all {there}?",
            "{value} should be the assignee of all {there}.",
        ),
        (
            "{value} takes over all {there}, so please assign them.",
            "as the new assignee of all {there} we want {value}.",
            "all {there} are for {value}, so make that the assignee.",
            "let {value} have all {there}, as the assignee.",
        ),
    ),
}
"""By field, the search and the edit in one sentence."""
EDITS: Mapping[str, Clause] = {
    "priority": Clause(
        (
            "[please set|set|change] their priority to {value}.",
            "[give each of them|give them] priority {value}.",
            "all of them should [get|have] priority {value}.",
            "their priority [is|should be] {value} now.",
            "[can|could] you set the priority of each to {value}?",
        ),
        (
            "from now on they count as priority {value}.",
            "we agreed on priority {value} for every one of them.",
            "priority {value} is [enough|right] for them.",
            "the board should show all of these with priority {value}.",
        ),
    ),
    "labels": Clause(
        (
            "[add|please add] the label {value} to each of them.",
            "[put|please put] the label {value} on all of them and keep the others.",
            "they all need the label {value}[| as well].",
            "label [each of them|all of them] {value}, the other labels stay.",
            "[can|could] you give each the label {value}?",
        ),
        (
            "tag every one of them with {value}[|, on top of the tags they have].",
            "our filter looks for {value}, so add that label to all of these.",
            "I would like to find them under the label {value}.",
            "none of them may miss the label {value}.",
        ),
    ),
    "assignee": Clause(
        (
            "[please assign|assign] [them|all of them] to {value}.",
            "[give|hand] all of them to {value}.",
            "the assignee [is|should be] {value}, for all of them.",
            "[can|could] you assign each of them to {value}?",
        ),
        (
            "{value} takes them all, so make that the assignee.",
            "they land with {value} from now on, as the assignee.",
            "we agreed that {value} gets every one of them.",
            "each of these should have {value} as its assignee.",
        ),
    ),
}
_ONLY = Clause(
    ("[only those|nothing else], please.", "leave the rest alone.", "please do not touch the others."),
    ("whatever does not fit stays as it is.", "mind that the rest must stay untouched."),
)


def issues_said(
    rng: random.Random,
    split: Split,
    place: Said,
    conditions: Mapping[str, str | None],
    holder: Described | None,
) -> dict[str, Said]:
    """Say which issues are meant, by slot: `issues` without their project and `there` with it."""
    kind = conditions.get("issuetype")
    noun = say(rng, split, _KIND, type=kind) if kind else say(rng, split, _ANY_KIND)
    qualities = [
        say(rng, split, _QUALITIES[name], **{name: str(conditions[name])})
        for name in rng.sample(["component", "priority"], 2)
        if name in conditions
    ]
    if "assignee" in conditions:
        slots = {"person": holder.said} if holder else {}
        qualities.append(say(rng, split, _QUALITIES["person" if holder else "nobody"], **slots))
    return {
        "project": place,
        "issues": _joined(noun, *qualities),
        "there": _joined(noun, Said("in"), place, *qualities),
    }


def sentences(
    rng: random.Random,
    split: Split,
    issues: Mapping[str, Said],
    edits: Mapping[str, str | Said],
    wrong: Mapping[str, str] | None,
) -> tuple[Said, ...]:
    """Ask for the edits, perhaps with a wrong value first; each of `edits` and `wrong` is a value by field."""
    said: list[Said] = []
    for number, (field, right) in enumerate(edits.items()):
        direct = number == 0 and rng.random() < 0.45
        clause, slots = (_DIRECT[field], {"there": issues["there"]}) if direct else (EDITS[field], {})
        if number == 0 and not direct:
            said.append(say(rng, split, _POINT, **issues))
        if number == 0 and wrong:
            mistaken = value(wrong[field])
            said.append(say(rng, split, clause, value=mistaken, **slots))
            rightly = right if isinstance(right, Said) else value(right)
            said.append(say(rng, split, CORRECTION, wrong=mistaken, right=rightly))
        else:
            said.append(say(rng, split, clause, value=right, **slots))
    if rng.random() < 0.25:
        said.append(say(rng, split, _ONLY))
    return tuple(said)


def _joined(*pieces: Said) -> Said:
    """Return pieces one after the other."""
    return Said(" ".join(each.text for each in pieces), tuple(part for each in pieces for part in each.wordings))
