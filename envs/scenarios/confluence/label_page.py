"""Label a page: resolve the space's key and the page's title to ids, then write labels, which only v1 does.

Another space has a page of the same title, and the page has a label already. What goes wrong: the page is not looked up
in its space, one of two labels is dropped, or nothing is written after reading.
"""

import random

from envs import words
from envs.api.operation import Json
from envs.confluence import CONFLUENCE
from envs.confluence.labels import label
from envs.confluence.world import site
from envs.reward.checks import argument, outcome, stopped_after
from envs.reward.provenance import read_argument
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.confluence_reads import changed_fields, page_found, space_found
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

_WORDINGS = (
    'Label the page "{title}" in space "{space}" with {labels}.',
    'Please add {labels} to "{title}" in "{space}" as labels.',
    'The page "{title}" of space "{space}" should be labelled {labels}.',
    'In "{space}", tag "{title}" with {labels}.',
    'Put the labels {labels} on page "{title}" in space "{space}".',
    '"{title}" in "{space}" still lacks labels: add {labels}.',
    'Can you tag the "{space}" page "{title}" with {labels}?',
    'Add {labels} as labels to the page called "{title}", space "{space}".',
    'To find it later, label "{title}" (space "{space}") with {labels}.',
    'Space "{space}": the page "{title}" gets {labels} as labels.',
    'Mark the page "{title}" in "{space}" with the labels {labels}.',
    'We need {labels} as labels on "{title}" in the "{space}" space.',
)
_KEPT_BACK = (
    'Attach {labels} as labels to "{title}" in space "{space}".',
    'The "{space}" page "{title}" wants {labels} as its new labels.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A site with three spaces, and a page with one label that is to get more."""
    key = words.key(rng, split)
    fresh = words.fresh_words(rng, split)
    title = words.phrase(rng, split, 2, 3, fresh)
    names = [next(fresh) for _ in range(rng.randint(1, 3))]
    world, space, page = site(rng, split, key, title)
    world.table("pages")[page["id"]] = page = {**page, "labels": [label(next(fresh))]}
    *but_last, last = [f'"{name}"' for name in names]
    told = f"{', '.join(but_last)} and {last}" if but_last else last
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(title=title, space=key, labels=told)
    labels = [{"prefix": "global", "name": name} for name in names]
    goal = {"space": space["id"], "page": page["id"], "title": title, "key": key, "labels": names}
    return TaskDraft(
        request,
        world,
        goal,
        (
            PlannedCall("getSpaces", {"keys": [key]}),
            PlannedCall("getPages", {"space-id": [space["id"]], "title": title}),
            PlannedCall("addLabelsToContent", {"id": page["id"], "labels": labels}),
        ),
    )


def _labelled(task: Task, changed: list[Change]) -> bool:
    """The page has the labels asked for besides its own; nothing else has changed."""
    if len(changed) != 1 or not changed[0].before or not changed[0].after:
        return False
    before, after = changed[0].before, changed[0].after
    if before["id"] != task.goal["page"] or changed_fields(before, after) != {"labels"}:
        return False
    wanted = {name.lower() for name in task.goal["labels"]} | {one["name"] for one in before["labels"]}
    return (
        changed[0].table == "pages"
        and {one["name"] for one in after["labels"]} == wanted
        and all(one["prefix"] == "global" for one in after["labels"])
    )


def _shared(value: Json, wanted: Json) -> float:
    """How many of the labels are there: intersection over union of global labels."""
    given = [value] if isinstance(value, dict) else value if isinstance(value, list) else []
    made = [
        str(one.get("name", "")).lower()
        if isinstance(one, dict) and one.get("prefix") == "global"
        else f"wrong {place}"
        for place, one in enumerate(given)
    ]
    return len({*made} & {*wanted}) / len({*made} | {*wanted})


def _drop_label(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Writes all labels but the last; none where there is one."""
    *before, write = plan
    labels = write.arguments["labels"][:-1]
    return [*before, PlannedCall(write.name, {**write.arguments, "labels": labels})] if labels else before


def _wrong_page(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Labels the page of the same title in the other space."""
    twin = next(page["id"] for page in task.world.find("pages", title=task.goal["title"]) if page["id"] != _page(task))
    return [
        call if call.name != "addLabelsToContent" else PlannedCall(call.name, {**call.arguments, "id": twin})
        for call in plan
    ]


def _page(task: Task) -> str:
    return str(task.goal["page"])


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != "addLabelsToContent"] or plan


SCENARIO = Scenario(
    name="confluence_label_page",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", "getPageLabels", "addLabelsToContent", "removeLabelFromContent"),
    checks=(
        space_found("addLabelsToContent", 0.05),
        page_found("addLabelsToContent", "page", 0.05),
        read_argument("addLabelsToContent", "id", "page", 0.20),
        argument("addLabelsToContent", "labels", "labels", 0.25, _shared),
        stopped_after("addLabelsToContent", 0.10),
        outcome(0.35, _labelled, "The page has exactly the labels that were asked for besides its own."),
    ),
    mistakes={"drop_label": _drop_label, "wrong_page": _wrong_page, "stop_after_read": _stop_after_read},
    draw=draw,
)
