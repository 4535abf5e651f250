"""Label a page: resolve the space's key and the page's title to ids, then add labels, which only API v1 can do.

Another space has a page with the same title, and the page already has a label. Typical mistakes: labelling the page in
the other space, dropping a label, or writing nothing after reading.
"""

import random

from envs import words
from envs.confluence import CONFLUENCE
from envs.confluence.labels import label
from envs.confluence.world import site
from envs.requests import label_page
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing, quoted_list
from envs.task import PlannedCall, Task, TaskDraft

_CALL = "addLabelsToContent"

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
_HELD_OUT_WORDINGS = (
    'Attach {labels} as labels to "{title}" in space "{space}".',
    'The "{space}" page "{title}" wants {labels} as its new labels.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a site with three spaces and a page with one label."""
    key = words.key(rng, split)
    fresh = words.fresh_words(rng, split)
    title = words.phrase(rng, split, 2, 3, fresh)
    names = [next(fresh) for _ in range(rng.randint(1, 3))]
    world, space, page = site(rng, split, key, title)
    world.table("pages")[page["id"]] = page = {**page, "labels": [label(next(fresh))]}
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        title=title, space=key, labels=quoted_list(names)
    )
    plan = (
        PlannedCall("getSpaces", {"keys": [key]}),
        PlannedCall("getPages", {"space-id": [space["id"]], "title": title}),
        PlannedCall(_CALL, {"id": page["id"], "labels": [{"prefix": "global", "name": name} for name in names]}),
    )
    return TaskDraft(request, world, oracle=plan)


def _drop_label(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Add all labels but the last; if there is only one, write nothing."""
    *before, write = plan
    labels = write.arguments["labels"][:-1]
    return [*before, PlannedCall(write.name, {**write.arguments, "labels": labels})] if labels else before


def _twin(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Choose the page of the same title in another space or, if there is none, another page."""
    pages = task.world.table("pages")
    others = [page for page in pages.values() if page["id"] != right["id"]]
    twins = [page for page in others if page["title"] == pages[right["id"]]["title"]]
    return {"id": (twins or others)[0]["id"]}


SCENARIO = Scenario(
    name="confluence_label_page",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", "getPageLabels", _CALL, "removeLabelFromContent"),
    mistakes={"drop_label": _drop_label, "wrong_page": change(_CALL, _twin), "stop_after_read": stop_before(_CALL)},
    draw=draw,
    talk=label_page.draw,
)
