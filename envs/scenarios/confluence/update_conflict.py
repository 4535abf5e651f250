"""Update a page that somebody else writes to at the same moment: read it again, and write the version that is next now.

In three tasks of four another user saves the page, once or twice, or renames it, just before the first update that
would have been accepted. That update is a conflict by the site's own rules; what was read is out of date. What goes
wrong: the model gives up, sends the same update again, counts on from the old version, or brings the old title back.
"""

import random

from envs import words
from envs.api.faults import Faults, Rival
from envs.api.operation import Json
from envs.api.world import Record
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.reward.checks import Check, FinishedEpisode, argument, at, outcome, stopped_after
from envs.reward.provenance import read_argument, seen_before
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.confluence_reads import changed_fields, page_found
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.trace import answered_before
from envs.words import Split

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
_KEPT_BACK = (
    'What "{title}" tells its readers shall be "{text}" henceforth.',
    'Give the page "{title}" the words "{text}", however busy it is.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A page that has been written several times, and perhaps somebody who is about to write it again."""
    fresh = words.fresh_words(rng, split)
    other, title, renamed = (words.phrase(rng, split, 2, 3, fresh) for _ in range(3))
    text, *theirs = (words.phrase(rng, split, 2, 4, fresh) for _ in range(4))
    world, _, _ = site(rng, split, words.key(rng, split), other)
    version = rng.randint(2, 12)
    # One of the pages that are there gets the title, so that its place among the pages tells nothing.
    chosen = rng.choice([page for page in world.table("pages").values() if page["parentId"]])
    page: Record = {**chosen, "title": title, "version": version, "body": _body(theirs[0])}
    world.table("pages")[page["id"]] = page
    kind = rng.choice(("none", "saved", "saved twice", "renamed"))
    names = {"none": [], "saved": [title], "saved twice": [title, title], "renamed": [renamed]}[kind]
    bodies = [_body(theirs[0 if kind == "renamed" else place]) for place in range(1, 1 + len(names))]
    rival = [
        _update(page["id"], name, body, version + place)
        for place, (name, body) in enumerate(zip(names, bodies, strict=True), 1)
    ]
    now = version + len(names)
    called = names[-1] if names else title
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(title=title, text=text)
    goal = {"page": page["id"], "title": title, "called": called, "value": f"<p>{text}</p>"}
    past = [[one["title"], one["body"]["value"]] for one in (page, *rival)]
    goal |= {"first": version + 1, "number": now + 1, "past": past}
    read = PlannedCall("getPageById", {"id": page["id"]})
    early = _update(page["id"], title, _body(text), version + 1)
    plan = [PlannedCall("getPages", {"title": title}), read, _planned(early, bool(names))]
    if names:
        plan += [read, _planned(_update(page["id"], called, _body(text), now + 1))]
    calls = tuple(("updatePage", arguments) for arguments in rival)
    return TaskDraft(
        request, world, goal, tuple(plan), faults=Faults(rival=Rival("updatePage", calls)) if names else None
    )


def _body(text: str) -> Record:
    return {"representation": "storage", "value": f"<p>{text}</p>"}


def _update(page: str, title: str, body: Record, number: int) -> Record:
    return {"id": page, "status": "current", "title": title, "body": body, "version": {"number": number}}


def _planned(update: Record, fails: bool = False) -> PlannedCall:
    number = update["version"]["number"]
    return PlannedCall("updatePage", update, f"{number - 1} + 1 = {number}", fails)


def _updated(task: Task, changed: list[Change]) -> bool:
    """The page has the new text and its latest title, right after what others wrote, and all else is as it was."""
    if len(changed) != 1 or changed[0].table != "pages" or not changed[0].before or not changed[0].after:
        return False
    before, after = changed[0].before, changed[0].after
    renamed = {"title"} if task.goal["called"] != task.goal["title"] else set()
    return (
        before["id"] == task.goal["page"]
        and after["version"] == task.goal["number"]
        and after["title"] == task.goal["called"]
        and [[old["title"], old["body"]["value"]] for old in after["history"]] == task.goal["past"]
        and after["body"] == {"representation": "storage", "value": task.goal["value"]}
        and changed_fields(before, after) == {"body", "version", "updatedAt", "history"} | renamed
    )


def _read(episode: FinishedEpisode) -> float:
    """The page was read, by an id that was no guess, before it was first written."""
    calls, wanted = episode.trace.calls, episode.task.goal["page"]
    first = next((place for place, call in enumerate(calls) if call.name == "updatePage"), 0)
    return float(
        any(
            call.name == "getPageById" and call.ok and call.body["id"] == wanted and seen_before(calls, place, wanted)
            for place, call in enumerate(answered_before(calls, first))
        )
    )


def _again(episode: FinishedEpisode) -> float:
    """After a conflict the page was read, and what had failed was written at the version and title read then.

    Where nothing was in conflict: nothing was done twice.
    """
    goal, calls = episode.task.goal, episode.trace.calls
    if episode.task.faults is None:
        updates = episode.trace.of("updatePage")
        return float(len(updates) == 1 and updates[0].ok and len({call.name for call in calls}) == len(calls))
    place = next((place for place, call in enumerate(calls) if call.error == "conflict"), None)
    if place is None or len(calls) < place + 3:
        return 0.0
    failed, read, update = calls[place : place + 3]
    same = all(failed.arguments.get(name) == update.arguments.get(name) for name in ("id", "status", "body"))
    right = failed.arguments["title"] == goal["title"] and at(failed.arguments, "version.number") == goal["first"]
    reread = read.name == "getPageById" and read.ok and read.body["id"] == goal["page"]
    in_turn = failed.turn < read.turn < update.turn
    return float(same and right and reread and in_turn and update.name == "updatePage" and update.ok)


def _number(value: Json, wanted: Json) -> float:
    return float(type(value) is int and value == wanted)


def _failed(plan: Plan) -> int:
    """The place of the update that fails; that of the last call if none does."""
    return next((place for place, call in enumerate(plan) if call.fails), len(plan) - 1)


def _give_up(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Stops at the conflict."""
    return plan[: _failed(plan) + 1]


def _insist(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Sends the same update again."""
    place = _failed(plan)
    return [*plan[: place + 1], plan[place]] if task.faults else plan


def _count_on(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Adds one more to the version instead of reading it."""
    if not task.faults:
        return plan
    place = _failed(plan)
    version = {"number": task.goal["first"] + 1}
    return [*plan[: place + 1], PlannedCall("updatePage", {**plan[place].arguments, "version": version})]


SCENARIO = Scenario(
    name="confluence_update_conflict",
    api=CONFLUENCE,
    tools=("getPages", "getPageById", "updatePage"),
    checks=(
        page_found("updatePage", "page", 0.05),
        Check("procedure/getPageById", 0.05, _read, "The page was read before its first update."),
        read_argument("updatePage", "id", "page", 0.05),
        argument("updatePage", "title", "called", 0.05),
        argument("updatePage", "body.value", "value", 0.10),
        argument("updatePage", "version.number", "number", 0.10, _number),
        Check(
            "procedure/again", 0.15, _again, "After a conflict the page was read and written again; else nothing was."
        ),
        stopped_after("updatePage", 0.10),
        outcome(0.35, _updated, "The page has the new text, its latest title and next version; all else is as it was."),
    ),
    mistakes={"give_up": _give_up, "insist": _insist, "count_on": _count_on},
    draw=draw,
)
