"""Move a page under another: look both up in their space, then move the first under the second.

Other spaces have pages with the same titles. Typical mistakes: confusing the page with its target, moving the page
beside the target instead of under it, or writing nothing after reading.
"""

import random

from envs import words
from envs.confluence import CONFLUENCE
from envs.confluence.world import put_page, site
from envs.requests import move_page
from envs.scenarios.vocabulary.mistakes import change, stop_before
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, TaskDraft

_WORDINGS = (
    'Move the page "{title}" under "{target}" in space "{space}".',
    'In "{space}", "{title}" belongs below "{target}". Please move it there.',
    'Please hang "{title}" under "{target}"; both are in the space "{space}".',
    '"{target}" should be the parent of "{title}" (space "{space}").',
    'Put the "{space}" page "{title}" below "{target}".',
    'Make "{title}" a child of "{target}" in "{space}".',
    'The page "{title}" in "{space}" is in the wrong place, it goes under "{target}".',
    'Could you move "{title}" to "{target}" as its child? Space "{space}".',
    'Tidy up "{space}": "{title}" goes below "{target}".',
    'Under "{target}" in space "{space}" is where "{title}" should be. Move it.',
    'Change the parent of "{title}" in "{space}" to "{target}".',
    'Take "{title}" and put it under the page "{target}", space "{space}".',
)
_HELD_OUT_WORDINGS = (
    'Let "{target}" of space "{space}" be the parent page of "{title}".',
    'Bring "{title}" below "{target}" in the "{space}" space.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a site with three spaces, one of which has the page and its target as siblings."""
    key = words.key(rng, split)
    fresh = words.fresh_words(rng, split)
    title, target_title = (words.phrase(rng, split, 2, 3, fresh) for _ in range(2))
    world, space, target = site(rng, split, key, target_title)
    page = put_page(world, world.new_id(), space, space["homepageId"], title)
    other = rng.choice([other for other in world.table("spaces").values() if other is not space])
    put_page(world, world.new_id(), other, other["homepageId"], title)
    put_page(world, world.new_id(), space, page["id"], words.phrase(rng, split, 2, 3, fresh))
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(title=title, target=target_title, space=key)
    plan = (
        PlannedCall("getSpaces", {"keys": [key]}),
        PlannedCall("getPages", {"space-id": [space["id"]], "title": title}),
        PlannedCall("getPages", {"space-id": [space["id"]], "title": target_title}),
        PlannedCall("movePage", {"pageId": page["id"], "position": "append", "targetId": target["id"]}),
    )
    return TaskDraft(request, world, oracle=plan)


SCENARIO = Scenario(
    name="confluence_move_page",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", "getChildPages", "movePage", "deletePage"),
    mistakes={
        "mix_up": change("movePage", lambda right, *_: {"pageId": right["targetId"], "targetId": right["pageId"]}),
        "beside": change("movePage", lambda *_: {"position": "after"}),
        "stop_after_read": stop_before("movePage"),
    },
    draw=draw,
    talk=move_page.draw,
)
