"""Comment on an issue and mention somebody: find the account id by name, then write a document with a mention in it.

Others share a name with the person, one of them has the whole name and a further one. What goes wrong: the mention is
written as plain text, a name stands where the account id belongs, another person is mentioned, or nothing is written
after reading.
"""

import random

from envs import words
from envs.api.json_paths import leafwise, leaves
from envs.api.operation import Json
from envs.jira import JIRA
from envs.reward.checks import Check, FinishedEpisode, argument, at, outcome, stopped_after
from envs.reward.provenance import last_place, seen_before
from envs.reward.site_diff import Change
from envs.scenarios.vocabulary.jira_reads import user_found
from envs.scenarios.vocabulary.jira_sites import add_people, mixable, names_of, two_projects
from envs.scenarios.vocabulary.scenario import Plan, Scenario, TaskDraft
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task
from envs.words import Split

_CALL, _READ = "addComment", "findUsers"
_SHAPE = (
    '{"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "mention", "attrs": {"id": "'
    'ACCOUNT"}}, {"type": "text", "text": "..."}]}]}'
)
API = JIRA.showing(_CALL, {"body": {"type": "object", "description": _SHAPE}})
_WORDINGS = (
    '[|please |could you ][comment on|leave a comment on|add a comment to] [|the issue |the ticket ]"{issue}"[:| with]'
    ' [first|at its beginning] a mention of "{person}", [then|after that] "{text}".',
    '[|please ]mention "{person}" in a [|new ]comment on [|the issue |the ticket ]"{issue}"[, followed by|; after the'
    ' mention comes|, then the text] "{text}".',
    '[on|under] [|the issue |the ticket ]"{issue}", [|please ][tell|remind|ask] "{person}" [in a comment|by a'
    ' comment][ (mention first)|, a mention first,]: "{text}".',
    '"{person}" [should|has to|ought to] [read|see|know] "{text}": [mention them|put a mention] and then [that'
    ' text|these words] [in a comment|into a comment] on "{issue}".',
    '[|please ]write a comment on "{issue}": [first|at the beginning] a mention of "{person}", then [|the text |the'
    ' words ]"{text}".',
)
_KEPT_BACK = (
    'A comment on "{issue}", please: a mention of "{person}" and after it "{text}".',
    'Call in "{person}" on the ticket "{issue}" by a comment with a mention and then "{text}".',
)


def draw(rng: random.Random, split: Split) -> TaskDraft:
    """An issue, four people who share names, and words for one of them."""
    site = two_projects(rng, split)
    person, *_ = add_people(site, rng)
    text, *summaries = (words.phrase(rng, split, 2, 4, site.fresh) for _ in range(3))
    issue = mixable(site, rng, summaries)[0]
    request = phrasing(rng, split, _WORDINGS, _KEPT_BACK).format(
        issue=issue["key"], person=person["displayName"], text=text
    )
    account = person["accountId"]
    goal = {
        "issue": issue["key"],
        "names": names_of(issue),
        "person": person["displayName"],
        "account": account,
        "text": text,
    }
    return TaskDraft(
        request,
        site.world,
        goal,
        (
            PlannedCall(_READ, {"query": person["displayName"]}),
            PlannedCall(_CALL, {"issueIdOrKey": issue["key"], "body": _mention(account, text)}),
        ),
    )


def _document(*nodes: Json) -> dict[str, Json]:
    """A document of one paragraph."""
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": list(nodes)}]}


def _mention(account: Json, text: str) -> dict[str, Json]:
    """A mention and a text, which a space keeps apart."""
    return _document({"type": "mention", "attrs": {"id": account}}, {"type": "text", "text": f" {text}"})


def _wanted(task: Task) -> Json:
    return _plain(_mention(task.goal["account"], task.goal["text"]), task)


