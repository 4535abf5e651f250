"""Create a page under another: resolve the space's key and the parent's title to ids, then write a nested body.

Another space has a page of the parent's title, so the search needs the space. What goes wrong: the parent is not
looked up, the space's id is made up, the body is dropped, or nothing is written after reading.
"""

import random

from envs import words
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.reward.checks import Check, FinishedEpisode, argument, outcome, read_first, stopped_after
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.trace import Call, answered_before
from envs.words import Split

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
_KEPT_BACK = (
    'Make a page "{title}" under "{parent}" in space "{space}" and write "{text}" in it.',
    'Add a page called "{title}" below "{parent}" of space "{space}", with body "{text}".',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A site with three spaces, and a page to be written under an existing one."""
    key = words.key(rng, split)
    fresh = words.fresh_words(rng, split)
    title, parent_title = (words.phrase(rng, split, 2, 3, fresh) for _ in range(2))
    text = words.phrase(rng, split, 2, 4, fresh)
    world, space, parent = site(rng, split, key, parent_title)
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(title=title, space=key, parent=parent_title, text=text)
    body = {"representation": "storage", "value": f"<p>{text}</p>"}
    page = {"spaceId": space["id"], "parentId": parent["id"], "title": title, "body": body}
    return TaskDraft(
        request,
        world,
        {
            "space": space["id"],
            "parent": parent["id"],
            "title": title,
            "value": body["value"],
            "key": key,
            "under": parent_title,
        },
        (
            PlannedCall("getSpaces", {"keys": [key]}),
            PlannedCall("getPages", {"space-id": [space["id"]], "title": parent_title}),
            PlannedCall("createPage", page),
        ),
    )


def _created(task: Task, changed: list[Change]) -> bool:
    """One new page, as asked; nothing else."""
    if len(changed) != 1 or changed[0].table != "pages" or changed[0].before or not changed[0].after:
        return False
    page = changed[0].after
    return (
        page["spaceId"] == task.goal["space"]
        and page["parentId"] == task.goal["parent"]
        and page["title"] == task.goal["title"]
        and page["status"] == "current"
        and page["version"] == 1
        and page["body"] == {"representation": "storage", "value": task.goal["value"]}
    )


def _found_space(call: Call, task: Task) -> float:
    """1 for the space alone; half for the space among others, which reads more than was needed."""
    return _found([space["key"] for space in call.body["results"]], task.goal["key"])


def _found_parent(call: Call, task: Task) -> float:
    """1 for the parent alone; half for the parent among others: the compact view does not tell its twin from it."""
    return _found([page["id"] for page in call.body["results"]], task.goal["parent"])


def _found(answer: list[str], wanted: str) -> float:
    return 0.0 if wanted not in answer else 1.0 if len(answer) == 1 else 0.5


def _read_id(path: str, goal: str, weight: float, read: Check) -> Check:
    """An id counts only if it was read: a guess that happens to fit is worth nothing."""
    plain = argument("createPage", path, goal, weight)

    def score(episode: FinishedEpisode) -> float:
        return plain.score(episode) if read.score(episode) else 0.0

    return Check(plain.name, weight, score, f"The {path} of the new page was read, not guessed, and is right.")


def _after_the_space(plain: Check) -> Check:
    """The same check, but a search by the id of a space that had not been read is a guess and earns nothing."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        searches = [p for p, call in enumerate(calls) if call.name == "getPages" and "space-id" in call.arguments]
        guessed = any(
            not any(call.name == "getSpaces" and call.ok for call in answered_before(calls, place))
            for place in searches
        )
        return 0.0 if guessed else plain.score(episode)

    return Check(plain.name, plain.weight, score, plain.sentence)


_SPACE_READ = read_first("getSpaces", "createPage", 0.05, _found_space)
_PARENT_READ = _after_the_space(read_first("getPages", "createPage", 0.05, _found_parent))


def _skip_parent(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Neither looks the parent up nor names it."""
    return [
        PlannedCall(call.name, {name: value for name, value in call.arguments.items() if name != "parentId"})
        for call in plan
        if call.name != "getPages"
    ]


def _guess_space(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Makes up the space's id, and looks for the parent in no space at all."""
    made_up = str(rng.randint(100_000, 999_999))
    replaced = {"spaceId": made_up, "space-id": [made_up]}
    return [
        PlannedCall(call.name, {name: replaced.get(name, value) for name, value in call.arguments.items()})
        for call in _skip_parent(plan, task, rng)
        if call.name != "getSpaces"
    ]


def _drop_body(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Leaves the page empty."""
    return [
        PlannedCall(call.name, {name: value for name, value in call.arguments.items() if name != "body"})
        for call in plan
    ]


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != "createPage"] or plan


SCENARIO = Scenario(
    name="confluence_create_page",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", "createPage"),
    checks=(
        _SPACE_READ,
        _PARENT_READ,
        _read_id("spaceId", "space", 0.10, _SPACE_READ),
        _read_id("parentId", "parent", 0.15, _PARENT_READ),
        argument("createPage", "title", "title", 0.10),
        argument("createPage", "body.value", "value", 0.15),
        stopped_after("createPage", 0.10),
        outcome(0.30, _created, "Exactly the page that was asked for was created, in its place."),
    ),
    mistakes={
        "skip_parent": _skip_parent,
        "guess_space": _guess_space,
        "drop_body": _drop_body,
        "stop_after_read": _stop_after_read,
    },
    draw=draw,
)
