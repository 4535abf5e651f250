"""Create a page under a parent: resolve the space's key and the parent's title to ids, then write a nested body.

Another space has a page with the parent's title, so the search needs the space's id. Typical mistakes: omitting the
parent, making up the space's id, dropping the body, or writing nothing after reading.
"""

import random

from envs import words
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.requests import create_page
from envs.reward.checks import Check, FinishedEpisode, read_first, stopped_after
from envs.scenarios.vocabulary.confluence_checks import NEW_PAGE, alone
from envs.scenarios.vocabulary.mistakes import change, omit, stop_before
from envs.scenarios.vocabulary.oracle import like_oracle, oracle_value, same_site_as_oracle
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft
from envs.trace import Call, answered_before

_WORDINGS = (
    '[|please |could you ][create|add|publish] a page "{title}" in [|the ]space "{space}" [under|below] "{parent}"'
    ' [saying|with text|with the content] "{text}".',
    '[|please ][add|put|place] "{title}" [below|under] "{parent}" in [|space |the space ]"{space}" with'
    ' [|the ][text|body|content] "{text}".',
    'in [|space ]"{space}", [write|create|add] a page [titled|called|named] "{title}"'
    ' [with body "{text}"; its parent is|saying "{text}" under|with text "{text}" below] "{parent}".',
    '[under|below] [|the page ]"{parent}" [in|of] [|space ]"{space}", [publish|create|add] [|a page ]"{title}" with'
    ' [|the ][content|body|text] "{text}".',
    '[|please ]make a page in "{space}" called "{title}". Put it [under|below] "{parent}" and write "{text}" in it.',
    'the space "{space}" needs a page "{title}" [under|below] "{parent}". [Its text|The text|Content|Body]: "{text}".',
    '[|please ]write "{text}" on a [|new ]page "{title}", a child of "{parent}" in "{space}".',
    '[could|can] you add a page "{title}" to "{space}"? Parent "{parent}", [content|text|body] "{text}".',
    'new page in "{space}" please: "{title}", [under|below] "{parent}", with the [text|body] "{text}".',
    '[|please ]put a page "{title}" saying "{text}" [under|below] "{parent}" in [|space ]"{space}".',
    '[|please ]document "{text}" in "{space}" on a page [named|called] "{title}" [under|below] "{parent}".',
)
_HELD_OUT_WORDINGS = (
    'Make a page "{title}" under "{parent}" in space "{space}" and write "{text}" in it.',
    'Add a page called "{title}" below "{parent}" of space "{space}", with body "{text}".',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a site with three spaces and an existing page that becomes the parent."""
    key = words.key(rng, split)
    fresh = words.fresh_words(rng, split)
    title, parent_title = (words.phrase(rng, split, 2, 3, fresh) for _ in range(2))
    text = words.phrase(rng, split, 2, 4, fresh)
    world, space, parent = site(rng, split, key, parent_title)
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        title=title, space=key, parent=parent_title, text=text
    )
    body = {"representation": "storage", "value": f"<p>{text}</p>"}
    plan = (
        PlannedCall("getSpaces", {"keys": [key]}),
        PlannedCall("getPages", {"space-id": [space["id"]], "title": parent_title}),
        PlannedCall("createPage", {"spaceId": space["id"], "parentId": parent["id"], "title": title, "body": body}),
    )
    return TaskDraft(request, world, oracle=plan)


def _found_space(call: Call, task: Task) -> float:
    return alone([space["key"] for space in call.body["results"]], oracle_value(task, "getSpaces", "keys")[0])


def _found_parent(call: Call, task: Task) -> float:
    return alone([page["id"] for page in call.body["results"]], oracle_value(task, "createPage", "parentId"))


_SPACE_READ = read_first("getSpaces", "createPage", 0.05, _found_space)
_PARENT_FOUND = read_first("getPages", "createPage", 0.05, _found_parent)


def _parent_read(episode: FinishedEpisode) -> float:
    """Check that the model found the parent; a search in a space whose id it had not read earns nothing."""
    calls = episode.trace.calls
    searches = [index for index, call in enumerate(calls) if call.name == "getPages" and "space-id" in call.arguments]
    known = (any(call.name == "getSpaces" and call.ok for call in answered_before(calls, index)) for index in searches)
    return _PARENT_FOUND.score(episode) if all(known) else 0.0


_PARENT_READ = Check(_PARENT_FOUND.name, 0.05, _parent_read, _PARENT_FOUND.sentence)


def _read_id(path: str, weight: float, read: Check) -> Check:
    """Check an id that counts only if the model had read it: a lucky guess earns nothing."""
    plain = like_oracle("createPage", path, weight)
    sentence = f"The {path} of the new page was read, not guessed, and is right."
    return Check(plain.name, weight, lambda episode: plain.score(episode) if read.score(episode) else 0.0, sentence)


_skip_parent = omit("createPage", "parentId", unread=("getPages",))
_made_up_space = change(
    "createPage", lambda right, task, rng: {"spaceId": str(rng.randint(100_000, 999_999))}, unread=("getSpaces",)
)


SCENARIO = Scenario(
    name="confluence_create_page",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", "createPage"),
    checks=(
        _SPACE_READ,
        _PARENT_READ,
        _read_id("spaceId", 0.10, _SPACE_READ),
        _read_id("parentId", 0.15, _PARENT_READ),
        like_oracle("createPage", "title", 0.10),
        like_oracle("createPage", "body.value", 0.15),
        stopped_after("createPage", 0.10),
        same_site_as_oracle(0.30, "The model created exactly the requested page, under its parent.", NEW_PAGE),
    ),
    mistakes={
        "skip_parent": _skip_parent,
        "guess_space": lambda plan, task, rng: _made_up_space(_skip_parent(plan, task, rng), task, rng),
        "drop_body": omit("createPage", "body"),
        "stop_after_read": stop_before("createPage"),
    },
    draw=draw,
    talk=create_page.draw,
)