def _plain(body: Json, task: Task) -> Json:
    """A document without what is optional: space around a text, a mention's own text if it is the person's name."""
    if isinstance(body, list):
        return [_plain(one, task) for one in body]
    if not isinstance(body, dict):
        return body
    made = {name: _plain(value, task) for name, value in body.items()}
    if made.get("type") == "text" and isinstance(made.get("text"), str):
        made["text"] = made["text"].strip()
    attributes = made.get("attrs")
    if made.get("type") == "mention" and isinstance(attributes, dict):
        named = attributes.get("text") in (task.goal["person"], f"@{task.goal['person']}")
        made["attrs"] = {name: value for name, value in attributes.items() if name != "text" or not named}
    return made


def _commented(task: Task, changed: list[Change]) -> bool:
    """One new comment, as asked; of its issue only the time has changed; nothing else."""
    by_table = {change.table: change for change in changed}
    if len(changed) != 2 or by_table.keys() != {"issues", "issue_comments"}:
        return False
    comment, issue = by_table["issue_comments"], by_table["issues"]
    if comment.before or not comment.after or not issue.before or not issue.after:
        return False
    return (
        issue.before["key"] == task.goal["issue"]
        and {**issue.before, "updated": 0} == {**issue.after, "updated": 0}
        and comment.after["issue"] == issue.before["id"]
        and comment.after["visibility"] is None
        and _plain(comment.after["body"], task) == _wanted(task)
    )


def _same_issue(value: Json, wanted: Json) -> float:
    return float(str(value).upper() in wanted)


def _mentioned(episode: FinishedEpisode) -> float:
    """The one mention of the last comment is of the account, which had been read."""
    calls = episode.trace.calls
    place = last_place(calls, _CALL)
    body = calls[place].arguments.get("body") if place >= 0 else None
    ids = [value for path, value in leaves(body) if path[-2:] == ("attrs", "id")]
    account = episode.task.goal["account"]
    return float(ids == [account] and seen_before(calls, place, account))


def _right_body(episode: FinishedEpisode) -> float:
    """How much of the last comment's document is right, leaf by leaf."""
    call = episode.last(_CALL)
    return leafwise(_plain(at(call.arguments, "body"), episode.task), _wanted(episode.task)) if call else 0.0


def _other_body(plan: Plan, body: Json) -> Plan:
    return [PlannedCall(_CALL, {**call.arguments, "body": body}) if call.name == _CALL else call for call in plan]


def _mention_in_text(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Writes the mention as text, without looking the person up."""
    body = _document({"type": "text", "text": f"@{task.goal['person']} {task.goal['text']}"})
    return [call for call in _other_body(plan, body) if call.name != _READ]


def _name_as_id(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Puts the name where the account id belongs, without looking the person up."""
    return [call for call in _other_body(plan, _mention(task.goal["person"], task.goal["text"])) if call.name != _READ]


def _namesake(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Mentions somebody with the same name or with part of it."""
    others = [user for user in task.world.table("users") if user not in (task.goal["account"], task.world.me)]
    return _other_body(plan, _mention(rng.choice(others), task.goal["text"]))


def _bare_text(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Gives the body as plain text."""
    return _other_body(plan, f"@{task.goal['person']} {task.goal['text']}")


def _stop_after_read(plan: Plan, task: Task, rng: random.Random) -> Plan:
    """Reads, and leaves it at that."""
    return [call for call in plan if call.name != _CALL] or plan


SCENARIO = Scenario(
    name="jira_comment_mention",
    api=API,
    tools=(_READ, _CALL),
    checks=(
        user_found(_CALL, "account", 0.10),
        argument(_CALL, "issueIdOrKey", "names", 0.10, _same_issue),
        Check("argument/mention", 0.20, _mentioned, "The person was looked up, and is the one who is mentioned."),
        Check("argument/body", 0.15, _right_body, "The comment is the mention and the text, as a document."),
        stopped_after(_CALL, 0.10),
        outcome(0.35, _commented, "Exactly the comment that was asked for is there."),
    ),
    mistakes={
        "mention_in_text": _mention_in_text,
        "name_as_id": _name_as_id,
        "namesake": _namesake,
        "bare_text": _bare_text,
        "stop_after_read": _stop_after_read,
    },
    draw=draw,
    held_out_operations={_READ: "findUsersForPicker"},
)
