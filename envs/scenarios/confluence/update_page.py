"""Update a page after a version conflict: read which version it has now, and write the next one.

The request tells the version that somebody else tried in vain; one more than that is taken too. What goes wrong: the
number of the request is believed, the current one is written instead of the next, or the title is forgotten.
"""

import random

from envs import words
from envs.api.operation import Json
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.reward.checks import argument, outcome, stopped_after
from envs.reward.provenance import read_argument
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.confluence_reads import changed_fields, page_found, page_read
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

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
_KEPT_BACK = (
    'With version {stale} the page "{title}" could not be saved. Give it the text "{text}".',
    'Let "{title}" say "{text}" from now on. Version {stale} was refused before.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A page that has been written several times, more often than the request knows."""
    fresh = words.fresh_words(rng, split)
    other, title = (words.phrase(rng, split, 2, 3, fresh) for _ in range(2))
    text, old = words.phrase(rng, split, 2, 4, fresh), words.phrase(rng, split, 2, 4, fresh)
    world, _, parent = site(rng, split, words.key(rng, split), other)
    version = rng.randint(4, 12)
    stale = rng.randint(2, version - 1)
    # One of the pages that are there gets the title, so that its place among the pages tells nothing.
    chosen = rng.choice([page for page in world.table("pages").values() if page["parentId"]])
    body = {"representation": "storage", "value": f"<p>{old}</p>"}
    world.table("pages")[chosen["id"]] = page = {**chosen, "title": title, "version": version, "body": body}
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(title=title, text=text, stale=stale)
    new = {"representation": "storage", "value": f"<p>{text}</p>"}
    update = {
        "id": page["id"],
        "status": "current",
        "title": title,
        "body": new,
        "version": {"number": version + 1},
    }
    goal = {"page": page["id"], "title": title, "value": new["value"], "number": version + 1, "stale": stale}
    return TaskDraft(
        request,
        world,
        goal,
        (
            PlannedCall("getPages", {"title": title}),
            PlannedCall("getPageById", {"id": page["id"]}),
            PlannedCall("updatePage", update, f"{version} + 1 = {version + 1}"),
        ),
    )


def _updated(task: Task, changed: list[Change]) -> bool:
    """The page has the new text at its next version, all else as it was."""
    if len(changed) != 1 or changed[0].table != "pages" or not changed[0].before or not changed[0].after:
        return False
    before, after = changed[0].before, changed[0].after
    return (
        before["id"] == task.goal["page"]
        and after["version"] == task.goal["number"]
        and after["body"] == {"representation": "storage", "value": task.goal["value"]}
        and changed_fields(before, after) == {"body", "version", "updatedAt", "history"}
    )


def _number(value: Json, wanted: Json) -> float:
    return float(type(value) is int and value == wanted)


def _numbered(plan: Plan, number: int) -> Plan:
    return [
        call if call.name != "updatePage" else PlannedCall(call.name, {**call.arguments, "version": {"number": number}})
        for call in plan
    ]


def _believe_request(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Writes the version after the one that the request tells, without reading."""
    return [call for call in _numbered(plan, task.goal["stale"] + 1) if call.name != "getPageById"]


def _same_version(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Writes the current version's number."""
    return _numbered(plan, task.goal["number"] - 1)


def _drop_title(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Leaves the title out, which an update needs too."""
    return [
        PlannedCall(call.name, {name: value for name, value in call.arguments.items() if name != "title"})
        if call.name == "updatePage"
        else call
        for call in plan
    ]


SCENARIO = Scenario(
    name="confluence_update_page",
    api=CONFLUENCE,
    tools=("getPages", "getPageById", "updatePage"),
    checks=(
        page_found("updatePage", "page", 0.05),
        page_read("updatePage", "page", 0.10),
        read_argument("updatePage", "id", "page", 0.10),
        argument("updatePage", "title", "title", 0.05),
        argument("updatePage", "body.value", "value", 0.10),
        argument("updatePage", "version.number", "number", 0.15, _number),
        stopped_after("updatePage", 0.10),
        outcome(0.35, _updated, "The page has the new text at its next version, and nothing else has changed."),
    ),
    mistakes={"believe_request": _believe_request, "same_version": _same_version, "drop_title": _drop_title},
    draw=draw,
)
