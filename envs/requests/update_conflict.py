"""Asks for a new text of a page that, in three tasks of four, another user saves or renames at the same moment.

One read finds the page, so that there are turns left to read it again. Training tasks combine the text with a label,
where nobody interferes; held-out tasks often with another title in the same update.
"""

import random
from dataclasses import replace

from envs.api.faults import Faults, Rival
from envs.requests import page_texts
from envs.requests.confluence_office import ConfluenceOffice, confluence_office
from envs.requests.drafts import Wish, drafted
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.messages import CORRECTION
from envs.requests.page_rewrites import rewritten, text_of_it, text_wanted
from envs.requests.placed_pages import Placed, found_by_one_read, label_wish, new_name
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.4, 4: 0.5, 5: 0.6}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_LEAD = Clause(
    (
        "[|please ]have a look at {page}.",
        "[could|can] you help me with {page}?",
        "this is about {page}.",
        "I found a mistake on {page}.",
        "{page} needs some work.",
        "it is time to correct {page}.",
        "something on {page} [is wrong|is no longer true].",
        "nobody has looked after {page} for a while.",
    ),
    (
        "a reader complained about {page}.",
        "I cannot leave {page} as it is.",
        "we have to set {page} right before the meeting.",
        "would you take care of {page}?",
        "it says the wrong thing on {page}.",
    ),
)
_AROUND = Clause(
    (
        "[leave the rest as it is|touch nothing else].",
        "only the text changes.",
        "several people edit it[|, so be careful].",
        "[others|my colleagues] work on it, too.",
        "if it does not work [at once|the first time], please try again.",
        "it is edited quite often.",
        "nothing else has to change.",
    ),
    (
        "it is a busy page.",
        "half of the team writes there today.",
        "should somebody else save it meanwhile, save ours on top.",
        "keep at it until it is saved.",
        "mind that I am not the only one who writes there.",
    ),
)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw a page that one read finds, its new text, and a rival or none."""
    office = confluence_office(rng, split)
    place = found_by_one_read(rng, split, office, difficulty, titled=0.35)
    pages = office.world.table("pages")
    version, text = rng.randint(2, 12), page_texts.sentence(rng, split)
    pages[place.id] = {**pages[place.id], "version": version}
    said = _said(rng, split, office, place, text, rng.random() < _CORRECTED[difficulty])
    kind = rng.choice(("none", "saved", "saved twice", "renamed"))
    title, more = "", list[Wish]()
    if rng.random() < _TWO_WISHES[difficulty]:
        if split == "heldout" and kind != "renamed":
            title, renaming = new_name(rng, split, office, "the page")
            said.append(renaming)
        elif kind == "none":
            taken = tuple(label["name"] for label in pages[place.id]["labels"])
            more = [label_wish(rng, split, place.id, "the page", taken)]
    if not title and not more and rng.random() < 0.5:
        said.append(say(rng, split, _AROUND))
    theirs = _theirs(rng, split, office, place, kind)
    plan = _plan(place, pages[place.id]["title"], title, text, version, theirs)
    draft = drafted(rng, split, difficulty, office.world, [Wish(tuple(said), place.parts, plan), *more])
    if theirs:
        calls = tuple((call.name, call.arguments) for call in theirs)
        # The second read repeats the first, which a draft of wishes would drop.
        draft = replace(draft, oracle=plan, faults=Faults(rival=Rival("updatePage", calls)))
    return draft


def _said(
    rng: random.Random, split: Split, office: ConfluenceOffice, place: Placed, text: str, corrected: bool
) -> list[Said]:
    """Ask for the text, perhaps after a sentence about the page, perhaps of a wrong page first."""
    mistaken, correction = place.said, list[Said]()
    if corrected:
        title = office.world.table("pages")[place.id]["title"]
        others = [each["title"] for space in office.spaces for each in office.pages(space)]
        mistaken = value(rng.choice([each for each in others if each != title]))
        correction = [say(rng, split, CORRECTION, wrong=mistaken, right=place.said)]
    if rng.random() < 0.45:
        return [say(rng, split, _LEAD, page=mistaken), *correction, text_of_it(rng, split, text)]
    return [text_wanted(rng, split, mistaken, text), *correction]


def _theirs(
    rng: random.Random, split: Split, office: ConfluenceOffice, place: Placed, kind: str
) -> tuple[PlannedCall, ...]:
    """Draw the updates of a rival."""
    page = office.world.table("pages")[place.id]
    titles = [each["title"] for each in office.world.find("pages")]
    version, title = page["version"], page["title"]
    if kind == "renamed":
        update = rewritten(place.id, page_texts.title(rng, split, titles), "", version + 1)
        return (PlannedCall(update.name, {**update.arguments, "body": page["body"]}),)
    count = {"none": 0, "saved": 1, "saved twice": 2}[kind]
    return tuple(
        rewritten(place.id, title, page_texts.sentence(rng, split), version + 1 + index) for index in range(count)
    )


def _plan(
    place: Placed, old: str, new: str, text: str, version: int, theirs: tuple[PlannedCall, ...]
) -> tuple[PlannedCall, ...]:
    """Return the oracle's calls: the title is `new` if that is wanted, and otherwise the page's at the time."""
    read = PlannedCall("getPageById", {"id": place.id})
    first = rewritten(place.id, new or old, text, version + 1, bool(theirs))
    if not theirs:
        return (*place.reads, read, first)
    current = new or theirs[-1].arguments["title"]
    return (*place.reads, read, first, read, rewritten(place.id, current, text, version + len(theirs) + 1))
