"""Answer a question about issues: from the request alone where it says all, by reading one issue where it does not.

Half of the questions follow from the request: which key belongs to a project, has the highest or lowest number, stands
in a place, or how many keys there are. The others ask for a fact of the issue in a place of the same kind of list. What
goes wrong: the site is asked what the request already says, or a fact is answered without having been read.
"""

import random
import re

from envs import words
from envs.api.world import Record, World
from envs.jira import JIRA
from envs.jira.world import PRIORITIES, add_distractors, add_issue, add_project, empty_site, simple_workflow
from envs.reward.checks import Check, FinishedEpisode
from envs.reward.site_diff import changes
from envs.scenarios.jira.read_issue import FACTS, TYPES, facts_of, named, possible, unasked
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
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
_KEPT_BACK = {
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
"""Numbers in words; "one" is none, for it says "which one" too."""


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """A site with the issues that a request lists, each of a project of its own, and a question about them."""
    fresh, world, count = words.fresh_words(rng, split), empty_site(), rng.randint(3, 5)
    keys = words.distinct(rng, count, lambda r: words.key(r, split))
    numbers = rng.sample(range(10, 99), count)
    issues = [
        _issue(world, rng, split, key, number, words.phrase(rng, split, 2, 3, fresh))
        for key, number in zip(keys, numbers, strict=True)
    ]
    add_distractors(world, rng, split, keys)
    listed = [issue["key"] for issue in issues]
    place, chosen = rng.choice(PLACES), rng.randrange(count)
    question = rng.choice(("project", "count", "extreme", "place")) if rng.random() < 0.5 else "read"
    told = {
        "keys": ", ".join(f'"{key}"' for key in listed[:-1]) + f' and "{listed[-1]}"',
        "project": keys[chosen],
        "extreme": (extreme := rng.choice(("highest", "lowest"))),
        "place": place,
        "fact": (fact := rng.choice(FACTS)),
    }
    wording = phrasing(rng, split, _WORDINGS[question], _KEPT_BACK[question] * 2)
    at = chosen if "{project}" in wording else PLACES.index(place) if place != "last" else count - 1
    goal = {"listed": listed, "issue": "", "id": "", "fact": -1}
    if question == "read":
        answer = facts_of(world, issues[at])[fact]
        goal |= {"issue": listed[at], "id": issues[at]["id"], "fact": FACTS.index(fact)}
    elif question == "count":
        answer = str(count)
    elif question == "extreme":
        answer = listed[numbers.index((max if extreme == "highest" else min)(numbers))]
    else:
        answer = listed[at]
    plan = (PlannedCall("getIssue", {"issueIdOrKey": listed[at]}),) if question == "read" else ()
    return TaskDraft(wording.format(**told), world, goal | {"answer": answer}, plan, f'It is "{answer}".')


def _issue(world: World, rng: random.Random, split: words.Split, key: str, number: int, summary: str) -> Record:
    """An issue of a project of its own, in any status, of any type and priority."""
    statuses = [words.phrase(rng, split, 2, 2) for _ in range(3)]
    project = add_project(world, key, words.phrase(rng, split, 1, 2), statuses, simple_workflow())
    flow = world.table("workflows")[project["workflow"]]
    status = rng.choice([flow["initial"], *(step["to"] for step in flow["transitions"])])
    issue = add_issue(world, project, number, summary, rng.choice(TYPES), status)
    priority = world.find("priorities", name=rng.choice(PRIORITIES))[0]["id"]
    world.table("issues")[issue["id"]] = issue = {**issue, "fields": {**issue["fields"], "priority": priority}}
    return issue


def _needed(call: Call, task: Task) -> bool:
    """Whether a call reads what the task cannot be answered without."""
    issue = str(call.arguments.get("issueIdOrKey", "")).upper()
    return call.name == "getIssue" and call.ok and bool(issue) and issue in (task.goal["issue"], task.goal["id"])


def _known(episode: FinishedEpisode) -> bool:
    """Whether the answer can be known: it is in the request, or was read."""
    task = episode.task
    return not task.goal["issue"] or any(_needed(call, task) for call in episode.trace)


def _named(episode: FinishedEpisode) -> set[str]:
    """What the last turn names of all that could answer the question, in lower case."""
    goal, said = episode.task.goal, episode.trace.answer
    if goal["issue"]:
        return named(said, possible(episode.task.world, FACTS[goal["fact"]]))
    if not goal["answer"].isdigit():
        return named(said, goal["listed"])
    said = re.sub(r"\b[A-Z]+-\d+\b", "", said)
    figures = {name: str(value) for value, name in enumerate(FIGURES, 2)}
    found = named(said, [*FIGURES, *map(str, range(1000))])
    return {figures.get(one, one) for one in found}


def _right(episode: FinishedEpisode) -> bool:
    """The answer is named, nothing else that could be one, and no other fact; one that was not read is a guess."""
    return _known(episode) and _named(episode) == {episode.task.goal["answer"].lower()} and _only_asked(episode)


def _only_asked(episode: FinishedEpisode) -> bool:
    """Whether the answer tells no fact of the issue but the one in question."""
    goal, world = episode.task.goal, episode.task.world
    if not goal["issue"]:
        return True
    facts = facts_of(world, world.table("issues")[goal["id"]])
    return not unasked(episode.trace.answer, goal["issue"], facts, [FACTS[goal["fact"]]])


def _answered(episode: FinishedEpisode) -> bool:
    """Whether the last turn could be an answer: it names something, and does not copy what was read."""
    return bool(_named(episode)) and _only_asked(episode)


def _issue_read(episode: FinishedEpisode) -> float:
    """The last read was of the issue in question; where none is in question, the answer came without one."""
    task, call = episode.task, episode.last("getIssue")
    if not task.goal["issue"]:
        return float(call is None and _right(episode))
    return float(call is not None and _needed(call, task))


def _calls(episode: FinishedEpisode) -> float:
    """No call more than needed was made, and there is an answer."""
    task, calls = episode.task, episode.trace.calls
    return float(_answered(episode) and len(calls) == len(task.oracle) and all(_needed(call, task) for call in calls))


def _stopped(episode: FinishedEpisode) -> float:
    """The model ended the episode by itself with something that could be an answer."""
    return float(episode.trace.stopped and _answered(episode))


def _outcome(episode: FinishedEpisode) -> float:
    return float(_right(episode) and not changes(episode.task.world, episode.final))


def _ask_anyway(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads an issue of the list, be it needed or not."""
    return [PlannedCall("getIssue", {"issueIdOrKey": rng.choice(task.goal["listed"])})]


def _read_all(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads every issue of the list."""
    return [PlannedCall("getIssue", {"issueIdOrKey": key}) for key in task.goal["listed"]]


SCENARIO = Scenario(
    name="jira_answer_without_tools",
    api=JIRA,
    tools=("getIssue",),
    checks=(
        Check("argument/issueIdOrKey", 0.15, _issue_read, "The issue in question was read, if any is; else none."),
        Check("procedure/calls", 0.15, _calls, "Nothing was asked that the request says, and no more than needed."),
        Check("procedure/stop", 0.10, _stopped, "The model ended with an answer."),
        Check("answer", 0.25, lambda episode: float(_right(episode)), "The answer is right, and known, not guessed."),
        Check("outcome", 0.35, _outcome, "The answer is right and the site is as it was.", outcome=True),
    ),
    mistakes={"ask_anyway": _ask_anyway, "read_all": _read_all},
    draw=draw,
)
