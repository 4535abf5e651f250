"""Update a page that another user writes at the same moment: read it again, then write its next version.

In three tasks of four another user saves the page, once or twice, or renames it, just before the first update that
the API would accept. The API answers that update with a conflict, since the version that was read is out of date.
Typical mistakes: giving up, sending the same update again, or incrementing the old version without reading, which also
restores the old title of a renamed page.
"""

import random

from envs import words
from envs.api.faults import Faults, Rival
from envs.api.world import Record
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.requests import update_conflict
from envs.scenarios.vocabulary.mistakes import give_up, insist, up_to_failure
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_WORDINGS = (
    '[|please |can you |could you ][set|change] the [text|content|body] of [|the page ]"{title}" to "{text}"'
    "[, nothing else|. Leave the rest as it is|. Touch nothing else|].",
    '[|please ][update|rewrite] [|the page ]"{title}" [so that it reads|to say|with the text] "{text}"'
    "[, nothing else|. Leave the rest as it is|. Touch nothing else|].",
    '[the page |]"{title}" [should|must|is to] [say|read] "{text}"[ from now on| now|][|, please update it].',
    '[write|put] "{text}" into [|the page ]"{title}"[ instead of its text| as its text|, in place of what it says].',
    'replace the [text|content] of [|the page ]"{title}" [with|by] "{text}"[|, please].',
    '"{text}" is the new [text|content|body] of [|the page ]"{title}"[, save it|, please write it|. Update it].',
    '[several people edit|many hands work on|others edit, too,] "{title}". [Make|Let] it [say|read] "{text}".',
)
_HELD_OUT_WORDINGS = (
    'What "{title}" tells its readers shall be "{text}" henceforth.',
    'Give the page "{title}" the words "{text}", however busy it is.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a page with several versions, and in three tasks of four a rival who writes it too."""
    fresh = words.fresh_words(rng, split)
    other, title, renamed = (words.phrase(rng, split, 2, 3, fresh) for _ in range(3))
    text, *theirs = (words.phrase(rng, split, 2, 4, fresh) for _ in range(4))
    world, _, _ = site(rng, split, words.key(rng, split), other)
    version = rng.randint(2, 12)
    # An existing page gets the title, so that its position reveals nothing.
    chosen = rng.choice([page for page in world.table("pages").values() if page["parentId"]])
    page: Record = {**chosen, "title": title, "version": version, "body": _body(theirs[0])}
    world.table("pages")[page["id"]] = page
    kind = rng.choice(("none", "saved", "saved twice", "renamed"))
    names = {"none": [], "saved": [title], "saved twice": [title, title], "renamed": [renamed]}[kind]
    bodies = [_body(theirs[0 if kind == "renamed" else index]) for index in range(1, 1 + len(names))]
    rival = [
        _update(page["id"], name, body, version + index)
        for index, (name, body) in enumerate(zip(names, bodies, strict=True), 1)
    ]
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(title=title, text=text)
    read = PlannedCall("getPageById", {"id": page["id"]})
    early = _update(page["id"], title, _body(text), version + 1)
    plan = [PlannedCall("getPages", {"title": title}), read, _planned(early, bool(names))]
    if not names:
        return TaskDraft(request, world, oracle=tuple(plan))
    plan += [read, _planned(_update(page["id"], names[-1], _body(text), version + len(names) + 1))]
    faults = Faults(rival=Rival("updatePage", tuple(("updatePage", arguments) for arguments in rival)))
    return TaskDraft(request, world, oracle=tuple(plan), faults=faults)


def _body(text: str) -> Record:
    return {"representation": "storage", "value": f"<p>{text}</p>"}


def _update(page: str, title: str, body: Record, number: int) -> Record:
    return {"id": page, "status": "current", "title": title, "body": body, "version": {"number": number}}


def _planned(update: Record, fails: bool = False) -> PlannedCall:
    number = update["version"]["number"]
    return PlannedCall("updatePage", update, f"{number - 1} + 1 = {number}", fails)


def _count_on(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Increment the version once more instead of reading it."""
    if not task.faults:
        return plan
    begun = up_to_failure(plan)
    version = {"number": task.oracle[2].arguments["version"]["number"] + 1}
    return [*begun, PlannedCall("updatePage", {**begun[-1].arguments, "version": version})]


SCENARIO = Scenario(
    name="confluence_update_conflict",
    api=CONFLUENCE,
    tools=("getPages", "getPageById", "updatePage"),
    mistakes={"give_up": give_up, "insist": insist, "count_on": _count_on},
    draw=draw,
    talk=update_conflict.draw,
)
