"""Asks for labels on a page whose title another space has, too; also for another page, or in place of an old label.

Training tasks combine the labels with a second page; held-out tasks mostly with a new title, or take the label from
another page.
"""

import random
from collections.abc import Sequence

from envs.api.world import Record
from envs.requests import names
from envs.requests.confluence_office import ConfluenceOffice, confluence_office
from envs.requests.confluence_references import page_of
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, listed, say, value
from envs.requests.messages import CORRECTION
from envs.requests.placed_pages import Placed, placed, rename_wish
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_ADD = "addLabelsToContent"
_TWO_WISHES = {2: 0.15, 3: 0.4, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_COPIED = 0.25
"""The chance that a held-out task takes the label from another page."""
_LABEL = Clause(
    (
        "[|please ][label|tag] {place} with {labels}.",
        "[|please ]add the {label_word} {labels} to {place}.",
        "[can|could] you [put|set] the {label_word} {labels} on {place}[?| for me?]",
        "[can|could] you [label|tag] {place} with {labels}?",
        "{place} [needs|should get|still lacks] the {label_word} {labels}.",
        "{place} has to be [labelled|tagged] {labels}[.|, please do that.]",
        "we want to find {place} by the {label_word} {labels}, [please add {them}|so add {them}].",
        "in {space}, [please label|label|please tag|tag] {page} with {labels}.",
        "in {space}, {page} [needs|is missing|should carry] the {label_word} {labels}.",
        "[|please ]put this on {place} as {label_noun}: {labels}.",
        "{label_word} for {place}: {labels}.",
        "I am sorting the pages of {space}. {page} gets the {label_word} {labels}.",
        "[could|can] you see to it that {place} has the {label_word} {labels}?",
        "the {label_word} that I miss on {place} {are} {labels}.",
        "[|please ]make sure that {place} carries the {label_word} {labels}.",
    ),
    (
        "would you mind [labelling|tagging] {place} with {labels}?",
        "nobody finds {place}; [tag it|label it] with {labels}, then they will.",
        "as {label_noun}, {labels} should be on {place}.",
        "when I filter by {labels}, I want to see {place}.",
        "the overview of {space} goes by label, so {page} should carry {labels}.",
        "I forgot to tag {place}, it [takes|gets] {labels}.",
        "attach the {label_word} {labels} to {place} for me.",
        "{place} belongs with the things labelled {labels}, so tag it like that.",
    ),
)
_REPLACE = Clause(
    (
        "on {place}, [replace|please replace|swap] the label {old} [with|for] {labels}.",
        "[|please ]take the label {old} off {place} and put {labels} there instead.",
        "{place} should be labelled {labels} instead of {old}.",
        "[can|could] you change the label {old} of {place} to {labels}?",
    ),
    (
        "the label {old} is no longer right for {place}; it [needs|gets] {labels} in its place.",
        "in {space}, {page} wears the label {old}, which has to go. Give it {labels} instead.",
        "let {labels} take the place of the label {old} on {place}.",
    ),
)
_ALSO = Clause(
    (
        "[and|also] label {page} with {labels}.",
        "{page} [there|in the same space] gets {labels} as {label_noun}.",
        "the same space has {page}, which should have {labels} as {label_noun}.",
    ),
    (
        "a second page there, {page}, wants the {label_word} {labels}.",
        "for {page}, also in that space, take {labels}.",
    ),
)
_COPY = Clause(
    (
        "[|please ]give {place} the same label as {other}, which is in the same space.",
        "the label of {other} should be on {place}, too. Both are in the same space.",
    ),
    (
        "{place} [should have|has to carry] the same label as {other}.",
        "[|please ]look up the label of {other} in {space} and put it on {page} as well.",
        "{place} and {other} belong together, so give the first one the label of the second.",
        "in {space}, {other} has the label that I want on {page}, too.",
    ),
)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = confluence_office(rng, split)
    page = _page(rng, office)
    place = placed(rng, split, office, page, difficulty)
    if split == "heldout" and rng.random() < _COPIED:
        if copied := _copied(rng, split, office, page, place, difficulty):
            return drafted(rng, split, difficulty, office.world, [copied])
    taken = [
        label["name"]
        for each in office.world.find("pages", spaceId=page["spaceId"])
        for label in each.get("labels", [])
    ]
    replaces = page["labels"] and "label" not in place.page.references[-1].conditions and rng.random() < 0.4
    if replaces:
        wish = _replacing(rng, split, place, page["labels"][0]["name"], taken)
    else:
        wish = _adding(rng, split, place, taken, difficulty)
    if rng.random() < _TWO_WISHES[difficulty]:
        if split == "heldout" and rng.random() < 0.7:
            rename = rename_wish(rng, split, office, page["id"], "the page")
            *reads, add = wish.calls
            wish = Wish((*wish.sentences, *rename.sentences), wish.parts, (*reads, *rename.calls, add))
        else:
            wishes = [wish, _also(rng, split, office, page, taken, difficulty)]
            return drafted(rng, split, difficulty, office.world, wishes)
    return drafted(rng, split, difficulty, office.world, [wish])


def _page(rng: random.Random, office: ConfluenceOffice) -> Record:
    """Draw a page whose title a page of another space has, too: there are more pages than titles."""
    pages = [page for space in office.spaces for page in office.pages(space)]
    titles = [page["title"] for page in pages]
    return rng.choice([page for page in pages if titles.count(page["title"]) > 1])


def _add(page: str, labels: Sequence[str]) -> PlannedCall:
    return PlannedCall(_ADD, {"id": page, "labels": [{"prefix": "global", "name": name} for name in labels]})


def _slots(labels: Sequence[str]) -> dict[str, str | Said]:
    many = "s" * (len(labels) > 1)
    words = {"label_word": f"label{many}", "label_noun": f"label{many}" if many else "a label"}
    words |= {"them": "them", "are": "are"} if many else {"them": "it", "are": "is"}
    return {"labels": listed(labels), **{slot: Said(word) for slot, word in words.items()}}


def _where(place: Placed) -> dict[str, str | Said]:
    assert place.space
    return {"place": place.said, "page": place.page.said, "space": place.space.said}


def _drawn(rng: random.Random, split: Split, taken: Sequence[str]) -> list[str]:
    """Draw one to three labels that are not taken: a label of the same space could describe another of its pages."""
    chosen: list[str] = []
    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        chosen.append(names.label(rng, split, [*taken, *chosen]))
    return chosen


def _adding(rng: random.Random, split: Split, place: Placed, taken: Sequence[str], difficulty: int) -> Wish:
    """Ask for labels, perhaps with a wrong one first."""
    labels = _drawn(rng, split, taken)
    said = [say(rng, split, _LABEL, **_where(place), **_slots(labels))]
    if rng.random() < _CORRECTED[difficulty]:
        wrong, index = names.label(rng, split, [*taken, *labels]), rng.randrange(len(labels))
        mistaken = [*labels[:index], wrong, *labels[index + 1 :]]
        first = say(rng, split, _LABEL, **_where(place), **_slots(mistaken))
        said = [first, say(rng, split, CORRECTION, wrong=value(wrong), right=value(labels[index]))]
    return Wish(tuple(said), place.parts, (*place.reads, _add(place.id, labels)))


def _replacing(rng: random.Random, split: Split, place: Placed, old: str, taken: Sequence[str]) -> Wish:
    """Ask for another label instead of the one that the page has."""
    new = names.label(rng, split, taken)
    said = say(rng, split, _REPLACE, **_where(place), old=old, labels=value(new))
    removal = PlannedCall("removeLabelFromContent", {"id": place.id, "label": old})
    return Wish((said,), place.parts, (*place.reads, removal, _add(place.id, [new])))


def _also(
    rng: random.Random, split: Split, office: ConfluenceOffice, page: Record, taken: Sequence[str], difficulty: int
) -> Wish:
    """Ask for labels of another page in the same space."""
    space = office.world.table("spaces")[page["spaceId"]]
    other = rng.choice([each for each in office.pages(space) if each["id"] != page["id"]])
    described = page_of(rng, split, office, other, difficulty)
    labels = _drawn(rng, split, taken)[:2]
    said = say(rng, split, _ALSO, page=described.said, **_slots(labels))
    return Wish((said,), (described,), (*_found(space, described), _add(other["id"], labels)))


def _copied(
    rng: random.Random, split: Split, office: ConfluenceOffice, page: Record, place: Placed, difficulty: int
) -> Wish | None:
    """Ask for the label of another page in the same space; None if no page has a label of its own."""
    space = office.world.table("spaces")[page["spaceId"]]
    others = [each for each in office.pages(space) if each["labels"] and each["labels"] != page["labels"]]
    if not others:
        return None
    other = rng.choice([each for each in others if each["id"] != page["id"]])
    while "label" in (described := page_of(rng, split, office, other, difficulty)).references[-1].conditions:
        pass
    said = say(rng, split, _COPY, **_where(place), other=described.said)
    read = PlannedCall("getPageLabels", {"id": other["id"]})
    add = _add(page["id"], [other["labels"][0]["name"]])
    reads = (*place.reads, *_found(space, described), read)
    return Wish((said,), (*place.parts, described), (*reads, add))


def _found(space: Record, page: Described) -> tuple[PlannedCall, ...]:
    """Return the reads that find a page of a space whose key is known."""
    by_id = page.reads[0].name == "getPages"
    return (PlannedCall("getSpaces", {"keys": [space["key"]]}), *page.reads) if by_id else page.reads
