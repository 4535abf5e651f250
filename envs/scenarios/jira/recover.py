"""Move an issue and create another on a site with transient failures: retry failed calls, and repeat no others.

In four tasks of five, one call fails once or twice with 429, 500 or, for a transition, 409, although the call is right.
Typical mistakes: giving up, continuing as if the failed call had succeeded, or repeating a write that succeeded, which
creates a second issue.
"""

import random
from dataclasses import replace

from envs import words
from envs.api.faults import Faults
from envs.jira import JIRA
from envs.jira.world import ISSUE_TYPES, add_distractors, add_issue, add_project, empty_site
from envs.reward.checks import Check, FinishedEpisode
from envs.scenarios.vocabulary.jira_moves import (
    MOVE,
    MOVED,
    about_moved_issue,
    planned_move,
    planned_read,
    right_transition,
    workflow_steps,
)
from envs.scenarios.vocabulary.mistakes import give_up
from envs.scenarios.vocabulary.oracle import any_case, like_oracle, same_site_as_oracle
from envs.scenarios.vocabulary.scenario import Plan, Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft
from envs.trace import BLAMELESS, answered_before

_MOVE = (
    '[[move|bring|take|transition] [|issue |the ticket ]"{issue}" [to|into] "{status}"'
    '|set the status of [|issue ]"{issue}" to "{status}"|[put|get] "{issue}" into "{status}"]'
)
_NEW = (
    '[[create|add|raise|file] a "{type}" [in|for] [|project ]"{project}"[: | called | named | with summary ]"{summary}"'
    '|[note|log|track] "{summary}" [in|under] [|project ]"{project}" as a "{type}"]'
)
_WORDINGS = (
    f"[|please |could you ]{_MOVE}[, then | and then |, and after that ]{_NEW}.",
    f"[|please ]{_MOVE}. [Then|After that|Next], [|please ]{_NEW}.",
    f"[two things|two steps|I need two things]: {_MOVE}, [and|then] {_NEW}.",
    f"[first|to begin with], {_MOVE}; [second|then|next], {_NEW}.",
    f'"{{issue}}" goes to "{{status}}"[. Also| now. Then|, and then] {_NEW}.',
    f'"{{issue}}" [is ready for|belongs in] "{{status}}", [move|bring] it there[. Then| and] {_NEW}.',
)
_HELD_OUT_WORDINGS = (
    f'Take the ticket "{{issue}}" on to "{{status}}" and, when it is there, {_NEW}.',
    f'{_MOVE}. With that done, "{{project}}" gets a new "{{type}}": "{{summary}}".',
)
_CREATE = "createIssue"
OPERATIONS = ("getTransitions", MOVE, _CREATE)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw a project with a workflow, an issue to move, an issue to create, and the calls that fail."""
    key, number, choices = words.key(rng, split), rng.randint(10, 97), rng.randint(2, 3)
    fresh = words.fresh_words(rng, split)
    current, *targets = (words.phrase(rng, split, 1, 2, fresh) for _ in range(choices + 1))
    leads = [*(([0], number) for number in range(1, choices + 1)), ([1], 0)]
    steps = workflow_steps(rng, split, fresh, leads)
    world = empty_site()
    project = add_project(world, key, words.phrase(rng, split, 1, 2), [current, *targets], steps)
    issue = add_issue(world, project, number, words.phrase(rng, split, 2, 3))
    add_distractors(world, rng, split, [key])
    world.next_id = rng.randint(10_000, 99_000)
    chosen, kind, summary = rng.randrange(choices), rng.choice(ISSUE_TYPES[:3]), words.phrase(rng, split, 2, 3, fresh)
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        issue=issue["key"], status=targets[chosen], project=key, type=kind, summary=summary
    )
    fields = {"project": {"key": key}, "issuetype": {"name": kind}, "summary": summary}
    plan = (
        planned_read(issue["key"]),
        planned_move(issue["key"], steps[chosen]["id"]),
        PlannedCall(_CREATE, {"fields": fields}),
    )
    faults = _faults(rng)
    return TaskDraft(request, world, oracle=_retried(plan, faults), faults=faults)


def _faults(rng: random.Random) -> Faults | None:
    """Draw a call that fails once or twice; in one task of five, none."""
    if rng.random() < 0.2:
        return None
    name = rng.choice(OPERATIONS)
    # The official document has 409 for transitions alone.
    statuses = [rng.choice((429, 500, 409) if name == MOVE else (429, 500))]
    if rng.random() < 0.3:
        statuses.append(rng.choice((429, 500)))
    return Faults(on=tuple((name, index + 1, status) for index, status in enumerate(statuses)))


def _retried(plan: tuple[PlannedCall, ...], faults: Faults | None) -> tuple[PlannedCall, ...]:
    """Return the plan with each failing call followed by its retries."""
    failing = [name for name, _, _ in faults.on] if faults else []
    retried: list[PlannedCall] = []
    for call in plan:
        retried += [*[replace(call, fails=True)] * failing.count(call.name), call]
    return tuple(retried)


def _accepted(episode: FinishedEpisode, name: str) -> bool:
    return any(call.ok for call in episode.trace.of(name))


def _read_before_move(episode: FinishedEpisode) -> float:
    """Check that the model read the transitions before its first move that was accepted or met a fault."""
    calls = episode.trace.calls
    first = next((p for p, call in enumerate(calls) if call.name == MOVE and call.error != "refused"), -1)
    known = answered_before(calls, first)
    return float(
        any(call.name == "getTransitions" and call.ok and about_moved_issue(call, episode.task) for call in known)
    )


def _failures_retried(episode: FinishedEpisode) -> float:
    """Grade retries: the share of failed calls repeated at once, unchanged; without failures, repeat no call."""
    calls = episode.trace.calls
    progress = sum(_accepted(episode, name) for name in (MOVE, _CREATE)) / 2
    if episode.task.faults is None:
        return progress if len(calls) == len({call.name for call in calls}) else 0.0
    failed = [index for index, call in enumerate(calls) if call.error in BLAMELESS]
    repeated = sum(
        (calls[index].name, calls[index].arguments) == (after.name, after.arguments) and calls[index].turn < after.turn
        for index in failed
        for after in calls[index + 1 : index + 2]
    )
    return progress * repeated / max(len(failed), len(episode.task.faults.on))


def _stopped(episode: FinishedEpisode) -> float:
    """Check that the API accepted both writes, one of them as the last call, and that the model then stopped."""
    calls = episode.trace.calls
    both = _accepted(episode, MOVE) and _accepted(episode, _CREATE)
    return float(episode.trace.stopped and both and calls[-1].ok and calls[-1].name != "getTransitions")


def _go_on(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Continue as if the failed call had succeeded."""
    failed = {call.name for call in plan if call.fails}
    return [call for call in plan if call.fails or call.name not in failed]


def _twice(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Repeat each successful write."""
    return [again for call in plan for again in (call, call)[: 1 + (call.name != "getTransitions" and not call.fails)]]


SCENARIO = Scenario(
    name="jira_recover",
    api=JIRA,
    tools=OPERATIONS,
    checks=(
        like_oracle(MOVE, "issueIdOrKey", 0.05, any_case),
        right_transition(0.10),
        like_oracle(_CREATE, "fields.project.key", 0.05),
        like_oracle(_CREATE, "fields.issuetype.name", 0.05),
        like_oracle(_CREATE, "fields.summary", 0.10),
        Check(
            "procedure/getTransitions",
            0.05,
            _read_before_move,
            "The model read the transitions before trying one of them.",
        ),
        Check(
            "procedure/again",
            0.15,
            _failures_retried,
            "The model repeated failed calls at once and unchanged, and no others.",
        ),
        Check("procedure/stop", 0.10, _stopped, "The model stopped once both writes were accepted."),
        same_site_as_oracle(0.35, "The issue has moved, and the only new issue is the requested one.", MOVED),
    ),
    mistakes={"give_up": give_up, "go_on": _go_on, "twice": _twice},
    draw=draw,
)
