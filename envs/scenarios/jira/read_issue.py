"""Say two things about an issue: read it, and answer with what it says and nothing else.

What goes wrong: another issue is read, nothing is, or all that was read is said and whoever asked has to look himself.
"""

import random
import re
from collections.abc import Iterable, Mapping

from envs import words
from envs.api.operation import Json
from envs.api.world import Record, World
from envs.jira import JIRA
from envs.jira.world import (
    ISSUE_TYPES,
    PRIORITIES,
    add_distractors,
    add_issue,
    add_project,
    empty_site,
    simple_workflow,
)
from envs.reward.checks import Check, FinishedEpisode, argument, stopped_after
from envs.reward.site_diff import changes
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.trace import Call

TYPES = ("Task", "Bug", "Story")
_WORDINGS = (
    "[what are|tell me|I need|please give me|could you look up] the {first} and the {second} of [|issue |the issue ]"
    '"{issue}"[.|, please.]',
    '[look|please look] at "{issue}" and [say|tell me|report] its {first} and its {second}.',
    '[which|what] {first} and [which|what] {second} does [|issue |ticket ]"{issue}" have?',
    'I have to report on "{issue}": [its {first} and {second}, please|what are its {first} and {second}].',
    'for [|issue ]"{issue}" [I need|tell me] the {first}, and the {second} too.',
)
_KEPT_BACK = (
    'Read the ticket "{issue}" for me: the {first} and the {second} are what I am after.',
    'Of "{issue}", find out the {second} and also the {first}.',
)
FACTS = ("status", "priority", "type", "summary")
"""What can be asked for."""


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """A project with two issues, and others beside it; of one issue two facts are wanted."""
    key = words.key(rng, split)
    # A status by the name of a type would be an answer to either question.
    fresh = (word for word in words.fresh_words(rng, split) if word.title() not in ISSUE_TYPES)
    statuses = [words.phrase(rng, split, 1, 2, fresh) for _ in range(3)]
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), statuses, simple_workflow())
    numbers = rng.sample(range(10, 99), 2)
    issue, _ = (_issue(world, rng, project, number, words.phrase(rng, split, 2, 3, fresh)) for number in numbers)
    add_distractors(world, rng, split, [key])
    first, second = rng.sample(FACTS, 2)
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(issue=issue["key"], first=first, second=second)
    facts = facts_of(world, issue)
    return TaskDraft(
        request,
        world,
        {
            "names": [issue["key"], issue["id"]],
            "first": facts[first],
            "second": facts[second],
            "facts": [FACTS.index(first), FACTS.index(second)],
        },
        (PlannedCall("getIssue", {"issueIdOrKey": issue["key"]}),),
        f'Its {first} is "{facts[first]}", its {second} "{facts[second]}".',
    )


def _issue(world: World, rng: random.Random, project: Record, number: int, summary: str) -> Record:
    """An issue in any status of its project, of any type and priority."""
    flow = world.table("workflows")[project["workflow"]]
    status = rng.choice([flow["initial"], *(step["to"] for step in flow["transitions"])])
    issue = add_issue(world, project, number, summary, rng.choice(TYPES), status)
    priority = world.find("priorities", name=rng.choice(PRIORITIES))[0]["id"]
    world.table("issues")[issue["id"]] = issue = {**issue, "fields": {**issue["fields"], "priority": priority}}
    return issue


def possible(world: World, fact: str) -> set[str]:
    """All that a fact is of some issue, or could become."""
    if fact == "summary":
        return {issue["fields"]["summary"] for issue in world.find("issues")}
    table = {"status": "statuses", "priority": "priorities", "type": "issuetypes"}[fact]
    return {record["name"] for record in world.find(table)}


