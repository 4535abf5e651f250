"""Move a page under another: look both up in their space, then move the one, not the other.

Both titles stand in other spaces too. What goes wrong: the two are mixed up, the page is put beside the target
instead of under it, or the target of the other space is taken.
"""

import random

from envs import words
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.reward.checks import argument, outcome, stopped_after
from envs.reward.provenance import read_argument
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.confluence_reads import add_page, changed_fields, page_found, space_found
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft, phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

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
_KEPT_BACK = (
    'Let "{target}" of space "{space}" be the parent page of "{title}".',
    'Bring "{title}" below "{target}" in the "{space}" space.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A site with three spaces; in one are the page and its target, side by side."""
    key = words.key(rng, split)
    fresh = words.fresh_words(rng, split)
    title, target_title = (words.phrase(rng, split, 2, 3, fresh) for _ in range(2))
    world, space, target = site(rng, split, key, target_title)
    page = add_page(world, space, title)
    other = rng.choice([one for one in world.table("spaces").values() if one is not space])
    add_page(world, other, title)
    add_page(world, space, words.phrase(rng, split, 2, 3, fresh), page["id"])
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(title=title, target=target_title, space=key)
    goal = {
        "page": page["id"],
        "target": target["id"],
        "title": title,
        "under": target_title,
        "key": key,
        "position": "append",
    }
    move = {"pageId": page["id"], "position": "append", "targetId": target["id"]}
    return TaskDraft(
        request,
        world,
        goal,
        (
            PlannedCall("getSpaces", {"keys": [key]}),
            PlannedCall("getPages", {"space-id": [space["id"]], "title": title}),
            PlannedCall("getPages", {"space-id": [space["id"]], "title": target_title}),
            PlannedCall("movePage", move),
        ),
    )


def _moved(task: Task, changed: list[Change]) -> bool:
    """The page hangs under the target; only its place has changed."""
    if len(changed) != 1 or changed[0].table != "pages" or not changed[0].before or not changed[0].after:
        return False
    before, after = changed[0].before, changed[0].after
    return (
        before["id"] == task.goal["page"]
        and after["parentId"] == task.goal["target"]
        and changed_fields(before, after) <= {"parentId", "position"}
    )


def _changed_move(plan: Plan, **arguments: object) -> Plan:
    return [
        PlannedCall(call.name, {**call.arguments, **arguments}) if call.name == "movePage" else call for call in plan
    ]


def _mix_up(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Moves the target under the page."""
    return _changed_move(plan, pageId=task.goal["target"], targetId=task.goal["page"])


def _beside(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Puts the page next to the target."""
    return _changed_move(plan, position="after")


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != "movePage"] or plan


SCENARIO = Scenario(
    name="confluence_move_page",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", "getChildPages", "movePage", "deletePage"),
    checks=(
        space_found("movePage", 0.05),
        page_found("movePage", "page", 0.05),
        page_found("movePage", "target", 0.05),
        read_argument("movePage", "pageId", "page", 0.15),
        read_argument("movePage", "targetId", "target", 0.15),
        argument("movePage", "position", "position", 0.10),
        stopped_after("movePage", 0.10),
        outcome(0.35, _moved, "The page hangs under the target, and nothing else has changed."),
    ),
    mistakes={"mix_up": _mix_up, "beside": _beside, "stop_after_read": _stop_after_read},
    draw=draw,
)
