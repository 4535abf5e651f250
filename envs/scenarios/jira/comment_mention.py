"""Comment on an issue and mention a user: find the account id by name, then write a document with a mention.

Other users share a name with the person, and one has the same full name followed by another name. Typical mistakes:
writing the mention as plain text, giving the name as the account id, sending text instead of a document, mentioning
another user, or writing nothing after reading.
"""

import random
from collections.abc import Callable

from envs import words
from envs.api.operation import Json
from envs.jira import JIRA
from envs.requests import comment_mention
from envs.scenarios.vocabulary.jira_sites import add_people, issues_in_both_projects, two_projects
from envs.scenarios.vocabulary.mistakes import Edit, change, stop_before
from envs.scenarios.vocabulary.oracle import oracle_value
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

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
_HELD_OUT_WORDINGS = (
    'A comment on "{issue}", please: a mention of "{person}" and after it "{text}".',
    'Call in "{person}" on the ticket "{issue}" by a comment with a mention and then "{text}".',
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw an issue, four users who share names, and a text for one of them."""
    site = two_projects(rng, split)
    person, *_ = add_people(site, rng)
    text, *summaries = (words.phrase(rng, split, 2, 4, site.fresh) for _ in range(3))
    issue = issues_in_both_projects(site, rng, summaries)[0]
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(
        issue=issue["key"], person=person["displayName"], text=text
    )
    plan = (
        PlannedCall(_READ, {"query": person["displayName"]}),
        PlannedCall(_CALL, {"issueIdOrKey": issue["key"], "body": _mention(person["accountId"], text)}),
    )
    return TaskDraft(request, site.world, oracle=plan)


def _document(*nodes: Json) -> dict[str, Json]:
    """Return a document of one paragraph."""
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": list(nodes)}]}


def _mention(account: Json, text: str) -> dict[str, Json]:
    """Return a document: a mention, a space and a text."""
    return _document({"type": "mention", "attrs": {"id": account}}, {"type": "text", "text": f" {text}"})


def _person(task: Task) -> str:
    return task.oracle[0].arguments["query"]


def _account_and_text(task: Task) -> tuple[str, str]:
    """Return (account id, text) of the oracle's comment."""
    mention, text = oracle_value(task, _CALL, "body")["content"][0]["content"]
    return mention["attrs"]["id"], text["text"].strip()


def _mention_of(who: Callable[[Task, random.Random], str]) -> Edit:
    """Change the account that the comment mentions."""
    return lambda right, task, rng: {"body": _mention(who(task, rng), _account_and_text(task)[1])}


def _namesake(task: Task, rng: random.Random) -> str:
    """Choose another user with a similar name."""
    return rng.choice(
        [user for user in task.world.table("users") if user not in (_account_and_text(task)[0], task.world.me)]
    )


def _mention_as_text(task: Task) -> str:
    return f"@{_person(task)} {_account_and_text(task)[1]}"


SCENARIO = Scenario(
    name="jira_comment_mention",
    api=API,
    tools=(_READ, _CALL),
    mistakes={
        "mention_in_text": change(
            _CALL,
            lambda _, task, rng: {"body": _document({"type": "text", "text": _mention_as_text(task)})},
            unread=(_READ,),
        ),
        "name_as_id": change(_CALL, _mention_of(lambda task, rng: _person(task)), unread=(_READ,)),
        "namesake": change(_CALL, _mention_of(_namesake)),
        "bare_text": change(_CALL, lambda _, task, rng: {"body": _mention_as_text(task)}),
        "stop_after_read": stop_before(_CALL),
    },
    draw=draw,
    talk=comment_mention.draw,
    held_out_operations={_READ: "findUsersForPicker"},
)
