"""Asks for facts of an issue, which is named by its key or described; the answer is a sentence.

Training tasks ask for two facts, in one sentence or in two; held-out tasks mostly for three.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.issue_questions import FACTS, claim_about, fact_names, facts_of, facts_said, with_context
from envs.requests.jira_office import jira_office
from envs.requests.jira_references import issue_of
from envs.requests.messages import CORRECTION
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

Names = Mapping[str, Said]
"""By fact, what a request calls it."""
_APART = 0.3
"""The chance that the last fact is asked for in a sentence of its own."""
_THREE = 0.6
"""The chance that a held-out task asks for three facts."""
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.65}
_ASK = Clause(
    (
        "what {be} {facts} of {issue}?",
        "[|please ][tell|send|give] me {facts} of {issue}.",
        "[can|could] you [tell me|look up|check|send me] {facts} of {issue}?",
        "I need {facts} of {issue}[.|, please.]",
        "[|please ][look up|check|find out] {facts} of {issue}[.| for me.]",
        "[|please ][have a look|look] at {issue} and [tell|give|send] me {own}.",
        "I have to report on {issue}. [What {be} {own}?|Please tell me {own}.|I need {own}.]",
        "for {issue}, [tell me|I need|I would like to have] {own}.",
        "somebody asked me about {issue}. [Please tell me {own}.|What {be} {own}?|Do you know {own}?]",
        "do you know {facts} of {issue}?",
        "[this|it] is about {issue}. [What {be} {own}?|I need {own}.|Tell me {own}, please.]",
    ),
    (
        "would you mind [reading|opening] {issue} and [telling|sending] me {own}?",
        "{facts} of {issue} would [help me a lot|be good to know|be enough for me].",
        "I lost track of {issue}: what {be} {own} [now|by now]?",
        "[our customer|my manager|the support desk|everybody] wants to know {facts} of {issue}.",
        "before the [meeting|call|demo] I have to know {facts} of {issue}.",
        "[open|read] {issue} for me and [read out|report] {own}.",
        "{issue} came up in the call, and nobody knew {own}. [Do you?|Please check.|What {be} {own}?]",
        "as for {issue}, [all I need is {own}|it is {own} that I need].",
        "[where do we stand|how do things look] with {issue}? I mean {own}.",
        "my notes on {issue} are gone. [What {be} {own}?|Tell me {own} again.]",
    ),
)
_ALSO = Clause(
    (
        "[also|and] {own}, please.",
        "[I also need|I need] {own} as well.",
        "and [tell me|send me|check] {own}, too.",
        "what {be} {own}, by the way?",
    ),
    (
        "[while you are there|while you are at it], {own} would be nice to have, too.",
        "add {own}, if you do not mind.",
        "{own} [belongs|goes] into the [answer|reply] as well.",
        "and do not leave out {own}.",
    ),
)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw a question whose answer can be found within an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    issue, another = rng.sample(office.issues(), 2)
    described = issue_of(rng, split, office, issue, difficulty)
    stated = stated_facts(described)
    askable = [fact for fact in FACTS if fact not in stated]
    count = min(3 if split == "heldout" and rng.random() < _THREE else 2, len(askable))
    asked = rng.sample(askable, count)
    others = [fact for fact in askable if fact not in asked]
    names, key = fact_names(rng, split), described.references[-1].conditions.get("key")
    sentences = _question(rng, split, names, described.said, asked)
    if rng.random() < _CORRECTED[difficulty]:
        if key and (not others or rng.random() < 0.5):
            taken_back = say(rng, split, CORRECTION, wrong=another["key"], right=str(key))
            sentences = [*_question(rng, split, names, value(another["key"]), asked), taken_back]
        elif others:
            sentences = _corrected(rng, split, names, described, asked, others)
    read = PlannedCall("getIssue", {"issueIdOrKey": issue["key"]})
    wish = Wish(with_context(rng, split, sentences), (described,), (*described.reads, read))
    facts = facts_of(office.world, issue)
    answer = ", its ".join(f'{fact} "{facts[fact]}"' for fact in asked).replace(' "', ' is "', 1)
    draft = drafted(rng, split, difficulty, office.world, [wish])
    return replace(draft, answer=f"Its {answer}.", claim=claim_about(issue, asked, stated))


def stated_facts(described: Described) -> frozenset[str]:
    """Return the facts of an issue that its description states."""
    return frozenset(FACTS) & described.references[-1].conditions.keys()


def _question(rng: random.Random, split: Split, names: Names, issue: Said, asked: Sequence[str]) -> list[Said]:
    """Ask for facts, the last one perhaps in a sentence of its own."""
    if rng.random() < _APART:
        first = _asking(rng, split, _ASK, names, asked[:-1], issue)
        return [first, _asking(rng, split, _ALSO, names, asked[-1:], issue)]
    return [_asking(rng, split, _ASK, names, asked, issue)]


def _corrected(
    rng: random.Random, split: Split, names: Names, described: Described, asked: Sequence[str], others: Sequence[str]
) -> list[Said]:
    """Ask for one of the `others` instead of the last fact, and take that back."""
    wrong = rng.choice(others)
    sentence = _asking(rng, split, _ASK, names, [*asked[:-1], wrong], described.said)
    slots = {"wrong": facts_said(names, [wrong], "the"), "right": facts_said(names, asked[-1:], "the")}
    return [sentence, say(rng, split, CORRECTION, **slots)]


def _asking(rng: random.Random, split: Split, clause: Clause, names: Names, facts: Sequence[str], issue: Said) -> Said:
    slots = {"facts": facts_said(names, facts, "the"), "own": facts_said(names, facts, "its")}
    return say(rng, split, clause, issue=issue, be=Said("are" if len(facts) > 1 else "is"), **slots)
