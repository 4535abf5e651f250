"""Draws a believable Confluence site: spaces with trees of pages, written during the last days."""

import random
from dataclasses import dataclass

from envs.api.world import START_MS, Record, World
from envs.confluence.labels import label
from envs.confluence.world import put_page, put_space, six_digits
from envs.requests import names, page_texts
from envs.words import Split

_PAGES = 6
"""Pages of each space besides its homepage."""


@dataclass(frozen=True)
class ConfluenceOffice:
    """A site."""

    world: World
    spaces: tuple[Record, ...]

    def pages(self, space: Record) -> list[Record]:
        """Return the pages of a space except its homepage."""
        return [page for page in self.world.find("pages", spaceId=space["id"]) if page["parentId"] is not None]


def confluence_office(rng: random.Random, split: Split) -> ConfluenceOffice:
    """Draw a site with three spaces, which share some of their titles."""
    world = World(next_id=int(six_digits(rng, 1)[0]))
    ids = six_digits(rng, 6 + 3 * _PAGES)
    called: list[str] = []
    keys: list[str] = []
    for _ in range(3):
        called.append(names.space_name(rng, split, called))
        keys.append(names.key_of(rng, split, called[-1], keys))
    spaces = [put_space(world, ids.pop(), ids.pop(), key, name) for key, name in zip(keys, called, strict=True)]
    titles: list[str] = []
    for _ in range(2 * _PAGES):
        titles.append(page_texts.title(rng, split, titles))
    for space in spaces:
        parents = [space["homepageId"]]
        for title in rng.sample(titles, _PAGES):
            text = f"<p>{page_texts.sentence(rng, split)}</p>"
            body = {"representation": "storage", "value": text}
            page = put_page(world, ids.pop(), space, rng.choice(parents), title, body)
            created = START_MS - rng.randint(1, 7) * 86_400_000 - rng.randrange(1, 8 * 3600) * 1000
            labels = [label(names.label(rng, split))] if rng.random() < 0.6 else []
            world.table("pages")[page["id"]] = {**page, "createdAt": created, "labels": labels}
            parents.append(page["id"])
    return ConfluenceOffice(world, tuple(spaces))
