"""Create an issue: one write with nested fields of different shapes.

Typical mistakes: dropping the priority or the labels, or giving the project as a bare key instead of an object.
"""

import random

from envs import words
from envs.jira import JIRA
from envs.jira.world import ISSUE_TYPES, PRIORITIES, add_distractors, add_project, empty_site, simple_workflow
from envs.requests import create_issue
from envs.scenarios.vocabulary.mistakes import change, omit
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, TaskDraft

_REST = (
    '[, priority "{priority}", {labels}|, {labels}, priority "{priority}"| with {labels} and priority "{priority}"'
    '|, priority "{priority}" and {labels}|. Priority "{priority}", {labels}|. Use priority "{priority}" and {labels}'
    '|. It has {labels} and priority "{priority}"].'
)
_WORDINGS = (
    '[|please |could you |we should ][create|add|raise|set up] a "{type}" [in|for] [|project ]"{project}"'
    '[: | called | titled | with summary ]"{summary}"' + _REST,
    '[|please |could you ][file|log|note] "{summary}" [as a "{type}" [in|under|for] "{project}"'
    '|[in|under] [|project ]"{project}" as a "{type}"|in "{project}". It is a "{type}"]' + _REST,
    '[|please |could you ]track "{summary}" in "{project}" as a "{type}"' + _REST,
    'in [|project ]"{project}", [please |][raise|create|add] a "{type}" [called|named|with summary] "{summary}"'
    + _REST,
    '[project "{project}" needs|we need in "{project}"] a "{type}": "{summary}"' + _REST,
    'we need a "{type}" in "{project}" with [priority "{priority}" and {labels}|{labels} and priority "{priority}"].'
    ' [S|The s]ummary[:| is] "{summary}".',
    '[add|raise] a "{priority}" priority "{type}" [to|in] project "{project}", {labels}, summary "{summary}".',
    '[could|can] you create a "{type}" for "{project}"? The summary is "{summary}", the priority "{priority}",'
    " with {labels}.",
    'new "{type}" please: "{summary}" [in|for] project "{project}"' + _REST,
    '[|please ]set up a "{type}" with {labels}, priority "{priority}" and summary "{summary}" in "{project}".',
)
_HELD_OUT_WORDINGS = (
    'Enter a "{type}" in "{project}" called "{summary}" with {labels} and priority "{priority}".',
    'Please track "{summary}" under "{project}" as a "{type}", with priority "{priority}" and {labels}.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a project among others, and the fields of a new issue in it."""
    key, kind, priority = words.key(rng, split), rng.choice(ISSUE_TYPES[:3]), rng.choice(PRIORITIES)
    fresh = words.fresh_words(rng, split)
    summary = words.phrase(rng, split, 2, 3, fresh)
    labels = [next(fresh) for _ in range(rng.randint(1, 2))]
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), ["To do", "Doing", "Finished"], simple_workflow())
    world.table("projects")[project["id"]] = {**project, "next_number": rng.randint(10, 98)}
    add_distractors(world, rng, split, [key])
    world.next_id = rng.randint(10_000, 99_000)
    quoted = " and ".join(f'"{label}"' for label in labels)
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        type=kind, project=key, summary=summary, priority=priority, labels=f"label{'s' * (len(labels) - 1)} {quoted}"
    )
    fields = {
        "project": {"key": key},
        "issuetype": {"name": kind},
        "summary": summary,
        "priority": {"name": priority},
        "labels": labels,
    }
    return TaskDraft(request, world, oracle=(PlannedCall("createIssue", {"fields": fields}),))


SCENARIO = Scenario(
    name="jira_create_issue",
    api=JIRA,
    tools=("createIssue",),
    mistakes={
        "drop_priority": omit("createIssue", "fields.priority"),
        "drop_labels": omit("createIssue", "fields.labels"),
        "flat_project": change("createIssue", lambda right, *_: {"fields.project": right["fields"]["project"]["key"]}),
    },
    draw=draw,
    talk=create_issue.draw,
)
