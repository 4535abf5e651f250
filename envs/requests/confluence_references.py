"""Speaks of the spaces and pages of a Confluence site, by name or by description, with the reads that find them."""

import random
from collections.abc import Mapping

from envs.api.operation import Json
from envs.api.world import Record
from envs.requests.confluence_office import ConfluenceOffice
from envs.requests.dates import when
from envs.requests.drafts import Described
from envs.requests.grammar import Clause, Said, description, say, without_marks
from envs.requests.jira_references import DIRECT
from envs.requests.references import day_of, determined
from envs.task import PlannedCall, Reference
from envs.words import Split

_TRIES = 30
_KEYED_SPACE = Clause(
    ("{key}", "the {name} space ({key})", "{name} ({key})", "the space {key}"),
    ("our {name} space ({key})", "the {key} space", "our space {key}"),
)
_TITLED = Clause(
    ('"{title}"', 'the page "{title}"', "{title}", "the page {title}"),
    ('the page called "{title}"', "our page {title}", "the {title} page"),
)
_PAGE: Mapping[tuple[str, ...], Clause] = {
    ("created",): Clause(
        ("the page [created|written|added] {created}", "the page that was [created|added] {created}"),
        ("the page we started {created}", "the page that came into being {created}", "what we published {created}"),
    ),
    ("label",): Clause(
        ("the page labelled {label}", "the page with the label {label}"),
        ("the page tagged {label}", "the page that carries the label {label}"),
    ),
    ("label", "created"): Clause(
        ("the page labelled {label} that was [created|added] {created}",),
        ("the page from the {label} set that we added {created}", "the page tagged {label} and written {created}"),
    ),
}
"""By the conditions that they state besides the space, phrases that mean a page."""


def keyed_space_of(rng: random.Random, split: Split, space: Record) -> Described:
    """Name a space by its key, mostly beside its name: the compact view of spaces shows keys alone."""
    key = space["key"]
    said = say(rng, split, _KEYED_SPACE, key=key, name=space["name"])
    read = PlannedCall("getSpaces", {"keys": [key]})
    return Described(said, (Reference(key, "spaces", space["id"], {"key": key}),), (read,))


def page_of(rng: random.Random, split: Split, office: ConfluenceOffice, page: Record, difficulty: int) -> Described:
    """Name a page of a known space by its title, or describe it by its label or day."""
    space = office.world.table("spaces")[page["spaceId"]]["key"]
    if rng.random() >= DIRECT[difficulty]:
        for _ in range(_TRIES):
            described = _described(rng, split, page, space, rng.choice(list(_PAGE)))
            if described and determined(office.world, described.references):
                return described
    title = page["title"]
    said = say(rng, split, _TITLED, title=title)
    reference = Reference(title, "pages", page["id"], {"space": space, "title": title})
    return Described(said, (reference,), (PlannedCall("getPages", {"space-id": [page["spaceId"]], "title": title}),))


def _described(rng: random.Random, split: Split, page: Record, space: str, stated: tuple[str, ...]) -> Described | None:
    """Describe a page by these conditions; None if it has no such value."""
    slots: dict[str, str | Said] = {}
    conditions: dict[str, Json] = {"space": space}
    query = [f"space = '{space}'"]
    if "label" in stated:
        if not page["labels"]:
            return None
        slots["label"] = conditions["label"] = name = page["labels"][0]["name"]
        query.append(f"label = '{name}'")
    if "created" in stated:
        conditions["created"] = day = day_of(page["createdAt"])
        slots["created"] = when(rng, split, day)
        query.append(f"created = '{day}'")
    said = description(say(rng, split, _PAGE[stated], **slots))
    reference = Reference(without_marks(said.text), "pages", page["id"], conditions)
    read = PlannedCall("searchByCQL", {"cql": " AND ".join(query)})
    return Described(said, (reference,), (read,), "created" in stated)
