"""Write a page about an issue, then link the issue to it: from Jira to Confluence and back.

The text is in the issue, the space has to be looked up by its key, and only the response to the page's creation has the
address for the link. Typical mistakes: writing the issue's key instead of its summary without reading the issue, making
up the address, forgetting the link, or writing nothing after reading.
"""

import random

from envs import words
from envs.api.world import Record
from envs.reward.checks import Check, FinishedEpisode, at, read_first, stopped_after
from envs.reward.provenance import last_index, seen_before
from envs.scenarios.vocabulary.both_sites import BOTH, add_spaces
from envs.scenarios.vocabulary.confluence_checks import NEW_PAGE, space_found
from envs.scenarios.vocabulary.jira_checks import names_issue
from envs.scenarios.vocabulary.jira_sites import NewIssue, put_issue, two_projects
from envs.scenarios.vocabulary.mistakes import Arguments, change, stop_before
from envs.scenarios.vocabulary.oracle import like_oracle, oracle_value, read_like_oracle, same_site_as_oracle
from envs.scenarios.vocabulary.scenario import Scenario
from envs.scenarios.vocabulary.wordings import phrasing
from envs.task import PlannedCall, Task, TaskDraft
from envs.trace import answered_before

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


def _with_linked_page(link: Record, episode: FinishedEpisode) -> Record:
    """Normal form of a link: the id of the linked page instead of its address, if there is such a page."""
    world, url = episode.final, str(at(link, "object.url"))
    page = world.tables["pages"].get(url.rpartition("/")[2])
    space = world.tables["spaces"].get(page["spaceId"]) if page else None
    if page and space and url == _address(world.site, space["key"], page["id"]):
        return {**link, "object": {**link["object"], "url": page["id"]}}
    return link


def _text_is_summary(episode: FinishedEpisode) -> float:
    """Check that the page contains the issue's summary and that the model had read it."""
    calls, text = episode.trace.calls, oracle_value(episode.task, _PAGE, "body.value")
    index = last_index(calls, _PAGE)
    if index < 0 or at(calls[index].arguments, "body.value") != text:
        return 0.0
    return float(seen_before(calls, index, text.removeprefix("<p>").removesuffix("</p>")))


def _links_new_page(episode: FinishedEpisode) -> float:
    """Check that the link has the address of a page created before it."""
    calls = episode.trace.calls
    index = last_index(calls, _LINK)
    url = at(calls[index].arguments, "object.url") if index >= 0 else None
    pages = [call.body for call in answered_before(calls, index) if call.name == _PAGE and call.ok]
    return float(any(url == f"{body['_links']['base']}{body['_links']['webui']}" for body in pages))


def _key_as_text(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    return {"body.value": f"<p>{oracle_value(task, _LINK, 'issueIdOrKey')}</p>"}


def _guessed_address(right: Arguments, task: Task, rng: random.Random) -> Arguments:
    """Make up an address from the page's title."""
    title = right["object"]["title"]
    return {"object": {"url": f"{task.world.site}/wiki/{title.replace(' ', '+')}", "title": title}}


_WRITTEN = {**NEW_PAGE, "remote_links": _with_linked_page}
SCENARIO = Scenario(
    name="confluence_page_from_issue",
    api=API,
    tools=("getIssue", "getSpaces", _PAGE, _LINK, "addComment"),
    checks=(
        read_first("getIssue", _PAGE, 0.05, lambda c, task: c.body["key"] == oracle_value(task, _LINK, "issueIdOrKey")),
        space_found(_PAGE, 0.05),
        read_like_oracle(_PAGE, "spaceId", 0.10),
        like_oracle(_PAGE, "title", 0.05),
        Check(
            "argument/body.value",
            0.10,
            _text_is_summary,
            "The page contains the issue's summary, which the model had read.",
        ),
        names_issue(_LINK, 0.05),
        like_oracle(_LINK, "object.title", 0.05),
        Check(
            "argument/object.url",
            0.15,
            _links_new_page,
            "The link has the address that the API returned for the new page.",
        ),
        stopped_after(_LINK, 0.10),
        same_site_as_oracle(0.30, "The only changes are the requested page and link.", _WRITTEN),
    ),
    mistakes={
        "key_as_text": change(_PAGE, _key_as_text, unread=("getIssue",)),
        "guess_address": change(_LINK, _guessed_address),
        "forget_link": stop_before(_LINK),
        "stop_after_read": stop_before(_PAGE, _LINK),
    },
    draw=draw,
)
