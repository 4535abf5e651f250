"""Asks for new pages below an existing one; a second wish adds another page, or labels or comments the new one.

Training tasks combine a page with a second one or with a label; held-out tasks mostly with a comment.
"""

import random
from dataclasses import dataclass

from envs.api.operation import Json
from envs.requests import names, page_texts
from envs.requests.confluence_office import ConfluenceOffice, confluence_office
from envs.requests.confluence_references import keyed_space_of, page_of
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, say, value
from envs.requests.messages import CORRECTION
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.5, 4: 0.55, 5: 0.65}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_OPEN = Clause(
    (
        '[|please ][create|add|write|publish] a page "{title}" in {space}.',
        '[can|could] you [create|add|write|publish] a page "{title}" in {space}?',
        '[|please ][make|set up|start] a page called "{title}" in {space}.',
        'we need a [|new ]page "{title}" in {space}.',
        '[can|could] you [add|create] a page in {space}? [Its title is|Call it|Title:] "{title}".',
        '{space} needs a page [named|called|titled] "{title}".',
        "[|please ]add a [|new ]page to {space} with this title:\n{title}\n",
        'in {space}, [please create|create|add] a page with the title "{title}".',
    ),
    (
        'would you mind [starting|opening] a page in {space}? [The heading is|Name it] "{title}".',
        '{space} [is missing|lacks] a page named "{title}", please [write it|fix that].',
        'people look for "{title}" in {space} and find nothing, so [make|publish] such a page.',
        "a new page would be good in {space}, under the heading\n{title}\n",
        'I promised to put "{title}" on a page in {space}, could you do that for me?',
        'let us have "{title}" as a page in {space}.',
    ),
)
_PLACE = Clause(
    (
        "[put|place|file] it [under|below] {parent}.",
        "it [belongs|goes|should go] [under|below] {parent}.",
        "the parent [is|should be] {parent}.",
        "make it a child of {parent}.",
    ),
    (
        "hang it [under|below] {parent}.",
        "in the tree it comes right below {parent}.",
        "readers should find it underneath {parent}.",
        "{parent} is the page above it.",
        "its place is one level down from {parent}.",
    ),
)
_TEXT = Clause(
    (
        '[the|its] [text|content|body] is "{text}"',
        '[write|put] this on it: "{text}"',
        "[the text|content|body]:\n{text}\n",
        'it [should say|says]: "{text}"',
    ),
    (
        'people should read there: "{text}"',
        "for now one sentence will do:\n{text}\n",
        'start it with "{text}"',
        "this is all that has to be on it:\n{text}\n",
    ),
)
_NEXT = Clause(
    (
        'and a second page next to it, "{title}", [with the text|saying] "{text}"',
        'in the same place, [add|create] another page "{title}" with the text "{text}"',
    ),
    (
        'it gets a sister page "{title}", which reads "{text}"',
        'beside it we want "{title}", and on that page "{text}"',
    ),
)
_LABEL = Clause(
    ("[label|also label] the new page {label}.", "[add|and add] the label {label} to the new page."),
    ("tag the new page {label}, too.", "the new page also wants {label} as a label."),
)
_COMMENT = Clause(
    ('leave a comment on the new page: "{comment}"',),
    (
        'leave a comment on the new page: "{comment}"',
        'comment on the new page with "{comment}"',
        'underneath the new page, as a comment, I would like to read "{comment}"',
        "once it is there, comment on it:\n{comment}\n",
    ),
)


@dataclass(frozen=True)
class _Place:
    """Where the new pages go."""

    space: Described
    parent: Described

    def call(self, title: str, text: str) -> PlannedCall:
        """Return the call that creates a page there."""
        arguments: dict[str, Json] = {"spaceId": self.space.references[-1].record}
        arguments |= {"parentId": self.parent.references[-1].record, "title": title, "body": _body(text)}
        return PlannedCall("createPage", arguments)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = confluence_office(rng, split)
    space = rng.choice(office.spaces)
    pages = office.pages(space)
    parent, wrong = rng.sample(pages, 2)
    place = _Place(keyed_space_of(rng, split, space), page_of(rng, split, office, parent, difficulty))
    taken = [page["title"] for page in office.world.find("pages")]
    title, another = (page_texts.title(rng, split, taken) for _ in range(2))
    text = page_texts.sentence(rng, split)
    said = [say(rng, split, _OPEN, title=title, space=place.space.said)]
    under = [say(rng, split, _PLACE, parent=place.parent.said)]
    if rng.random() < _CORRECTED[difficulty]:
        mistaken = value(wrong["title"])
        under = [say(rng, split, _PLACE, parent=mistaken)]
        under.append(say(rng, split, CORRECTION, wrong=mistaken, right=place.parent.said))
    content = [say(rng, split, _TEXT, text=text)]
    details = [*under, *content] if rng.random() < 0.5 else [*content, *under]
    reads = (*place.space.reads, *place.parent.reads)
    wishes = [Wish((*said, *details), (place.space, place.parent), (*reads, place.call(title, text)))]
    if rng.random() < _TWO_WISHES[difficulty] and title != another:
        wishes.append(_second(rng, split, office, place, another))
    return drafted(rng, split, difficulty, office.world, wishes)


def _second(rng: random.Random, split: Split, office: ConfluenceOffice, place: _Place, title: str) -> Wish:
    """Draw a second wish; the new page's id is the next one of the site."""
    new, text = office.world.copy().new_id(), page_texts.sentence(rng, split)
    if split == "heldout" and rng.random() < 0.7:
        comment = PlannedCall("createFooterComment", {"pageId": new, "body": _body(text)})
        return Wish((say(rng, split, _COMMENT, comment=text),), (), (comment,))
    if rng.random() < 0.5:
        name = names.label(rng, split)
        labels = [{"prefix": "global", "name": name}]
        label = PlannedCall("addLabelsToContent", {"id": new, "labels": labels})
        return Wish((say(rng, split, _LABEL, label=name),), (), (label,))
    return Wish((say(rng, split, _NEXT, title=title, text=text),), (), (place.call(title, text),))


def _body(text: str) -> dict[str, Json]:
    return {"representation": "storage", "value": f"<p>{text}</p>"}