def facts_of(world: World, issue: Record) -> Mapping[str, str]:
    """The facts of an issue that can be asked for."""
    return {
        "status": world.table("statuses")[issue["status"]]["name"],
        "priority": world.table("priorities")[issue["fields"]["priority"]]["name"],
        "type": world.table("issuetypes")[issue["issuetype"]]["name"],
        "summary": issue["fields"]["summary"],
    }


def _same_issue(value: Json, wanted: Json) -> float:
    return float(isinstance(value, str | int) and str(value).upper() in wanted)


def _read_it(call: Call, task: Task) -> bool:
    return call.name == "getIssue" and call.ok and call.body["key"] == task.goal["names"][0]


def named(text: str, values: Iterable[str]) -> set[str]:
    """Which values stand in a text, in whole words and lower case; a longer one hides those inside it."""
    longest = sorted(map(re.escape, values), key=len, reverse=True)
    return {found.lower() for found in re.findall(rf"(?<!\w)(?:{'|'.join(longest)})(?!\w)", text, re.IGNORECASE)}


def unasked(text: str, key: str, facts: Mapping[str, str], asked: Iterable[str]) -> set[str]:
    """Which facts of an issue a text tells that were not asked for.

    What the issue is called by, as in `the bug "AB-1"`, tells no type, nor does the word in lower case.
    """
    kinds = "|".join(map(re.escape, ISSUE_TYPES))
    text = re.sub(rf'\b(?:(?:{kinds})\s+)?"?{re.escape(key)}\b', " ", text, flags=re.IGNORECASE)
    text = re.sub(rf"\b(?:{kinds.lower()})\b", " ", text)
    wanted = [facts[fact] for fact in asked]
    found = named(text, facts.values())
    return {fact for fact, value in facts.items() if value.lower() in found and value not in wanted}


def _only_asked(episode: FinishedEpisode) -> float:
    """1 for an answer with no other fact of the issue, 0 for one with all of them: to copy all is not to answer."""
    task = episode.task
    key, own_id = task.goal["names"]
    facts = facts_of(task.world, task.world.table("issues")[own_id])
    asked = {FACTS[kind] for kind in task.goal["facts"]}
    return 1 - len(unasked(episode.trace.answer, key, facts, asked)) / (len(facts) - len(asked))


def _told(episode: FinishedEpisode, fact: str) -> bool:
    """A fact counts only if the issue was read: a guess that happens to fit is worth nothing."""
    task = episode.task
    if not any(_read_it(call, task) for call in episode.trace):
        return False
    first, second = (possible(task.world, FACTS[kind]) for kind in task.goal["facts"])
    own = {value.lower() for value in (first if fact == "first" else second)}
    return named(episode.trace.answer, first | second) & own == {task.goal[fact].lower()}


def _fact(fact: str, weight: float) -> Check:
    sentence = f"The answer has the {fact} of the facts that were asked for, none of another issue, and no other fact."
    return Check(f"answer/{fact}", weight, lambda episode: _told(episode, fact) * _only_asked(episode), sentence)


def _holds(episode: FinishedEpisode) -> float:
    changed = changes(episode.task.world, episode.final)
    both = _told(episode, "first") and _told(episode, "second")
    return float(not changed and both and _only_asked(episode) == 1)


def _another_issue(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads another issue."""
    others = [issue["key"] for issue in task.world.find("issues") if issue["key"] not in task.goal["names"]]
    return [PlannedCall("getIssue", {"issueIdOrKey": rng.choice(others)})]


SCENARIO = Scenario(
    name="jira_read_issue",
    api=JIRA,
    tools=("getIssue",),
    checks=(
        argument("getIssue", "issueIdOrKey", "names", 0.15, _same_issue),
        stopped_after("getIssue", 0.10),
        _fact("first", 0.25),
        _fact("second", 0.25),
        Check("outcome", 0.25, _holds, "Both facts and no others are told, and the site is as it was.", outcome=True),
    ),
    mistakes={"another_issue": _another_issue, "answer_unread": lambda plan, task, rng: []},
    draw=draw,
)
