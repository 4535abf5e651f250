"""Answer a question about listed issues: from the request alone if that suffices, otherwise by reading one issue.

Half of the questions need no call: which key belongs to a project, has the highest or lowest number, or has a given
position, and how many keys there are. The others ask for a fact of one listed issue. Typical mistakes: reading issues
that the question does not need, or answering a fact without reading it.
"""

import random
from collections.abc import Callable

from envs import words
from envs.api.world import World
from envs.claims.clauses import Claim
from envs.claims.listed import Choice, Count
from envs.jira import JIRA
from envs.jira.world import add_distractors, add_project, empty_site, simple_workflow
from envs.requests import answer_without_tools
from envs.scenarios.jira.issue_facts import FACTS, any_issue, claim_about, facts_of
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing, quoted_list
from envs.task import PlannedCall, Task, TaskDraft

_LIST = "[these are|here are|we have|there are] [|the ][issues|tickets|keys]: {keys}. "
_WORDINGS = {
    "project": (
        'which of {keys} [belongs to|is in|is of] [|the ]project "{project}"?',
        _LIST + '[Which|Which one] [belongs to|is in|is of] [|the ]project "{project}"?',
        '[|please ][tell me|say|name] which of {keys} is [an issue of|in] [|project ]"{project}".',
    ),
    "count": (
        "how many [issues|tickets|keys] are [these|listed here|in this list]: {keys}?",
        _LIST + "[How many is that|How many are they|Count them|Say how many]?",
        "[|please ][count|tell me the number of] [these|the] [issues|tickets|keys]: {keys}.",
    ),
    "extreme": (
        "which of {keys} has the {extreme} [number|number in its key]?",
        _LIST + "[Which|Which one] has the {extreme} number?",
        "[|please ][tell me|say|name] the [key|issue] of {extreme} number among {keys}.",
    ),
    "place": (
        "which [key|issue] [stands|comes] {place} in {keys}?",
        _LIST + "[Which|Which one] [stands|comes] {place}?",
        "[|please ][tell me|say|name] the [key|issue] that [stands|comes] {place} in {keys}.",
    ),
    "read": (
        "[what|which] {fact} has the [issue|one|ticket] that [stands|comes] {place} in {keys}?",
        _LIST + "[What|Which] {fact} has the [one|issue|ticket] that [stands|comes] {place}?",
        "[|please ][tell me|say|look up] the {fact} of the [issue|ticket|one] that [stands|comes] {place} in {keys}.",
        '[what|which] {fact} has the [issue|one|ticket] of [|the ]project "{project}" among {keys}?',
        _LIST + '[What|Which] {fact} has the one of [|the ]project "{project}"?',
    ),
}
_HELD_OUT_WORDINGS = {
    "project": ('Only one of {keys} is filed under "{project}". Its key, please.',),
    "count": ("Say with a figure how long this list is: {keys}.",),
    "extreme": ("Of {keys} I want the key that ends in the {extreme} number.",),
    "place": ("Read {keys} from left to right and give me what comes {place}.",),
    "read": (
        "Of {keys} take what comes {place} and give me its {fact}.",
        'Only one of {keys} is filed under "{project}". Its {fact}, please.',
    ),
}
PLACES = ("first", "second", "third", "last")


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw issues in different projects and a question about them."""
    fresh, world, count = words.fresh_words(rng, split), empty_site(), rng.randint(3, 5)
    keys = words.distinct(rng, count, lambda r: words.key(r, split))
    numbers = rng.sample(range(10, 99), count)
    issues = []
    for key, number in zip(keys, numbers, strict=True):
        summary = words.phrase(rng, split, 2, 3, fresh)
        statuses = [words.phrase(rng, split, 2, 2) for _ in range(3)]
        project = add_project(world, key, words.phrase(rng, split, 1, 2), statuses, simple_workflow())
        issues.append(any_issue(world, rng, project, number, summary))
    add_distractors(world, rng, split, keys)
    listed = [issue["key"] for issue in issues]
    position, chosen = rng.choice(PLACES), rng.randrange(count)
    question = rng.choice(("project", "count", "extreme", "place")) if rng.random() < 0.5 else "read"
    extreme, fact = rng.choice(("highest", "lowest")), rng.choice(FACTS)
    wording = phrasing(rng, split, _WORDINGS[question], _HELD_OUT_WORDINGS[question] * 2)
    request = wording.format(keys=quoted_list(listed), project=keys[chosen], extreme=extreme, place=position, fact=fact)
    index = chosen if "{project}" in wording else PLACES.index(position) if position != "last" else count - 1
    if question == "extreme":
        index = numbers.index((max if extreme == "highest" else min)(numbers))
    claim: Claim | Callable[[World], Claim]
    plan: tuple[PlannedCall, ...] = ()
    if question == "read":
        answer, plan = facts_of(world, issues[index])[fact], (PlannedCall("getIssue", {"issueIdOrKey": listed[index]}),)
        claim = claim_about(issues[index], (fact,))
    else:
        answer = str(count) if question == "count" else listed[index]
        claim = Count(count, tuple(listed)) if question == "count" else Choice(answer, tuple(listed))
    return TaskDraft(request, world, {"listed": listed}, plan, f'It is "{answer}".', claim)


def _read_any(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Read a random issue of the list."""
    return [PlannedCall("getIssue", {"issueIdOrKey": rng.choice(task.goal["listed"])})]


def _read_all(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Read every issue of the list."""
    return [PlannedCall("getIssue", {"issueIdOrKey": key}) for key in task.goal["listed"]]


SCENARIO = Scenario(
    name="jira_answer_without_tools",
    api=JIRA,
    tools=("getIssue",),
    mistakes={"ask_anyway": _read_any, "read_all": _read_all},
    draw=draw,
    talk=answer_without_tools.draw,
)
