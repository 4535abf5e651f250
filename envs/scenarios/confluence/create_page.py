"""Create a page under a parent: resolve the space's key and the parent's title to ids, then write a nested body.

Another space has a page with the parent's title, so the search needs the space's id. Typical mistakes: omitting the
parent, making up the space's id, dropping the body, or writing nothing after reading.
"""

import random

from envs import words
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.requests import create_page
from envs.scenarios.vocabulary.mistakes import change, omit, stop_before
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, TaskDraft

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


_skip_parent = omit("createPage", "parentId", unread=("getPages",))
_made_up_space = change(
    "createPage", lambda right, task, rng: {"spaceId": str(rng.randint(100_000, 999_999))}, unread=("getSpaces",)
)


SCENARIO = Scenario(
    name="confluence_create_page",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", "createPage"),
    mistakes={
        "skip_parent": _skip_parent,
        "guess_space": lambda plan, task, rng: _made_up_space(_skip_parent(plan, task, rng), task, rng),
        "drop_body": omit("createPage", "body"),
        "stop_after_read": stop_before("createPage"),
    },
    draw=draw,
    talk=create_page.draw,
)
