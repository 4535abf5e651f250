"""Second wishes about an issue that a request has spoken of: to watch it, to vote for it, or to give it to somebody."""

import random

from envs.api.world import Record
from envs.requests.drafts import Wish
from envs.requests.grammar import Clause, say
from envs.requests.jira_office import JiraOffice
from envs.requests.jira_references import person_of
from envs.task import PlannedCall
from envs.words import Split

_WATCH = Clause(
    (
        "[and|also,] put me [down as a watcher of it|on its list of watchers][.|, please.]",
        "I want to [watch it|be one of its watchers][, too|], [so add me|please add me].",
        "[also|and please] [add me as a watcher|make me a watcher] of it.",
    ),
    (
        "and [let me watch it|sign me up as a watcher of it], so that I hear [about changes|what happens].",
        "I should be among its watchers [from now on|as well], [please see to that.|could you do that too?]",
        "one more thing: [I would like to watch it|make me watch it].",
        "its watchers should include me[.|, by the way.]",
    ),
)
_VOTE = Clause(
    (
        "[also|and] vote for it [on my behalf|in my name][.|, please.]",
        "[and|also,] it [has|gets] my vote, [please add that|so vote for it].",
        "[please add|also add] my vote to it.",
    ),
    (
        "count me [in|as one of those who want it]: vote for it in my name.",
        "I also meant to vote for it, [could you do that too?|please do that for me.]",
        "by the way, my vote [is missing there|should be on it], [please cast it|so cast it].",
    ),
)
_ASSIGN = Clause(
    ("also assign it to {person}.", "and make {person} the assignee."),
    (
        "also assign it to {person}.",
        "[after that|then] it [is in the hands of|falls to] {person}, so set the assignee.",
        "{person} [signs off on it|has the last look at it], so that is the new assignee.",
        "the assignee [from then on|afterwards] is {person}.",
        "and the one in charge of it [is now|will be] {person}, so please assign it.",
        "[give|pass] it to {person} [then|afterwards], as the assignee.",
    ),
)


def watch(rng: random.Random, split: Split, key: str) -> Wish:
    """Ask to become a watcher of the issue with this key."""
    return Wish((say(rng, split, _WATCH),), (), (PlannedCall("addWatcher", {"issueIdOrKey": key}),))


def vote(rng: random.Random, split: Split, key: str) -> Wish:
    """Ask for a vote for the issue with this key."""
    return Wish((say(rng, split, _VOTE),), (), (PlannedCall("addVote", {"issueIdOrKey": key}),))


def assign(rng: random.Random, split: Split, office: JiraOffice, difficulty: int, issue: Record) -> Wish:
    """Ask for an assignee of an issue, who is not the present one."""
    others = [user for user in office.people if user["accountId"] != issue["fields"]["assignee"]]
    person = person_of(rng, split, office, rng.choice(others), difficulty)
    arguments = {"issueIdOrKey": issue["key"], "accountId": person.references[-1].record}
    said = say(rng, split, _ASSIGN, person=person.said)
    return Wish((said,), (person,), (*person.reads, PlannedCall("assignIssue", arguments)))
