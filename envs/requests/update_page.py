"""Asks for a new text of a page, of which the site has refused a version; the current one has to be read.

Training tasks combine the text with a label; held-out tasks mostly with another title in the same update.
"""

import random
from dataclasses import replace

from envs.requests import page_texts
from envs.requests.confluence_office import ConfluenceOffice, confluence_office
from envs.requests.drafts import Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.messages import CORRECTION
from envs.requests.page_rewrites import rewritten, text_of_it, text_wanted
from envs.requests.placed_pages import Placed, found_by_one_read, label_wish, new_name, placed
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.4, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_TITLED = 0.4
"""The chance that a title alone says which page is meant."""
_CONFLICT = Clause(
    (
        "I [tried|wanted] to save it as version {stale} and got a conflict.",
        "my [update|own try] with version {stale} was refused.",
        "version {stale} is taken[ already|], [somebody was faster|I was too slow].",
        "I sent version {stale} and ran into a conflict.",
        "somebody edited it while I was writing version {stale}.",
        "version {stale} did not go through.",
        "[the site says|it says] that version {stale} exists already.",
    ),
    (
        "with version {stale} I was too late.",
        "the site did not want my version {stale}.",
        "when I saved it as version {stale}, all I got was an error.",
        "our script failed with version {stale}, so that number is used up.",
        "I only know that version {stale} is not the right number.",
        "no idea which version it has by now; {stale} was refused.",
    ),
)
_CONFLICT_ON = Clause(
    (
        "I [tried|wanted] to save {page} as version {stale} and got a conflict.",
        "my [update|own edit] of {page} was refused: version {stale} exists.",
        "somebody edited {page} while I was writing version {stale}.",
        "there is a conflict on {page}, I sent version {stale}.",
        "version {stale} of {page} did not go through.",
        "saving {page} as version {stale} [did not work|failed].",
    ),
    (
        "with version {stale} I was too late on {page}.",
        "the site did not want my version {stale} of {page}.",
        "our script could not write version {stale} of {page}.",
        "{page} has changed under my hands, version {stale} is not the next one any more.",
        "I gave up on {page}, it does not take my version {stale}.",
    ),
)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = confluence_office(rng, split)
    place = _page(rng, split, office, difficulty)
    pages = office.world.table("pages")
    version = rng.randint(4, 12)
    stale = rng.randint(2, version - 1)
    pages[place.id] = {**pages[place.id], "version": version}
    title, text = pages[place.id]["title"], page_texts.sentence(rng, split)
    said = _said(rng, split, office, place, text, str(stale), rng.random() < _CORRECTED[difficulty])
    more: list[Wish] = []
    if rng.random() < _TWO_WISHES[difficulty]:
        if split == "heldout" and rng.random() < 0.7:
            title, renaming = new_name(rng, split, office, "the page")
            said.append(renaming)
        else:
            taken = tuple(label["name"] for label in pages[place.id]["labels"])
            more = [label_wish(rng, split, place.id, "the page", taken)]
    read = PlannedCall("getPageById", {"id": place.id})
    write = rewritten(place.id, title, text, version + 1)
    wish = Wish(tuple(said), place.parts, (*place.reads, read, write))
    return replace(drafted(rng, split, difficulty, office.world, [wish, *more]), goal={"stale": stale})


def _page(rng: random.Random, split: Split, office: ConfluenceOffice, difficulty: int) -> Placed:
    """Draw a page and speak of it, by a title that is unique or with its space."""
    if rng.random() < _TITLED:
        return found_by_one_read(rng, split, office, difficulty, titled=0.5)
    return placed(rng, split, office, rng.choice(office.pages(rng.choice(office.spaces))), difficulty)


def _said(
    rng: random.Random, split: Split, office: ConfluenceOffice, place: Placed, text: str, stale: str, corrected: bool
) -> list[Said]:
    """Say what happened and what the page should say, in either order, perhaps of a wrong page first."""
    page = mistaken = place.said
    correction: list[Said] = []
    if corrected:
        title = office.world.table("pages")[place.id]["title"]
        others = [each["title"] for space in office.spaces for each in office.pages(space)]
        mistaken = value(rng.choice([each for each in others if each != title]))
        correction = [say(rng, split, CORRECTION, wrong=mistaken, right=page)]
    if rng.random() < 0.5:
        first, last = text_wanted(rng, split, mistaken, text), say(rng, split, _CONFLICT, stale=stale)
    else:
        first, last = say(rng, split, _CONFLICT_ON, page=mistaken, stale=stale), text_of_it(rng, split, text)
    return [first, *correction, last]
