"""Speaks of issues of a known project by what they are about: all that a listing of keys and summaries tells."""

import random

from envs.api.world import Record
from envs.requests.drafts import Described
from envs.requests.grammar import Clause, Said, description, say, value, without_marks
from envs.requests.jira_office import JiraOffice
from envs.requests.jira_references import DIRECT
from envs.requests.references import determined
from envs.requests.subjects import in_speech
from envs.task import Reference
from envs.words import Split

_TOPIC = Clause(
    ("the {noun} about {topic}", "the {noun} on {topic}", "our {noun} about {topic}", "the one about {topic}"),
    (
        "the {noun} concerning {topic}",
        "that {noun} of ours on {topic}",
        "the {noun} that deals with {topic}",
        "the {noun} where we discuss {topic}",
    ),
)
_SUMMARY = Clause(
    ('"{summary}"', 'the {noun} "{summary}"', 'the {noun} with the title "{summary}"'),
    ('the {noun} called "{summary}"', 'what we named "{summary}"'),
)


def issue_about(
    rng: random.Random, split: Split, office: JiraOffice, issue: Record, difficulty: int, in_project: bool = True
) -> Described:
    """Name an issue by its key, topic or summary; reads are the caller's.

    With `in_project` another part of the request names the issue's project, which need not be clear otherwise.
    """
    if rng.random() < DIRECT[difficulty]:
        return _by_key(issue)
    conditions = {"project": office.world.table("projects")[issue["project"]]["key"]} if in_project else {}
    noun = Said(rng.choice(["ticket", "issue"]))
    if topic := office.topics[issue["id"]]:
        spoken = f"the {topic}" if topic[:2].isupper() else in_speech(topic)
        said = description(say(rng, split, _TOPIC, noun=noun, topic=spoken))
        conditions["mentions"] = spoken.removeprefix("the ")
    else:
        said = description(say(rng, split, _SUMMARY, noun=noun, summary=issue["fields"]["summary"]))
        conditions["mentions"] = issue["fields"]["summary"]
    reference = Reference(without_marks(said.text), "issues", issue["id"], conditions)
    return Described(said, (reference,)) if determined(office.world, (reference,)) else _by_key(issue)


def is_by_key(described: Described) -> bool:
    """Return whether a request names the record by its key, so that nobody has to look for it."""
    return "key" in described.references[-1].conditions


def _by_key(issue: Record) -> Described:
    key = issue["key"]
    return Described(value(key), (Reference(key, "issues", issue["id"], {"key": key}),))
