"""Write given facts on a new page, one paragraph per fact, then label that page.

Only the response to the first write contains the page's id. Typical mistakes: dropping a fact, forgetting the label, or
labelling another page.
"""

import random

from envs import words
from envs.confluence import CONFLUENCE
from envs.confluence.world import site
from envs.requests import page_from_facts
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.oracle import oracle_value
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing, quoted_list
from envs.task import PlannedCall, Task, TaskDraft

_PAGE, _LABEL = "createPage", "addLabelsToContent"

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
_HELD_OUT_WORDINGS = (
    'Set up the page "{title}" in "{space}" with paragraphs {facts}; give it the label "{label}".',
    'Keep {facts} on a page "{title}" of "{space}", a paragraph each, with "{label}" as its label.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a site with three spaces, and two or three facts for a page in one of them."""
    key = words.key(rng, split)
    fresh = words.fresh_words(rng, split)
    title, parent_title = (words.phrase(rng, split, 2, 3, fresh) for _ in range(2))
    facts = [words.phrase(rng, split, 2, 3, fresh) for _ in range(rng.randint(2, 3))]
    tag = next(fresh)
    world, space, _ = site(rng, split, key, parent_title)
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        title=title, space=key, facts=quoted_list(facts), label=tag
    )
    body = {"representation": "storage", "value": "".join(f"<p>{fact}</p>" for fact in facts)}
    plan = (
        PlannedCall("getSpaces", {"keys": [key]}),
        PlannedCall(_PAGE, {"spaceId": space["id"], "title": title, "body": body}),
        PlannedCall(_LABEL, {"id": world.copy().new_id(), "labels": [{"prefix": "global", "name": tag}]}),
    )
    return TaskDraft(request, world, oracle=plan)


def _home_page(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Choose the space's homepage instead of the new page."""
    return {"id": task.world.tables["spaces"][oracle_value(task, _PAGE, "spaceId")]["homepageId"]}


SCENARIO = Scenario(
    name="confluence_page_from_facts",
    api=CONFLUENCE,
    tools=("getSpaces", "getPages", _PAGE, _LABEL, "deletePage"),
    mistakes={
        "drop_fact": change(_PAGE, lambda right, *_: {"body.value": right["body"]["value"].rpartition("<p>")[0]}),
        "forget_label": stop_before(_LABEL),
        "label_home": change(_LABEL, _home_page),
    },
    draw=draw,
    talk=page_from_facts.draw,
)
