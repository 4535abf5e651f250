"""Asks for a new page with given facts, one paragraph each, and a label for it.

Training tasks put the page at the top of its space or label an existing page, too; held-out tasks mostly put it below
another page.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from envs.api.operation import Json
from envs.requests import names, page_texts
from envs.requests.confluence_office import ConfluenceOffice, confluence_office
from envs.requests.confluence_references import keyed_space_of, page_of
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, listed, say, value
from envs.requests.messages import CORRECTION
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.2, 3: 0.45, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_ORDINALS = ("first", "second", "third")
_OPEN = Clause(
    (
        '[|please ][create|write|add|set up] a page "{title}" in {space}.',
        '[can|could] you [create|write|add] a page "{title}" in {space}?',
        'we need a [|new ]page [called|titled] "{title}" in {space}.',
        "new page for {space}:\n{title}\n",
        'in {space}, [please start|start|please add|add] a page called "{title}".',
        '{space} [needs|should have] a page "{title}".',
        '[|please ]collect a few facts on a page "{title}" in {space}.',
        'I want a page "{title}" in {space} for what we know so far.',
    ),
    (
        'would you mind writing down a few facts in {space}? The page is called "{title}".',
        '{space} lacks a page "{title}", here is what belongs on it.',
        'so that nobody forgets it, put this into {space} on a page named "{title}".',
        'after the meeting I promised a page "{title}" in {space}.',
        "please turn my notes into a page of {space}, under the heading\n{title}\n",
        'these notes should not get lost. Keep them in {space}, as "{title}".',
    ),
)
_FACTS = Clause(
    (
        "one paragraph each: {quoted}",
        "it [has|gets] these paragraphs:\n{lines}\n",
        "[its|the] paragraphs are {quoted}",
        "write a paragraph for each of [these|the following]:\n{lines}\n",
        "the text [has|consists of] the paragraphs {quoted}",
        "the facts, a paragraph each:\n{lines}\n",
        "put these on it, [one paragraph each|a paragraph for each]: {quoted}",
    ),
    (
        "every line is a paragraph of its own:\n{lines}\n",
        "this is what people should know, each in its own paragraph:\n{lines}\n",
        "my notes, please make one paragraph out of each line:\n{lines}\n",
        "people should read there, paragraph by paragraph, {quoted}",
        "we know {number} things, and each deserves a paragraph:\n{lines}\n",
    ),
)
_FACT_CORRECTION = Clause(
    (
        '[sorry|oops|wait], the {ordinal} paragraph is wrong, it [has to be|should be] "{right}"',
        'the {ordinal} one has changed[| meanwhile], make it "{right}"',
        'no, the {ordinal} paragraph should say "{right}"',
    ),
    (
        'I got the {ordinal} one wrong: "{right}" is correct.',
        'hm, instead of the {ordinal} paragraph take this one: "{right}"',
        'on second thought, this replaces the {ordinal} one: "{right}"',
    ),
)
_LABEL = Clause(
    (
        "[label it|tag it|then label it|then tag it] {label}.",
        "[|please ]add the label {label}.",
        "it [needs|gets|should have] the label {label}.",
        "[label:|the label is] {label}.",
        "it should carry the label {label}.",
    ),
    (
        "we will look for it under {label}, so give it that label.",
        "do not forget to tag it {label}.",
        "with the label {label} it will be found.",
        "the label that goes with it is {label}.",
        "once it is there, label it {label}.",
    ),
)
_PARENT = Clause(
    (
        "[put|place|file] it [under|below] {parent}.",
        "it [goes|belongs] [under|below] {parent}.",
        "the parent [is|should be] {parent}.",
    ),
    (
        "[put|place|hang] it [under|below] {parent}.",
        "it should be one level down from {parent}.",
        "readers come to it from {parent}, so that is its parent.",
        "{parent} is the page above it.",
    ),
)
_OTHER = Clause(
    (
        "the same label goes [on|onto] {page}, which is in the same space.",
        "also put that label on {page} in the same space.",
        "{page} in that space gets the same label.",
    ),
    (
        "{page}, also in that space, wants the same label.",
        "and tag {page} like that, too; it is in the same space.",
    ),
)


@dataclass(frozen=True)
class _New:
    """A page to be created."""

    title: str
    facts: tuple[str, ...]
    label: str


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = confluence_office(rng, split)
    record = rng.choice(office.spaces)
    space = keyed_space_of(rng, split, record)
    new = _new(rng, split, office)
    wrong = _wrong(rng, split, new) if rng.random() < _CORRECTED[difficulty] else new
    page = page_of(rng, split, office, rng.choice(office.pages(record)), difficulty)
    two = rng.random() < _TWO_WISHES[difficulty]
    below = two and rng.random() < (0.75 if split == "heldout" else 0.25)
    details = [_facts(rng, split, new, wrong), _label(rng, split, new, wrong)]
    arguments: dict[str, Json] = {"spaceId": record["id"]}
    reads, parts = space.reads, [space]
    if below:
        details.insert(rng.randrange(3), [say(rng, split, _PARENT, parent=page.said)])
        arguments["parentId"] = page.references[-1].record
        reads, parts = (*reads, *page.reads), [space, page]
    arguments |= {"title": new.title, "body": page_texts.body(*new.facts)}
    label = _labelled(office.world.copy().new_id(), new.label)
    sentences = [say(rng, split, _OPEN, title=new.title, space=space.said)]
    sentences += [sentence for detail in details for sentence in detail]
    wishes = [Wish(tuple(sentences), tuple(parts), (*reads, PlannedCall("createPage", arguments), label))]
    if two and not below:
        wishes.append(_other(rng, split, page, new.label))
    return drafted(rng, split, difficulty, office.world, wishes)


def _new(rng: random.Random, split: Split, office: ConfluenceOffice) -> _New:
    pages = office.world.find("pages")
    title = page_texts.title(rng, split, [page["title"] for page in pages])
    facts: list[str] = []
    for _ in range(rng.choice([2, 2, 3])):
        facts.append(page_texts.sentence(rng, split, facts))
    # A label of an existing page could be the one that describes it.
    taken = [label["name"] for page in pages for label in page.get("labels", [])]
    return _New(title, tuple(facts), names.label(rng, split, taken))


def _wrong(rng: random.Random, split: Split, new: _New) -> _New:
    """Return the page with another fact or another label."""
    if rng.random() < 0.5:
        return _New(new.title, new.facts, names.label(rng, split, [new.label]))
    index = rng.randrange(len(new.facts))
    other = page_texts.sentence(rng, split, new.facts)
    return _New(new.title, (*new.facts[:index], other, *new.facts[index + 1 :]), new.label)


def _facts(rng: random.Random, split: Split, new: _New, wrong: _New) -> list[Said]:
    """State the paragraphs, perhaps with a wrong one and its correction."""
    said = [say(rng, split, _FACTS, **_written(rng, wrong.facts))]
    for ordinal, fact, first in zip(_ORDINALS, new.facts, wrong.facts, strict=False):
        if fact != first:
            said.append(say(rng, split, _FACT_CORRECTION, ordinal=Said(ordinal), right=fact))
    return said


def _written(rng: random.Random, facts: Sequence[str]) -> dict[str, str | Said]:
    """Return facts in quotes and as lines, perhaps with dashes."""
    dash = rng.choice(["", "- "])
    lines = "\n".join(f"{dash}{fact}" for fact in facts)
    return {
        "quoted": listed([f'"{fact}"' for fact in facts]),
        "lines": lines,
        "number": Said("two" if len(facts) == 2 else "three"),
    }


def _label(rng: random.Random, split: Split, new: _New, wrong: _New) -> list[Said]:
    """State the label, perhaps a wrong one first."""
    said = [say(rng, split, _LABEL, label=wrong.label)]
    if wrong.label != new.label:
        said.append(say(rng, split, CORRECTION, wrong=value(wrong.label), right=value(new.label)))
    return said


def _labelled(page: str, label: str) -> PlannedCall:
    return PlannedCall("addLabelsToContent", {"id": page, "labels": [{"prefix": "global", "name": label}]})


def _other(rng: random.Random, split: Split, page: Described, label: str) -> Wish:
    """Ask for the same label on an existing page of the space."""
    said = say(rng, split, _OTHER, page=page.said)
    return Wish((said,), (page,), (*page.reads, _labelled(page.references[-1].record, label)))
