"""Asks for a page to be moved under another one of its space.

Training tasks combine the move with a label or a second move; held-out tasks mostly with another title. Only held-out
tasks speak of a page as the one below another, which takes a look at the page tree.
"""

import random

from envs.api.world import Record
from envs.confluence.tree import below
from envs.requests.confluence_office import ConfluenceOffice, confluence_office
from envs.requests.confluence_references import keyed_space_of, page_of
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, description, say, value, without_marks
from envs.requests.messages import CORRECTION
from envs.requests.placed_pages import label_wish, rename_wish, searched
from envs.requests.references import determined
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.4, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_BELOW = 0.3
"""The chance that a held-out task speaks of the page as the one below another."""
_MOVE = Clause(
    (
        "in {space}, [please move|move|put] {page} [under|below] {target}.",
        "[|please ][move|put|take] {page} [under|below] {target}. [Both are|You find both] in {space}.",
        "in {space}, {page} [belongs|goes|should be] [under|below] {target}.",
        "{target} should be the parent of {page}. Both are in {space}.",
        "[|please ]make {page} a child of {target}; [both are|you find both|they are] in {space}.",
        "[can|could] you move {page} [under|below] {target}? Both are in {space}.",
        "{page} is in the wrong place, it [goes|belongs] [under|below] {target}. [This is|All of this is] in {space}.",
        "[can|could] you change the parent of {page} in {space}? It should be {target}.",
        "I am tidying up {space}. [Please move|Move] {page} [under|below] {target}.",
        "the parent of {page} in {space} [is|should be] {target} from now on[.|, please move it.]",
    ),
    (
        "would you mind hanging {page} [under|below] {target}? [Both are|It is all] in {space}.",
        "let us tidy up {space}: {page} goes [under|below] {target}.",
        "readers of {space} should find {page} underneath {target}.",
        "nobody finds {page} where it is now. In {space}, it fits best [under|below] {target}.",
        "in {space}, the right spot for {page} is one level down from {target}.",
        "we reordered {space} on paper, and {page} ended up [under|below] {target}. Do the same on the site.",
        "in {space}, {target} should have {page} as one of its child pages.",
        "somebody put {page} in the wrong corner of {space}; {target} has to be the page above it.",
    ),
)
_ALSO = Clause(
    ("[also|and] move {page} there.", "{page} [goes|should go] there, too.", "the same holds for {page}."),
    ("{page} needs the same treatment.", "take {page} along.", "{page} is the next one that goes there."),
)
_ONLY_CHILD = Clause(
    (
        "the only page [below|under] {parent}",
        "the one page that is [below|under] {parent}",
        "the single child page of {parent}",
    )
)
"""Wordings that training tasks do not use."""


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = confluence_office(rng, split)
    space = rng.choice(office.spaces)
    page, target, another = _pages(rng, office, space)
    described = None
    if split == "heldout" and rng.random() < _BELOW:
        page, described = _only_child(rng, split, office, space, target, difficulty) or (page, None)
    described = described or page_of(rng, split, office, page, difficulty)
    under = page_of(rng, split, office, target, difficulty)
    keyed = keyed_space_of(rng, split, space)
    reads = (*described.reads, *under.reads)
    if not (searched(described) and searched(under)):
        reads = (*keyed.reads, *reads)
    corrected = rng.random() < _CORRECTED[difficulty]
    said = _said(rng, split, office, (keyed, described, under), corrected)
    wishes = [Wish(said, (keyed, described, under), (*reads, _move(page, target)))]
    if rng.random() < _TWO_WISHES[difficulty]:
        if split == "heldout" and rng.random() < 0.7:
            wishes.append(rename_wish(rng, split, office, page["id"], "the moved page"))
        elif another["id"] != page["id"] and rng.random() < 0.5:
            wishes.append(_also(rng, split, office, keyed, another, target, difficulty))
        else:
            taken = tuple(label["name"] for label in page["labels"])
            wishes.append(label_wish(rng, split, page["id"], "the moved page", taken))
    return drafted(rng, split, difficulty, office.world, wishes)


def _pages(rng: random.Random, office: ConfluenceOffice, space: Record) -> tuple[Record, Record, Record]:
    """Draw a page, its new parent, and another page that can go there."""
    pages = office.pages(space)
    while True:
        target = rng.choice(pages)
        movable = [page for page in pages if _can_move(office, page, target)]
        if len(movable) > 1:
            page, another = rng.sample(movable, 2)
            return page, target, another


def _can_move(office: ConfluenceOffice, page: Record, target: Record) -> bool:
    """Return whether moving a page under another is possible and changes the site."""
    inner = {page["id"], *(each["id"] for each, _ in below(office.world, page["id"]))}
    return page["parentId"] != target["id"] and target["id"] not in inner


def _only_child(
    rng: random.Random, split: Split, office: ConfluenceOffice, space: Record, target: Record, difficulty: int
) -> tuple[Record, Described] | None:
    """Draw a page that alone is below another one and can be moved, and speak of it as that; None if there is none."""
    pages = office.pages(space)
    parents = [page["parentId"] for page in pages]
    movable = [
        page
        for page in pages
        if parents.count(page["parentId"]) == 1
        and page["parentId"] != space["homepageId"]
        and _can_move(office, page, target)
    ]
    if not movable:
        return None
    page = rng.choice(movable)
    parent = page_of(rng, split, office, office.world.table("pages")[page["parentId"]], difficulty)
    said = description(say(rng, split, _ONLY_CHILD, parent=parent.said))
    title = office.world.table("pages")[page["parentId"]]["title"]
    reference = Reference(without_marks(said.text), "pages", page["id"], {"space": space["key"], "parent": title})
    if not determined(office.world, [reference]):
        return None
    read = PlannedCall("getChildPages", {"id": page["parentId"]})
    return page, Described(said, (*parent.references, reference), (*parent.reads, read), parent.dated)


def _move(page: Record, target: Record) -> PlannedCall:
    return PlannedCall("movePage", {"pageId": page["id"], "position": "append", "targetId": target["id"]})


def _said(
    rng: random.Random,
    split: Split,
    office: ConfluenceOffice,
    parts: tuple[Described, Described, Described],
    corrected: bool,
) -> tuple[Said, ...]:
    """Ask for the move of a page under another in a space, perhaps under a wrong one first."""
    space, page, target = parts
    if not corrected:
        return (say(rng, split, _MOVE, space=space.said, page=page.said, target=target.said),)
    meant = {page.references[-1].record, target.references[-1].record}
    here = office.pages(office.world.table("spaces")[space.references[-1].record])
    mistaken = value(rng.choice([each for each in here if each["id"] not in meant])["title"])
    first = say(rng, split, _MOVE, space=space.said, page=page.said, target=mistaken)
    return first, say(rng, split, CORRECTION, wrong=mistaken, right=target.said)


def _also(
    rng: random.Random,
    split: Split,
    office: ConfluenceOffice,
    space: Described,
    page: Record,
    target: Record,
    difficulty: int,
) -> Wish:
    """Ask for another page to be moved to the same place."""
    described = page_of(rng, split, office, page, difficulty)
    reads = described.reads if searched(described) else (*space.reads, *described.reads)
    return Wish((say(rng, split, _ALSO, page=described.said),), (described,), (*reads, _move(page, target)))
