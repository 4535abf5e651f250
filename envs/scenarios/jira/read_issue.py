"""Say two things about an issue: read it, and answer with what it says and nothing else.

Typical mistakes: another issue is read, nothing is, or all that was read is said and whoever asked has to look himself.
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
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task

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
    """A project with two issues, and others beside it; of one issue two facts are wanted."""
    key = words.key(rng, split)
    # A status by the name of a type would be an answer to either question.
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
    asked = {"facts": [FACTS.index(first), FACTS.index(second)]}
    return TaskDraft(request, world, asked, (PlannedCall("getIssue", {"issueIdOrKey": issue["key"]}),), answer)


def _facts(task: Task) -> Mapping[str, str]:
    _, own_id = names_at(task, oracle_value(task, "getIssue", "issueIdOrKey"))
    return facts_of(task.world, task.world.table("issues")[own_id])


def _only_asked(episode: FinishedEpisode) -> float:
    """1 for an answer with no other fact of the issue, 0 for one with all of them: to copy all is not to answer."""
    task, facts = episode.task, _facts(episode.task)
    asked = {FACTS[kind] for kind in task.goal["facts"]}
    key = oracle_value(task, "getIssue", "issueIdOrKey")
    return 1 - len(unasked(episode.trace.answer, key, facts, asked)) / (len(facts) - len(asked))


def _fact_answered(episode: FinishedEpisode, number: int) -> bool:
    """Whether a fact was answered. It counts only if the issue was read: a guess that fits is worth nothing."""
    task, key = episode.task, oracle_value(episode.task, "getIssue", "issueIdOrKey")
    if not any(call.name == "getIssue" and call.ok and call.body["key"] == key for call in episode.trace):
        return False
    asked = [FACTS[kind] for kind in task.goal["facts"]]
    values = [possible(task.world, fact) for fact in asked]
    own = {value.lower() for value in values[number]}
    return named(episode.trace.answer, set.union(*values)) & own == {_facts(task)[asked[number]].lower()}


def _fact_check(name: str, number: int) -> Check:
    sentence = f"The answer has the {name} of the facts that were asked for, none of another issue, and no other fact."
    return Check(
        f"answer/{name}", 0.25, lambda episode: _fact_answered(episode, number) * _only_asked(episode), sentence
    )


def _both_facts_answered(episode: FinishedEpisode) -> bool:
    return _fact_answered(episode, 0) and _fact_answered(episode, 1) and _only_asked(episode) == 1


def _another_issue(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads another issue."""
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
            0.25, "Both facts and no others are told, and the site is as it was.", also=_both_facts_answered
        ),
    ),
    mistakes={"another_issue": _another_issue, "answer_unread": lambda plan, task, rng: []},
    draw=draw,
)
