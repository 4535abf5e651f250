"""Update a page after a version conflict: read its current version and write the next one.

The request names a version that the API refused; the version after it is taken too. Typical mistakes: trusting the
version in the request, writing the current version instead of the next, or dropping the title.
"""

import random

from envs import words
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.requests import update_page
from envs.scenarios.vocabulary.mistakes import change, omit
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, TaskDraft

_WORDINGS = (
    'Saving "{title}" as version {stale} ended in a conflict. Set its text to "{text}".',
    'My update of "{title}" was refused: version {stale} exists. Please write "{text}" into it.',
    'The page "{title}" should say "{text}". I tried version {stale}, somebody was faster.',
    'Replace the text of "{title}" with "{text}"; version {stale} is taken already.',
    'Someone edited "{title}" while I wrote version {stale}. Make its content "{text}".',
    'Conflict on "{title}" (I sent version {stale}). Its new content is "{text}".',
    '"{title}" changed under my hands at version {stale}. Update it to "{text}".',
    'Please try again to update "{title}" to "{text}": with version {stale} I was too late.',
    'Write "{text}" to the page "{title}". Version {stale} did not go through.',
    'Our bot failed to save "{title}" (version {stale}, conflict). Its body must become "{text}".',
    'Update "{title}" so that it reads "{text}"; my draft was version {stale}, which is outdated.',
    'The text of "{title}" is to be "{text}". Last time I gave version {stale} and got an error.',
)
_HELD_OUT_WORDINGS = (
    'With version {stale} the page "{title}" could not be saved. Give it the text "{text}".',
    'Let "{title}" say "{text}" from now on. Version {stale} was refused before.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a page whose current version is later than the one in the request."""
    fresh = words.fresh_words(rng, split)
    other, title = (words.phrase(rng, split, 2, 3, fresh) for _ in range(2))
    text, old = words.phrase(rng, split, 2, 4, fresh), words.phrase(rng, split, 2, 4, fresh)
    world, _, parent = site(rng, split, words.key(rng, split), other)
    version = rng.randint(4, 12)
    stale = rng.randint(2, version - 1)
    # An existing page gets the title, so that its position reveals nothing.
    chosen = rng.choice([page for page in world.table("pages").values() if page["parentId"]])
    body = {"representation": "storage", "value": f"<p>{old}</p>"}
    world.table("pages")[chosen["id"]] = page = {**chosen, "title": title, "version": version, "body": body}
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(title=title, text=text, stale=stale)
    update = {
        "id": page["id"],
        "status": "current",
        "title": title,
        "body": {"representation": "storage", "value": f"<p>{text}</p>"},
        "version": {"number": version + 1},
    }
    plan = (
        PlannedCall("getPages", {"title": title}),
        PlannedCall("getPageById", {"id": page["id"]}),
        PlannedCall("updatePage", update, f"{version} + 1 = {version + 1}"),
    )
    return TaskDraft(request, world, {"stale": stale}, plan)


SCENARIO = Scenario(
    name="confluence_update_page",
    api=CONFLUENCE,
    tools=("getPages", "getPageById", "updatePage"),
    mistakes={
        "believe_request": change(
            "updatePage", lambda _, task, rng: {"version.number": task.goal["stale"] + 1}, unread=("getPageById",)
        ),
        "same_version": change("updatePage", lambda right, *_: {"version.number": right["version"]["number"] - 1}),
        "drop_title": omit("updatePage", "title"),
    },
    draw=draw,
    talk=update_page.draw,
)
