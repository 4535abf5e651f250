"""Answer a question about two facts of an issue: read the issue, then state both facts and no others.

Typical mistakes: reading another issue, reading none, or dumping every field.
"""

import random
from collections.abc import Mapping

from envs import words
from envs.jira import JIRA
from envs.jira.world import ISSUE_TYPES, add_distractors, add_project, empty_site, simple_workflow
from envs.reward.answers import named
from envs.reward.checks import Check, FinishedEpisode, stopped_after
from envs.scenarios.jira.issue_facts import FACTS, any_issue, facts_of, possible, unasked
from envs.scenarios.vocabulary.jira_checks import names_at, names_issue
from envs.scenarios.vocabulary.oracle import oracle_value, same_site_as_oracle
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
    goal = {"facts": [FACTS.index(first), FACTS.index(second)]}
    return TaskDraft(request, world, goal, (PlannedCall("getIssue", {"issueIdOrKey": issue["key"]}),), answer)


def _facts(task: Task) -> Mapping[str, str]:
    _, issue_id = names_at(task, oracle_value(task, "getIssue", "issueIdOrKey"))
    return facts_of(task.world, task.world.table("issues")[issue_id])


def _only_asked(episode: FinishedEpisode) -> float:
    """Return 1 if the answer states no other fact of the issue, 0 if it states all: a copy is not an answer."""
    task, facts = episode.task, _facts(episode.task)
    requested = {FACTS[kind] for kind in task.goal["facts"]}
    key = oracle_value(task, "getIssue", "issueIdOrKey")
    return 1 - len(unasked(episode.trace.answer, key, facts, requested)) / (len(facts) - len(requested))


def _fact_answered(episode: FinishedEpisode, number: int) -> bool:
    """Return whether the model stated a fact after reading the issue; a lucky guess does not count."""
    task, key = episode.task, oracle_value(episode.task, "getIssue", "issueIdOrKey")
    if not any(call.name == "getIssue" and call.ok and call.body["key"] == key for call in episode.trace):
        return False
    requested = [FACTS[kind] for kind in task.goal["facts"]]
    values = [possible(task.world, fact) for fact in requested]
    possible_values = {value.lower() for value in values[number]}
    return named(episode.trace.answer, set.union(*values)) & possible_values == {
        _facts(task)[requested[number]].lower()
    }


def _fact_check(name: str, number: int) -> Check:
    sentence = f"The answer states the {name} requested fact, none of another issue, and no other fact."
    return Check(
        f"answer/{name}", 0.25, lambda episode: _fact_answered(episode, number) * _only_asked(episode), sentence
    )


def _both_facts_answered(episode: FinishedEpisode) -> bool:
    return _fact_answered(episode, 0) and _fact_answered(episode, 1) and _only_asked(episode) == 1


def _another_issue(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Read another issue."""
    right = oracle_value(task, "getIssue", "issueIdOrKey")
    others = [issue["key"] for issue in task.world.find("issues") if issue["key"] != right]
    return [PlannedCall("getIssue", {"issueIdOrKey": rng.choice(others)})]


SCENARIO = Scenario(
    name="jira_read_issue",
    api=JIRA,
    tools=("getIssue",),
    checks=(
        names_issue("getIssue", 0.15),
        stopped_after("getIssue", 0.10),
        _fact_check("first", 0),
        _fact_check("second", 1),
        same_site_as_oracle(
            0.25, "The answer states both facts and no others, and the site is unchanged.", also=_both_facts_answered
        ),
    ),
    mistakes={"another_issue": _another_issue, "answer_unread": lambda plan, task, rng: []},
    draw=draw,
)
