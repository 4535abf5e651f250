"""Asks for a page whose text is the summary of an issue, and for a link from the issue to it.

Training tasks combine this with a label for the page; held-out tasks mostly with a second paragraph, or they give the
link a title of its own.
"""

import random
from dataclasses import dataclass

from envs.requests import page_texts
from envs.requests.both_offices import BothOffices, both_offices
from envs.requests.confluence_references import keyed_space_of
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.jira_references import issue_of
from envs.requests.messages import CORRECTION
from envs.requests.placed_pages import label_wish
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.35, 4: 0.45, 5: 0.5}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_OWN_TITLE = 0.3
"""The chance that a held-out task gives the link a title of its own."""
_OPEN = Clause(
    (
        '[|please ][write|create|add] a page "{title}" in {space} for {issue}. [Its text is|As the text, take] the'
        " summary of the issue.",
        'we need a page "{title}" in {space}. [Its text is|The text is] the summary of {issue}.',
        '[|please ]turn the summary of {issue} into a page "{title}" in {space}.',
        '[can|could] you copy the summary of {issue} to a new page in {space}? [Title:|Call it] "{title}".',
        '{issue} [needs|should have] a page in {space}, "{title}", with the summary as its text.',
        'in {space}, [please document|document] {issue} on a page called "{title}"; the summary is the text.',
        '[|please ]document {issue} in {space}: a page "{title}" with nothing but the summary on it.',
        'take the summary of {issue} and [make|write] a page of it in {space}. [The title is|Title:] "{title}".',
        'new page in {space}, please: "{title}". The text is the summary of {issue}.',
    ),
    (
        'would you mind putting the summary of {issue} on a page of its own in {space}? The title is "{title}".',
        'people without access to Jira want to read the summary of {issue}, so put it on a page "{title}" in {space}.',
        'let "{title}" be a page in {space} that repeats the summary of {issue}.',
        'I promised a page "{title}" in {space} on {issue}; the summary of the issue will do as the text.',
        'the summary of {issue} belongs on a page in {space} as well, under the title "{title}".',
        "so far, {space} says nothing about {issue}. Copy the summary of the issue to a new page there:\n{title}\n",
    ),
)
_LINK = Clause(
    (
        "[then|after that,|and then] [put|add] a [remote|web] link to the page on the issue,"
        " [with the page's title|titled like the page].",
        "the issue [needs|should get] a [web|remote] link to the page, with the same title.",
        "link the issue to the page with a [web|remote] link that has the page's title.",
        "when [it|the page] is there, add a [web|remote] link to it on the issue, named as the page is.",
        "[also leave|leave] a [web|remote] link on the issue that leads to the page and has its title.",
    ),
    (
        "on the issue, a remote link should lead to the page; it bears the title of the page.",
        "whoever opens the issue should find a web link to the page there, under the page's title.",
        "do not forget the way back: a web link from the issue to the page, titled as the page is.",
        "finally, connect the issue with the page by a remote link of the same title.",
    ),
)
_NAMED_LINK = Clause(
    (
        'on the issue, add a [web|remote] link to the page and call it "{name}".',
        'the issue gets a [web|remote] link to the page, titled "{name}".',
        'then link the issue to the page with a [web|remote] link; the title of the link is "{name}".',
        'whoever opens the issue should find a web link "{name}" there, which leads to the page.',
    )
)
"""Wordings that training tasks do not use, as those of the second paragraph."""
_PARAGRAPH = Clause(
    (
        'below the summary, as a second paragraph, write "{text}"',
        'the page has a second paragraph after the summary: "{text}"',
        "after the summary comes one more paragraph on the page:\n{text}\n",
        'end the page with another paragraph: "{text}"',
    )
)


@dataclass(frozen=True)
class _Page:
    """The page to be written, the issue that it is about, and its link."""

    issue: Described
    space: Described
    title: str
    link: str
    """The link's title."""
    paragraph: str = ""
    """A second paragraph, or none."""


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    offices = both_offices(rng, split)
    issue = issue_of(rng, split, offices.jira, rng.choice(offices.jira.issues()), difficulty)
    space = keyed_space_of(rng, split, rng.choice(offices.confluence.spaces))
    taken = [page["title"] for page in offices.world.find("pages")]
    title = page_texts.title(rng, split, taken)
    two = rng.random() < _TWO_WISHES[difficulty]
    longer = two and split == "heldout" and rng.random() < 0.7
    own = split == "heldout" and rng.random() < _OWN_TITLE
    link = page_texts.title(rng, split, [*taken, title]) if own else title
    page = _Page(issue, space, title, link, page_texts.sentence(rng, split) if longer else "")
    said = _said(rng, split, offices, page, rng.random() < _CORRECTED[difficulty])
    wishes = [Wish(said, (issue, space), _calls(offices, page))]
    if two and not longer:
        wishes.append(label_wish(rng, split, offices.world.copy().new_id(), "the new page"))
    return drafted(rng, split, difficulty, offices.world, wishes)


def _said(rng: random.Random, split: Split, offices: BothOffices, page: _Page, corrected: bool) -> tuple[Said, ...]:
    """Ask for the page and the link, perhaps with a wrong space or title first."""
    slots: dict[str, str | Said] = {"issue": page.issue.said, "space": page.space.said, "title": page.title}
    said: list[Said] = []
    if corrected and rng.random() < 0.5:
        others = [space for space in offices.confluence.spaces if space["id"] != page.space.references[-1].record]
        mistaken = value(rng.choice(others)["key"])
        said.append(say(rng, split, _OPEN, **{**slots, "space": mistaken}))
        said.append(say(rng, split, CORRECTION, wrong=mistaken, right=page.space.said))
    elif corrected:
        other = page_texts.title(rng, split, [page.title, page.link])
        said.append(say(rng, split, _OPEN, **{**slots, "title": other}))
        said.append(say(rng, split, CORRECTION, wrong=value(f'"{other}"'), right=value(f'"{page.title}"')))
    else:
        said.append(say(rng, split, _OPEN, **slots))
    if page.paragraph:
        said.append(say(rng, split, _PARAGRAPH, text=page.paragraph))
    same = page.link == page.title
    said.append(say(rng, split, _LINK) if same else say(rng, split, _NAMED_LINK, name=page.link))
    return tuple(said)


def _calls(offices: BothOffices, page: _Page) -> tuple[PlannedCall, ...]:
    """Return the calls that find the issue and the space, write the page and link the issue to it."""
    world = offices.world
    issue = world.table("issues")[page.issue.references[-1].record]
    space = world.table("spaces")[page.space.references[-1].record]
    reads = page.issue.reads or (PlannedCall("getIssue", {"issueIdOrKey": issue["key"]}),)
    paragraphs = [text for text in (issue["fields"]["summary"], page.paragraph) if text]
    new = {"spaceId": space["id"], "title": page.title, "body": page_texts.body(*paragraphs)}
    address = f"{world.site}/wiki/spaces/{space['key']}/pages/{world.copy().new_id()}"
    link = {"issueIdOrKey": issue["key"], "object": {"title": page.link, "url": address}}
    writes = (PlannedCall("createPage", new), PlannedCall("createOrUpdateRemoteIssueLink", link))
    return (*reads, *page.space.reads, *writes)
