"""Asks for comments that mention a person, on issues by key or by what they are about.

Training tasks combine a comment with another one or with a watcher; held-out tasks mostly with an assignee.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from envs.api.operation import Json
from envs.api.world import Record
from envs.jira.world import add_user
from envs.requests import people
from envs.requests.drafts import Described, Wish, drafted, fitting_an_episode
from envs.requests.grammar import Clause, Said, say, value
from envs.requests.jira_boards import add_boards, find_board
from envs.requests.jira_office import JiraOffice, jira_office
from envs.requests.jira_references import person_of, project_of
from envs.requests.jira_topics import is_by_key, issue_about
from envs.requests.messages import CORRECTION
from envs.requests.values import of_split
from envs.task import PlannedCall, TaskDraft
from envs.words import Split

_TWO_WISHES = {2: 0.15, 3: 0.5, 4: 0.55, 5: 0.65}
_CORRECTED = {2: 0.0, 3: 0.15, 4: 0.4, 5: 0.7}
_PLACE = Clause(
    ("{issue} in {project}", "{issue} (in {project})"), ("{issue} over in {project}", "{issue} from {project}")
)
_COMMENT = Clause(
    (
        '[|please ]comment on {issue}: first a mention of {person}, then "{text}"',
        '[|please ]leave a comment on {issue} that [starts|begins] with a mention of {person} and goes on: "{text}"',
        '[can|could] you mention {person} in a comment on {issue}? After the mention [write|comes]: "{text}"',
        "[|please ]write a comment on {issue}. Mention {person} first, and after that:\n{text}\n",
        "[|please ]mention {person} at the start of a comment on {issue}. The [rest|text] is:\n{text}\n",
        'I have a question for {person} about {issue}. [Please comment there|Add a comment], mention first: "{text}"',
        '{person} should [see|read] something on {issue}, so mention them there and then write "{text}"',
        "new comment for {issue}, it starts with a mention of {person}:\n{text}\n",
        '[|please ]tell {person} in a comment on {issue}, right after a mention: "{text}"',
        '{issue} needs a comment. It mentions {person} [first|at the start] and then says "{text}"',
        "[can|could] you leave a comment on {issue}, beginning with a mention of {person}? The text:\n{text}\n",
        '[|please ]ask {person} the following on {issue}, as a comment with the mention in front: "{text}"',
    ),
    (
        '[|please ]ping {person} on {issue} with a comment: the mention, then "{text}"',
        '{issue} needs a word from {person}. Begin a comment with a mention, [continue with|and then]: "{text}"',
        "I need {person} to look at {issue}. Mention them in a comment there, then this follows:\n{text}\n",
        'would you mind calling {person} over to {issue}? One comment, the mention comes first, then "{text}"',
        "a comment is due on {issue}: a mention that reaches {person}, and after it\n{text}\n",
        '{person} never reads mails, so let us try a comment on {issue}, with a mention in front of this: "{text}"',
        'as for {issue}, [drop|put] a comment there. It opens by mentioning {person} and says "{text}"',
    ),
)
_REASON = Clause(
    (
        "we need the answer in writing.",
        "everybody who works on it should see the question.",
        "a chat message would get lost.",
        "I could not reach them by phone.",
        "it is about the last open point.",
        "[please use|use] exactly these words.",
        "the customer is waiting for this.",
        "I cannot write it myself at the moment.",
    ),
    (
        "they are the only one who knows.",
        "nothing moves until we hear from them.",
        "I asked in the hallway and got no answer.",
        "that way it stays on record.",
        "the rest of us are stuck until then.",
    ),
)
"""Why somebody wants the comment."""
_ALSO = Clause(
    (
        'also comment on {issue}, with a mention of {person} first and then "{text}"',
        'and another comment on {issue}: mention {person}, then "{text}"',
        "the second comment goes on {issue}. Mention {person} first, then:\n{text}\n",
    ),
    (
        'one more comment belongs on {issue}, where the mention of {person} is followed by "{text}"',
        "{issue} gets a comment, too: {person} is mentioned, and then comes\n{text}\n",
    ),
)
_WATCH = Clause(
    (
        "also add {person} as a watcher there.",
        "[add|please add] the same person as a watcher of the issue.",
        "and make {person} a watcher of the issue.",
    ),
    ("{person} should get mails about the issue as well, as a watcher.", "put {person} on the list of watchers, too."),
)
_ASSIGN = Clause(
    ("also assign the issue to {person}.",),
    (
        "also assign the issue to {person}.",
        "the issue itself goes to the same person, please assign it.",
        "and make {person} the assignee of the issue.",
        "{person} is the new assignee as well.",
    ),
)
_DEEDS = (
    """
