"""Write a page about an issue, then link the issue to it: from Jira to Confluence and back.

The text is in the issue, the space has to be looked up by its key, and only the response to the page's creation has the
address for the link. Typical mistakes: writing the issue's key instead of its summary without reading the issue, making
up the address, forgetting the link, or writing nothing after reading.
"""

import random

from envs import words
from envs.requests import page_from_issue
from envs.scenarios.vocabulary.both_sites import BOTH, add_spaces
from envs.scenarios.vocabulary.jira_sites import NewIssue, put_issue, two_projects
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.oracle import oracle_value
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft

_PAGE, _LINK = "createPage", "createOrUpdateRemoteIssueLink"
_OBJECT = {"type": "object", "properties": {"url": {"type": "string"}, "title": {"type": "string"}}}
API = BOTH.showing(_PAGE, {"parentId": {}}, ("id", "title", "_links.base", "_links.webui")).showing(
    _LINK, {"object": _OBJECT}
)
_ISSUE = '[|issue |ticket |the ticket ]"{issue}"'
_NEW = '[a page|a new page|the page] "{title}" in [|space |the space ]"{space}"'
_BACK = (
    "[put|add|leave] a [remote|web] link to [the page|that page] on the issue, [with the page's title|titled"
    " like the page]"
)
_TEXT = "[its|the issue's] summary [as|for] the text"
_WORDINGS = (
    f"[|please |could you ][write|create|add] {_NEW} about {_ISSUE}, with {_TEXT}[. Then|, and then|; after that]"
    f" {_BACK}.",
    f"[|please |can you ][document|write up] {_ISSUE} on {_NEW}: {_TEXT}. [Then|Afterwards] {_BACK}.",
    f"{_ISSUE} [needs|should have|has to have] {_NEW} with {_TEXT}[. Also|. Then|, and] {_BACK}.",
    f"[|please ]take the summary of {_ISSUE} and [make|write] {_NEW} of it[. Then|, then|; then] {_BACK}.",
    f"in [|space |the space ]\"{{space}}\", [write|create|add] a page \"{{title}}\" [that says|saying] what the summary"
    f" of {_ISSUE} [is|says]. [Then|When it is there,] {_BACK}.",
    f"[|please ]turn the summary of {_ISSUE} into {_NEW}[, and|; then|. Then] {_BACK}.",
)  # fmt: skip
_HELD_OUT_WORDINGS = (
    'Let "{title}" in "{space}" be a page whose text is the summary of "{issue}", and let the issue have a remote link'
    " to it of the same title.",
    'Copy the summary of "{issue}" to a page "{title}" of "{space}" and connect the issue by a remote link, named as'
    " the page is.",
)


def draw(rng: random.Random, split: words.Split) -> TaskDraft:
    """Draw two projects with issues, including the same number in both, and three spaces."""
    site = two_projects(rng, split)
    title = words.phrase(rng, split, 2, 3, site.fresh)
    summary, *others = (words.phrase(rng, split, 2, 4, site.fresh) for _ in range(4))
    number, *numbers = rng.sample(range(10, 99), 3)
    issue = put_issue(site, rng, site.project, NewIssue(number, summary))
    projects = (site.other, site.project, site.other)
    for project, near, other_summary in zip(projects, (number, *numbers), others, strict=True):
        put_issue(site, rng, project, NewIssue(near, other_summary))
    space = add_spaces(site, rng, split, title)
    key, world = space["key"], site.world
    request = phrasing(rng, split, _WORDINGS, _HELD_OUT_WORDINGS).format(issue=issue["key"], title=title, space=key)
    body = {"representation": "storage", "value": f"<p>{summary}</p>"}
    link = {"title": title, "url": _address(world.site, key, world.copy().new_id())}
    plan = (
        PlannedCall("getIssue", {"issueIdOrKey": issue["key"]}),
        PlannedCall("getSpaces", {"keys": [key]}),
        PlannedCall(_PAGE, {"spaceId": space["id"], "title": title, "body": body}),
        PlannedCall(_LINK, {"issueIdOrKey": issue["key"], "object": link}),
    )
    return TaskDraft(request, world, oracle=plan)


def _address(site: str, key: str, page: str) -> str:
    """Return a page's address: the base link and the web link that the API returns, joined."""
    return f"{site}/wiki/spaces/{key}/pages/{page}"


def _key_as_text(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    return {"body.value": f"<p>{oracle_value(task, _LINK, 'issueIdOrKey')}</p>"}


def _guessed_address(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Make up an address from the page's title."""
    title = right["object"]["title"]
    return {"object": {"url": f"{task.world.site}/wiki/{title.replace(' ', '+')}", "title": title}}


SCENARIO = Scenario(
    name="confluence_page_from_issue",
    api=API,
    tools=("getIssue", "getSpaces", _PAGE, _LINK, "addComment"),
    mistakes={
        "key_as_text": change(_PAGE, _key_as_text, unread=("getIssue",)),
        "guess_address": change(_LINK, _guessed_address),
        "forget_link": stop_before(_LINK),
        "stop_after_read": stop_before(_PAGE, _LINK),
    },
    draw=draw,
    talk=page_from_issue.draw,
)
