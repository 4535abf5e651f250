"""Move an issue that somebody else moves at the same moment: read again, and go on from where it is now.

In three tasks of four another user makes a transition just before ours, so that ours no longer leaves the issue's
status and the site refuses it. From the new status another transition leads to the wished one. What goes wrong: the
model gives up, makes the refused transition again, or takes another id of the old answer.
"""

import random

from envs import words
from envs.api.faults import Faults, Rival
from envs.api.world import Record
from envs.jira import JIRA
from envs.jira.world import add_distractors, add_issue, add_project, empty_site
from envs.reward.checks import Check, FinishedEpisode, argument, outcome, stopped_after
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.jira_writes import moves, one_moved, read_it, reads, right_issue
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.trace import Call, answered_before
from envs.words import Split

_ISSUE = '[|issue |ticket |the ticket ]"{issue}"'
_BUSY = "[|. Others work on it, too|. The team may move it meanwhile|, wherever it is by then|. It must end there]"
_WORDINGS = (
    f'[|please |can you |could you ][move|bring|take|transition] {_ISSUE} [to|into|on to] "{{status}}"{_BUSY}.',
    f'[|please ][set|change] the status of {_ISSUE} to "{{status}}"{_BUSY}.',
    f'{_ISSUE} [should be in|must get to|belongs in|has to reach] "{{status}}"{_BUSY}.',
    f'"{{status}}" is [where|the status in which] {_ISSUE} [belongs|has to be][|, move it there]{_BUSY}.',
    f'see [to it |]that {_ISSUE} [gets to|reaches|ends in] "{{status}}"{_BUSY}.',
)
_KEPT_BACK = (
    'Whatever happens to "{issue}" today, "{status}" is where I want to find it.',
    'Get "{issue}" over to "{status}", it is much in demand.',
)
TARGET = 3


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """A project from each of whose statuses a transition of its own leads to the wished one, and perhaps a rival."""
    key, fresh = words.key(rng, split), words.fresh_words(rng, split)
    statuses = [words.phrase(rng, split, 1, 2, fresh) for _ in range(TARGET + 1)]
    # The issue stands in status 0; 1 and 2 are where somebody may take it.
    pairs = [(0, 1), (0, 2), (0, TARGET), (1, 0), (1, TARGET), (2, 1), (2, TARGET)]
    ids = [str(made) for made in rng.sample(range(11, 100), len(pairs))]
    leads = dict(zip(pairs, ids, strict=True))
    steps: list[Record] = [
        {"id": made, "name": words.phrase(rng, split, 1, 2, fresh), "from": [source], "to": to}
        for (source, to), made in leads.items()
    ]
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), statuses, rng.sample(steps, len(steps)))
    issue = add_issue(world, project, rng.randint(10, 99), words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    taken_to = rng.choice((0, 0, 1, 1, 1, 2, 2, 2))
    goal = {"issue": issue["key"], "status": statuses[TARGET]}
    goal |= {"first": leads[0, TARGET], "transition": leads[taken_to, TARGET], "moves": 1 + bool(taken_to)}
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(**goal)
    read, last = reads(issue["key"]), _move(goal, goal["transition"])
    if not taken_to:
        return TaskDraft(request, world, goal, (read, last))
    theirs = moves(issue["key"], leads[0, taken_to])
    rival = Rival("doTransition", ((theirs.name, theirs.arguments),))
    early = _move(goal, goal["first"], fails=True)
    return TaskDraft(request, world, goal, (read, early, read, last), faults=Faults(rival=rival))


def _move(goal: Record, transition: str, fails: bool = False) -> PlannedCall:
    call = moves(goal["issue"], transition)
    return PlannedCall(call.name, call.arguments, f'"{goal["status"]}": {transition}', fails)


def _arrived(task: Task, changed: list[Change]) -> bool:
    """The issue is in the wished status, after as many moves as it takes, and nothing else has changed."""
    after = changed[0].after if changed else None
    return one_moved(task, changed) and after is not None and len(after["history"]) == task.goal["moves"]


def _transition(call: Call) -> str:
    wanted = call.arguments.get("transition")
    return str(wanted.get("id")) if isinstance(wanted, dict) else ""


def _fresh(episode: FinishedEpisode) -> float:
    """The last transition is the right one, and was read after all that came before it."""
    calls = episode.trace.calls
    places = [place for place, call in enumerate(calls) if call.name == "doTransition"]
    if not places or _transition(calls[places[-1]]) != episode.task.goal["transition"]:
        return 0.0
    since = places[-2] + 1 if len(places) > 1 else 0
    between = answered_before(calls, places[-1])[since:]
    return float(any(call.name == "getTransitions" and call.ok and read_it(call, episode.task) for call in between))


def _read(episode: FinishedEpisode) -> float:
    """The transitions were read before the first move."""
    calls = episode.trace.calls
    first = next((place for place, call in enumerate(calls) if call.name == "doTransition"), 0)
    known = answered_before(calls, first)
    return float(any(call.name == "getTransitions" and read_it(call, episode.task) for call in known))


def _again(episode: FinishedEpisode) -> float:
    """After a conflict: one read, one move. Where nothing was in conflict, nothing is done twice."""
    goal, calls = episode.task.goal, episode.trace.calls
    made = episode.trace.of("doTransition")
    if episode.task.faults is None:
        return float(len(made) == 1 and made[0].ok and len(calls) == 2)
    place = next((place for place, call in enumerate(calls) if call.error == "conflict"), None)
    if place is None or len(calls) < place + 3:
        return 0.0
    failed, read, move = calls[place : place + 3]
    reread = read.name == "getTransitions" and read.ok and read_it(read, episode.task)
    moved = move.name == "doTransition" and move.ok and failed.turn < read.turn < move.turn
    return float(_transition(failed) == goal["first"] and reread and moved)


def _give_up(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Stops at the conflict."""
    return plan[:2]


def _insist(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Makes the refused transition again."""
    return [*plan[:2], plan[1]] if task.faults else plan


def _old_answer(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Tries another transition of the first answer."""
    if not task.faults:
        return plan
    start = task.world.find("issues", key=task.goal["issue"])[0]["status"]
    steps = [step for flow in task.world.find("workflows") for step in flow["transitions"] if start in step["from"]]
    others = [step["id"] for step in steps if step["id"] != task.goal["first"]]
    return [*plan[:2], moves(str(task.goal["issue"]), rng.choice(others))]


SCENARIO = Scenario(
    name="jira_transition_conflict",
    api=JIRA,
    tools=("getTransitions", "doTransition"),
    checks=(
        argument("doTransition", "issueIdOrKey", "issue", 0.05, right_issue),
        Check("argument/transition.id", 0.20, _fresh, "The last transition is right for where the issue was by then."),
        Check("procedure/getTransitions", 0.10, _read, "The transitions were read before the first move."),
        Check(
            "procedure/again", 0.20, _again, "After a conflict it was read again and moved; else nothing was repeated."
        ),
        stopped_after("doTransition", 0.10),
        outcome(0.35, _arrived, "The issue is in the wished status and nothing else has changed."),
    ),
    mistakes={"give_up": _give_up, "insist": _insist, "old_answer": _old_answer},
    draw=draw,
)
