"""Write down given facts: a page with one paragraph per fact, then a label on the page that was just made.

The page's id is in the answer to the first write; nobody can know it before. What goes wrong: a fact is dropped, the
label is forgotten, or it is put on another page.
"""

import random
import re

from envs import words
from envs.api.operation import Json
from envs.confluence import CONFLUENCE
from envs.confluence.labels import label
from envs.confluence.world import site
from envs.reward.checks import argument, outcome, stopped_after
from envs.reward.provenance import read_argument
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.confluence_reads import space_found
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

_WORDINGS = (
    'In space "{space}", note on a page "{title}", one paragraph each: {facts}. Label it "{label}".',
    'Write a page "{title}" in "{space}" with a paragraph for each of {facts}, and label it "{label}".',
    'New page "{title}" in space "{space}", labelled "{label}". Its paragraphs: {facts}.',
    'Please record {facts} in "{space}", each in a paragraph of the page "{title}", label "{label}".',
    'We need "{title}" in "{space}": the paragraphs {facts}, and the label "{label}".',
    'Make a page "{title}" out of {facts}, a paragraph each, in space "{space}". Label: "{label}".',
    'Add the page "{title}" to "{space}". Paragraphs: {facts}. Then tag it "{label}".',
    'Space "{space}" should have a page "{title}" with {facts} as paragraphs and "{label}" as label.',
    'Put {facts} on a new page "{title}" in "{space}", one paragraph each, labelled "{label}".',
    'Document {facts} (one paragraph each) under the title "{title}" in "{space}", label "{label}".',
    'Create "{title}" in "{space}", tag it "{label}". The text has the paragraphs {facts}.',
    'Could you write {facts} as paragraphs of a page "{title}" in "{space}" and tag it "{label}"?',
)
_KEPT_BACK = (
    'Set up the page "{title}" in "{space}" with paragraphs {facts}; give it the label "{label}".',
    'Keep {facts} on a page "{title}" of "{space}", a paragraph each, with "{label}" as its label.',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A site with three spaces, and two or three facts to be written down in one of them."""
    key = words.key(rng, split)
    fresh = words.fresh_words(rng, split)
    title, parent_title = (words.phrase(rng, split, 2, 3, fresh) for _ in range(2))
    facts = [words.phrase(rng, split, 2, 3, fresh) for _ in range(rng.randint(2, 3))]
    tag = next(fresh)
    world, space, _ = site(rng, split, key, parent_title)
    told = ", ".join(f'"{fact}"' for fact in facts[:-1]) + f' and "{facts[-1]}"'
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(title=title, space=key, facts=told, label=tag)
    body = {"representation": "storage", "value": "".join(f"<p>{fact}</p>" for fact in facts)}
    made = world.copy().new_id()
    goal = {
        "space": space["id"],
        "home": space["homepageId"],
        "key": key,
        "title": title,
        "facts": facts,
        "value": body["value"],
        "page": made,
        "labels": [tag],
    }
    labels = [{"prefix": "global", "name": tag}]
    return TaskDraft(
        request,
        world,
        goal,
        (
            PlannedCall("getSpaces", {"keys": [key]}),
            PlannedCall("createPage", {"spaceId": space["id"], "title": title, "body": body}),
            PlannedCall("addLabelsToContent", {"id": made, "labels": labels}),
        ),
    )


def _written(task: Task, changed: list[Change]) -> bool:
    """One new page with the facts and the label; nothing else."""
    if len(changed) != 1 or changed[0].table != "pages" or changed[0].before or not changed[0].after:
        return False
    page = changed[0].after
    return (
        page["spaceId"] == task.goal["space"]
        and page["parentId"] == task.goal["home"]
        and page["title"] == task.goal["title"]
        and page["status"] == "current"
        and page["version"] == 1
        and page["body"] == {"representation": "storage", "value": task.goal["value"]}
        and page.get("labels") == [label(task.goal["labels"][0])]
    )


def _facts(value: Json, wanted: Json) -> float:
    """How many facts stand in paragraphs of their own: intersection over union, all that is no paragraph being one."""
    text = value if isinstance(value, str) else ""
    said = set(re.findall(r"<p>(.*?)</p>", text))
    said |= {rest} if (rest := re.sub(r"<p>.*?</p>", "", text).strip()) else set()
    return len(said & {*wanted}) / len(said | {*wanted})


def _right_label(value: Json, wanted: Json) -> float:
    return float(value == [{"prefix": "global", "name": wanted[0]}])


def _drop_fact(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Leaves the last fact out."""
    kept = "".join(f"<p>{fact}</p>" for fact in task.goal["facts"][:-1])
    return [
        PlannedCall(call.name, {**call.arguments, "body": {"representation": "storage", "value": kept}})
        if call.name == "createPage"
        else call
        for call in plan
    ]


def _forget_label(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Stops once the page is there."""
    return [call for call in plan if call.name != "addLabelsToContent"] or plan


def _label_home(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Labels the space's homepage instead of the new page."""
    return [
        PlannedCall(call.name, {**call.arguments, "id": task.goal["home"]})
        if call.name == "addLabelsToContent"
        else call
        for call in plan
    ]


SCENARIO = Scenario(
    name="confluence_page_from_facts",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", "createPage", "addLabelsToContent", "deletePage"),
    checks=(
        space_found("createPage", 0.05),
        read_argument("createPage", "spaceId", "space", 0.10),
        argument("createPage", "title", "title", 0.05),
        argument("createPage", "body.value", "facts", 0.15, _facts),
        read_argument("addLabelsToContent", "id", "page", 0.10),
        argument("addLabelsToContent", "labels", "labels", 0.10, _right_label),
        stopped_after("addLabelsToContent", 0.10),
        outcome(0.35, _written, "Exactly the page that was asked for was made and labelled."),
    ),
    mistakes={"drop_fact": _drop_fact, "forget_label": _forget_label, "label_home": _label_home},
    draw=draw,
)