check the logs|confirm the numbers|add a screenshot|test this on the staging server|estimate this|answer the customer
review the fix|update the description|share the contract|close this if it is fixed|tell us what is missing
name a date for the release|try it with the old version|ask the supplier|attach the export|write down the steps
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
_TIMES = (
    """
before Thursday|by tomorrow noon|before the weekend|before the demo|when you are back|today
before the call with the customer|by Friday|after the release|as soon as you can|before the planning
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@dataclass(frozen=True)
class _Comment:
    """A comment to be written, and where."""

    issue: Record
    described: Described
    place: tuple[Described, ...]
    person: Described
    text: str

    def calls(self) -> tuple[PlannedCall, ...]:
        """Return the reads that find the person and the issue, and the call that writes the comment."""
        body = _document(self.person.references[-1].record, self.text)
        comment = PlannedCall("addComment", {"issueIdOrKey": self.issue["key"], "body": body})
        return (*self.person.reads, *self.described.reads, comment)


def draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    """Draw one or two wishes whose fulfilment fits into an episode."""
    return fitting_an_episode(lambda: _draw(rng, split, difficulty))


def _draw(rng: random.Random, split: Split, difficulty: int) -> TaskDraft:
    office = jira_office(rng, split)
    boards = add_boards(rng, office)
    issue, other = rng.sample(office.issues(), 2)
    user, second = rng.sample([each for each in office.people if each["accountId"] != issue["fields"]["assignee"]], 2)
    comment = _comment(rng, split, office, boards, difficulty, issue, user)
    wishes = [_wish(rng, split, office, difficulty, comment, _COMMENT)]
    if rng.random() < _TWO_WISHES[difficulty]:
        if split == "heldout" and rng.random() < 0.7:
            wishes.append(_to_person(rng, split, comment, "assignIssue", _ASSIGN))
        elif rng.random() < 0.5:
            wishes.append(_to_person(rng, split, comment, "addWatcher", _WATCH))
        else:
            another = _comment(rng, split, office, boards, difficulty, other, second)
            wishes.append(_wish(rng, split, office, difficulty, another, _ALSO))
    return drafted(rng, split, difficulty, office.world, wishes)


def _comment(
    rng: random.Random,
    split: Split,
    office: JiraOffice,
    boards: Mapping[str, Record],
    difficulty: int,
    issue: Record,
    user: Record,
) -> _Comment:
    """Draw a comment for an issue and a person, and add namesakes of that person."""
    person = person_of(rng, split, office, user, difficulty)
    _add_namesakes(rng, split, office, user, "first_name" in person.references[-1].conditions)
    described = issue_about(rng, split, office, issue, difficulty)
    place: tuple[Described, ...] = ()
    if not is_by_key(described):
        project = office.world.table("projects")[issue["project"]]
        place = (project_of(rng, split, office, project, difficulty, None),)
        said = say(rng, split, _PLACE, issue=described.said, project=place[0].said)
        board = boards[issue["project"]]["id"]
        reads = (find_board(place[0]), PlannedCall("getIssuesForBoard", {"boardId": board}))
        described = Described(said, described.references, reads)
    return _Comment(issue, described, place, person, of_split(rng, split, _text))


def _wish(
    rng: random.Random, split: Split, office: JiraOffice, difficulty: int, comment: _Comment, clause: Clause
) -> Wish:
    """Ask for a comment, perhaps with a wrong person first."""
    slots: dict[str, str | Said] = {"issue": comment.described.said, "text": comment.text}
    said = [say(rng, split, clause, person=comment.person.said, **slots)]
    if rng.random() < _CORRECTED[difficulty]:
        others = [user["displayName"] for user in office.people]
        full = " " in comment.person.references[-1].text
        right = comment.person.references[-1].text
        wrong = value(rng.choice([name if full else name.split()[0] for name in others if right not in name]))
        said = [say(rng, split, clause, person=wrong, **slots)]
        said.append(say(rng, split, CORRECTION, wrong=wrong, right=comment.person.said))
    if rng.random() < 0.5:
        said.append(say(rng, split, _REASON))
    return Wish(tuple(said), (comment.person, *comment.place, comment.described), comment.calls())


def _to_person(rng: random.Random, split: Split, comment: _Comment, operation: str, clause: Clause) -> Wish:
    """Ask to make the mentioned person a watcher or the assignee of the issue."""
    account = comment.person.references[-1].record
    call = PlannedCall(operation, {"issueIdOrKey": comment.issue["key"], "accountId": account})
    return Wish((say(rng, split, clause, person=comment.person.said),), (), (call,))


def _add_namesakes(rng: random.Random, split: Split, office: JiraOffice, user: Record, by_first_name: bool) -> None:
    """Add people with the last name of a user and, unless the request says only the first, with the first name."""
    first, last = user["displayName"].split()
    patterns = (
        ["{other} " + last] if by_first_name else [first + " {last}", "{other} " + last, f"{first} {last} {{last}}"]
    )
    taken = {each["displayName"].split()[0] for each in office.world.find("users")}
    others = [name for name in people.FIRST if name not in taken]
    for pattern in patterns:
        draw = lambda r, form=pattern: form.format(other=r.choice(others), last=r.choice(people.LAST))  # noqa: E731
        name = of_split(rng, split, draw, [each["displayName"] for each in office.world.find("users")])
        add_user(office.world, f"{rng.randrange(16**8):08x}", name)


def _text(rng: random.Random) -> str:
    """Draw what a comment says."""
    deed, time = rng.choice(_DEEDS), rng.choice(_TIMES)
    return rng.choice((f"Please {deed} {time}.", f"Could you {deed} {time}?", f"Can you {deed} {time}?"))


def _document(account: str, text: str) -> dict[str, Json]:
    """Return a document of a mention, a space and a text."""
    nodes = [{"type": "mention", "attrs": {"id": account}}, {"type": "text", "text": f" {text}"}]
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": nodes}]}
