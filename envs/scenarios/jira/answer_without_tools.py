"""Answer a question about listed issues: from the request alone if that suffices, otherwise by reading one issue.

Half of the questions need no call: which key belongs to a project, has the highest or lowest number, or has a given
position, and how many keys there are. The others ask for a fact of one listed issue. Typical mistakes: reading issues
that the question does not need, or answering a fact without reading it.
"""

import random
import re

from envs import words
from envs.jira import JIRA
from envs.jira.world import add_distractors, add_project, empty_site, simple_workflow
from envs.reward.answers import named
from envs.reward.checks import Check, FinishedEpisode
from envs.scenarios.jira.issue_facts import FACTS, any_issue, facts_of, possible, unasked
from envs.scenarios.vocabulary.jira_checks import names_at
from envs.scenarios.vocabulary.oracle import same_site_as_oracle
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing, quoted_list
from envs.task import PlannedCall, Task, TaskDraft
from envs.trace import Call

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
FIGURES = ("two", "three", "four", "five", "six", "seven", "eight", "nine")
"""Numbers in words, without "one", which also occurs in "which one"."""


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
    if question != "read":
        answer = str(count) if question == "count" else listed[index]
        return TaskDraft(request, world, {"listed": listed, "answer": answer}, (), f'It is "{answer}".')
    answer = facts_of(world, issues[index])[fact]
    goal = {"listed": listed, "answer": answer, "fact": FACTS.index(fact)}
    return TaskDraft(
        request, world, goal, (PlannedCall("getIssue", {"issueIdOrKey": listed[index]}),), f'It is "{answer}".'
    )


def _issue(task: Task) -> str:
    """Return the key of the issue that the task needs to read, or an empty string."""
    return task.oracle[0].arguments["issueIdOrKey"] if task.oracle else ""


def _is_needed(call: Call, task: Task) -> bool:
    """Return whether a call reads the issue that the question needs."""
    if call.name != "getIssue" or not call.ok or not _issue(task):
        return False
    return str(call.arguments.get("issueIdOrKey", "")).upper() in names_at(task, _issue(task))


def _named(episode: FinishedEpisode) -> set[str]:
    """Return the possible answers that the last turn names, in lower case."""
    task, goal, answer = episode.task, episode.task.goal, episode.trace.answer
    if task.oracle:
        return named(answer, possible(task.world, FACTS[goal["fact"]]))
    if not goal["answer"].isdigit():
        return named(answer, goal["listed"])
    answer = re.sub(r"\b[A-Z]+-\d+\b", "", answer)
    figures = {name: str(value) for value, name in enumerate(FIGURES, 2)}
    return {figures.get(name, name) for name in named(answer, [*FIGURES, *map(str, range(1000))])}


def _only_asked(episode: FinishedEpisode) -> bool:
    """Return whether the answer states no other fact of the issue."""
    task = episode.task
    if not task.oracle:
        return True
    key, issue_id = names_at(task, _issue(task))
    facts = facts_of(task.world, task.world.table("issues")[issue_id])
    return not unasked(episode.trace.answer, key, facts, [FACTS[task.goal["fact"]]])


def _answer_right(episode: FinishedEpisode) -> float:
    """Check that the model gave the right answer, no other possible answer and no other fact, after any needed read."""
    task = episode.task
    known = not task.oracle or any(_is_needed(call, task) for call in episode.trace)
    return float(known and _named(episode) == {task.goal["answer"].lower()} and _only_asked(episode))


def _answered(episode: FinishedEpisode) -> bool:
    """Return whether the last turn names a possible answer and does not copy the response."""
    return bool(_named(episode)) and _only_asked(episode)


def _issue_read(episode: FinishedEpisode) -> float:
    """Check that the last read was of the needed issue, or that a right answer needed and had no read."""
    task, call = episode.task, episode.last("getIssue")
    if not task.oracle:
        return float(call is None and _answer_right(episode))
    return float(call is not None and _is_needed(call, task))


def _calls(episode: FinishedEpisode) -> float:
    """Check that the model answered and made only the needed calls."""
    task, calls = episode.task, episode.trace.calls
    return float(
        _answered(episode) and len(calls) == len(task.oracle) and all(_is_needed(call, task) for call in calls)
    )


def _stopped(episode: FinishedEpisode) -> float:
    return float(episode.trace.stopped and _answered(episode))


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
    checks=(
        Check(
            "argument/issueIdOrKey",
            0.15,
            _issue_read,
            "The model read the issue in question, or none if the request suffices.",
        ),
        Check("procedure/calls", 0.15, _calls, "The model made only the calls that the question needs."),
        Check("procedure/stop", 0.10, _stopped, "The model ended with an answer."),
        Check("answer", 0.25, _answer_right, "The answer is right and not a guess."),
        same_site_as_oracle(0.35, "The answer is right and the site is unchanged.", also=_answer_right),
    ),
    mistakes={"ask_anyway": _read_any, "read_all": _read_all},
    draw=draw,
)
