"""Speaks of existing pages together with their spaces, and of small wishes about a page: a label or a name."""

import random
from dataclasses import dataclass

from envs.api.world import Record
from envs.requests import names, page_texts
from envs.requests.confluence_office import ConfluenceOffice
from envs.requests.confluence_references import keyed_space_of, page_of
from envs.requests.drafts import Described, Wish
from envs.requests.grammar import Clause, Said, say
from envs.requests.jira_references import DIRECT
from envs.task import PlannedCall, Reference
from envs.words import Split

SEARCH = "searchByCQL"
_TRIES = 30
_PLACE = Clause(("{page} in {space}",), ("{page} over in {space}", "{page} in {space}"))
_TITLED = Clause(
    ('"{title}"', 'the page "{title}"', "the page {title}", "our page {title}"),
    ('the page called "{title}"', 'our page "{title}"', "the {title} page"),
)
_LABEL = Clause(
    (
        "[also label|label] {page} {label}[.|, please.]",
        "[and add|add|also add] the label {label} to {page}.",
        "{page} [also needs|should also get] the label {label}.",
    ),
    (
        "the label {label} is still missing on {page}.",
        "while you are there, tag {page} {label}.",
        "so that the filter shows {page}, tag it {label}.",
    ),
)
_RENAME = Clause(
    ('[also rename|rename|then rename] {page} to "{title}".',),
    (
        '[also rename|rename|then rename] {page} to "{title}".',
        'the title of {page} changes, too: "{title}".',
        '{page} is to be called "{title}" from now on.',
        "{page} needs a better title as well:\n{title}\n",
        'as the title of {page}, "{title}" [is better|fits better].',
    ),
)


@dataclass(frozen=True)
class Placed:
    """A page as a request speaks of it, with its space unless the title alone says which page is meant."""

    page: Described
    space: Described | None
    said: Said
    """Both in one phrase."""

    @property
    def id(self) -> str:
        """The page's id."""
        return self.page.references[-1].record

    @property
    def parts(self) -> tuple[Described, ...]:
        """The records that the phrase speaks of."""
        return (self.space, self.page) if self.space else (self.page,)

    @property
    def reads(self) -> tuple[PlannedCall, ...]:
        """The calls that find the page; a search by CQL takes the space's key."""
        return (*self.space.reads, *self.page.reads) if self.space and not searched(self.page) else self.page.reads


def searched(page: Described) -> bool:
    """Return whether a page is found by CQL, which needs no id of its space."""
    return page.reads[0].name == SEARCH


def placed(rng: random.Random, split: Split, office: ConfluenceOffice, page: Record, difficulty: int) -> Placed:
    """Speak of a page in its space, by title or by description."""
    described = page_of(rng, split, office, page, difficulty)
    space = keyed_space_of(rng, split, office.world.table("spaces")[page["spaceId"]])
    return Placed(described, space, say(rng, split, _PLACE, page=described.said, space=space.said))


def by_title(rng: random.Random, split: Split, page: Record) -> Placed:
    """Speak of a page by a title that no other page of the site has."""
    title = page["title"]
    said = say(rng, split, _TITLED, title=title)
    reference = Reference(title, "pages", page["id"], {"title": title})
    described = Described(said, (reference,), (PlannedCall("getPages", {"title": title}),))
    return Placed(described, None, said)


def found_by_one_read(
    rng: random.Random, split: Split, office: ConfluenceOffice, difficulty: int, titled: float
) -> Placed:
    """Draw a page that one read finds, and speak of it by title, with probability `titled`, or by description."""
    pages = [page for space in office.spaces for page in office.pages(space)]
    if rng.random() >= max(titled, DIRECT[difficulty]):
        for _ in range(_TRIES):
            drawn = placed(rng, split, office, rng.choice(pages), 5)
            if searched(drawn.page):
                return drawn
    titles = [page["title"] for page in office.world.find("pages")]
    alone = [page for page in pages if titles.count(page["title"]) == 1]
    page = rng.choice(alone or pages)
    if not alone:
        page = {**page, "title": page_texts.title(rng, split, titles)}
        office.world.table("pages")[page["id"]] = page
    return by_title(rng, split, page)


def label_wish(rng: random.Random, split: Split, page: str, noun: str, taken: tuple[str, ...] = ()) -> Wish:
    """Ask for a label of a page, of which the message has spoken before as `noun`."""
    name = names.label(rng, split, taken)
    call = PlannedCall("addLabelsToContent", {"id": page, "labels": [{"prefix": "global", "name": name}]})
    return Wish((say(rng, split, _LABEL, page=Said(noun), label=name),), (), (call,))


def rename_wish(rng: random.Random, split: Split, office: ConfluenceOffice, page: str, noun: str) -> Wish:
    """Ask for another title of a page, of which the message has spoken before as `noun`."""
    title, said = new_name(rng, split, office, noun)
    call = PlannedCall("updatePageTitle", {"id": page, "status": "current", "title": title})
    return Wish((said,), (), (call,))


def new_name(rng: random.Random, split: Split, office: ConfluenceOffice, noun: str) -> tuple[str, Said]:
    """Draw a title that no page has, and ask for it as the name of a page that the message calls `noun`."""
    title = page_texts.title(rng, split, [page["title"] for page in office.world.find("pages")])
    return title, say(rng, split, _RENAME, page=Said(noun), title=title)
