"""Answer a question about two facts of an issue: read the issue, then state both facts and no others.

Typical mistakes: reading another issue, reading none, or dumping every field.
"""

import random

from envs import words
from envs.jira import JIRA
from envs.jira.world import ISSUE_TYPES, add_distractors, add_project, empty_site, simple_workflow
from envs.requests import read_issue
from envs.scenarios.jira.issue_facts import FACTS, any_issue, claim_about, facts_of
from envs.scenarios.vocabulary.oracle import oracle_value
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_WORDINGS = (
    "[what are|tell me|I need|please give me|could you look up] the {first} and the {second} of [|issue |the issue ]"
    '"{issue}"[.|, please.]',
    '[look|please look] at "{issue}" and [say|tell me|report] its {first} and its {second}.',
    '[which|what] {first} and [which|what] {second} does [|issue |ticket ]"{issue}" have?',
    'I have to report on "{issue}": [its {first} and {second}, please|what are its {first} and {second}].',
    'for [|issue ]"{issue}" [I need|tell me] the {first}, and the {second} too.',
)
_HELD_OUT_WORDINGS = (
    'Read the ticket "{issue}" for me: the {first} and the {second} are what I am after.',
    'Of "{issue}", find out the {second} and also the {first}.',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a project with two issues among other projects, and choose two facts of one issue."""
    key = words.key(rng, split)
    # A status with the name of a type would answer either question.
    fresh = (word for word in words.fresh_words(rng, split) if word.title() not in ISSUE_TYPES)
    statuses = [words.phrase(rng, split, 1, 2, fresh) for _ in range(3)]
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), statuses, simple_workflow())
    numbers = rng.sample(range(10, 99), 2)
    issue, _ = (any_issue(world, rng, project, number, words.phrase(rng, split, 2, 3, fresh)) for number in numbers)
    add_distractors(world, rng, split, [key])
    first, second = rng.sample(FACTS, 2)
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(issue=issue["key"], first=first, second=second)
    facts = facts_of(world, issue)
    answer = f'Its {first} is "{facts[first]}", its {second} "{facts[second]}".'
    plan = (PlannedCall("getIssue", {"issueIdOrKey": issue["key"]}),)
    return TaskDraft(request, world, oracle=plan, answer=answer, claim=claim_about(issue, (first, second)))


def _another_issue(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Read another issue."""
    right = oracle_value(task, "getIssue", "issueIdOrKey")
    others = [issue["key"] for issue in task.world.find("issues") if issue["key"] != right]
    return [PlannedCall("getIssue", {"issueIdOrKey": rng.choice(others)})]


SCENARIO = Scenario(
    name="jira_read_issue",
    api=JIRA,
    tools=("getIssue",),
    mistakes={"another_issue": _another_issue, "answer_unread": lambda plan, task, rng: []},
    draw=draw,
    talk=read_issue.draw,
)
