"""Speaks of issues, projects and people of a Jira site, by name or by description, with the reads that find them."""

import random
from collections.abc import Mapping, Sequence

from envs.api.operation import Json
from envs.api.world import Record
from envs.requests.dates import next_day, when
from envs.requests.drafts import Described
from envs.requests.grammar import Clause, Said, description, say, value, without_marks
from envs.requests.jira_office import JiraOffice
from envs.requests.references import day_of, determined
from envs.requests.subjects import in_speech
from envs.task import PlannedCall, Reference
from envs.words import Split

SEARCH = "searchAndReconsileIssuesUsingJql"
DIRECT = {2: 0.5, 3: 0.25, 4: 0.15, 5: 0.04}
"""By difficulty, the chance that a record is named by its key instead of being described."""
PROJECT_BY_NAME = Clause(("{name}", "the {name} project"), ("our {name} project",))
_TRIES = 60


_ISSUE: Mapping[tuple[str, ...], Clause] = {
    ("reporter", "created"): Clause(
        (
            "the {noun} {reporter} [reported|opened] {created}",
            "the {noun} that {reporter} [raised|created|reported] {created}",
            "the {noun} reported by {reporter} {created}",
        ),
        (
            "the {noun} {reporter} filed {created}",
            "the {noun} that came from {reporter} {created}",
            "the {noun} {reporter} wrote up {created}",
            "the {noun} that {reporter} sent in {created}",
        ),
    ),
    ("topic",): Clause(
        ("the {noun} about {topic}", "the {noun} on {topic}", "our {noun} about {topic}"),
        ("the {noun} concerning {topic}", "the {noun} that deals with {topic}", "that {noun} of ours on {topic}"),
    ),
    ("reporter", "topic"): Clause(
        ("the {noun} by {reporter} about {topic}", "the {noun} about {topic} that {reporter} [reported|opened]"),
        ("the {noun} {reporter} wrote about {topic}", "the {noun} that {reporter} filed on {topic}"),
    ),
    ("assignee", "priority"): Clause(
        (
            "the {priority} priority {noun} assigned to {assignee}",
            "the {noun} with {priority} priority that is assigned to {assignee}",
        ),
        (
            "the {priority} priority {noun} on {assignee}'s desk",
            "the {noun} that {assignee} has with {priority} priority",
        ),
    ),
    ("assignee", "created"): Clause(
        (
            "the {noun} opened {created} that is assigned to {assignee}",
            "the {noun} that came in {created} and belongs to {assignee}",
        ),
        (
            "the {noun} that sits with {assignee} and was created {created}",
            "the {noun} on {assignee}'s desk that was filed {created}",
        ),
    ),
    ("unassigned", "created"): Clause(
        (
            "the {noun} that came in {created} and has no assignee",
            "the unassigned {noun} that was opened {created}",
        ),
        (
            "the {noun} created {created} that nobody owns",
            "the {noun} filed {created} that is still without an owner",
        ),
    ),
    ("reporter", "newest"): Clause(
        ("the [latest|newest|most recent] {noun} [by|from] {reporter}", "the last {noun} {reporter} reported"),
        ("the {noun} {reporter} filed most recently", "whatever {noun} {reporter} added last"),
    ),
    ("status", "reporter"): Clause(
        ("the {noun} by {reporter} with status {status}", "the {noun} in status {status} that {reporter} reported"),
        ("the {noun} with status {status} that came from {reporter}", "the {status} {noun} that {reporter} filed"),
    ),
}
"""By the conditions that they state, phrases that mean an issue."""


def issue_of(
    rng: random.Random, split: Split, office: JiraOffice, issue: Record, difficulty: int, first_names: bool = True
) -> Described:
    """Name an issue by its key or describe it; `first_names` allows people by first name, which takes one more read."""
    if rng.random() < DIRECT[difficulty]:
        return _by_key(issue)
    for _ in range(_TRIES):
        stated = rng.choice(list(_ISSUE))
        facts = _facts(office, issue, stated)
        if facts is None:
            continue
        kind = office.world.table("issuetypes")[issue["issuetype"]]["name"]
        generic = rng.random() < 0.6
        conditions = facts if generic else {**facts, "type": kind}
        noun = rng.choice(["ticket", "issue"]) if generic else kind.lower()
        described = _described(rng, split, office, issue, stated, conditions, noun, first_names and rng.random() < 0.5)
        if determined(office.world, described.references):
            return described
    return _by_key(issue)


def project_of(
    rng: random.Random, split: Split, office: JiraOffice, project: Record, difficulty: int, described: Described | None
) -> Described:
    """Name a project by its key or its name, or as the project of a described issue."""
    name, key = project["name"], project["key"]
    if rng.random() < DIRECT[difficulty]:
        return Described(value(key), (Reference(key, "projects", project["id"], {"key": key}),))
    if described is not None:
        clause = Clause(
            ("the [same project as|project of] {issue}",),
            ("the project that holds {issue}", "the project where {issue} lives"),
        )
        said = say(rng, split, clause, issue=described.said)
        return Described(said, described.references, described.reads, described.dated)
    said = say(rng, split, PROJECT_BY_NAME, name=name)
    reference = Reference(name, "projects", project["id"], {"name": name})
    return Described(said, (reference,), (PlannedCall("searchProjects", {"query": name}),))


def person_of(rng: random.Random, split: Split, office: JiraOffice, user: Record, difficulty: int) -> Described:
    """Name a person by full name or, in harder tasks, mostly by first name."""
    name = user["displayName"]
    first = rng.random() > DIRECT[difficulty]
    shown = name.split()[0] if first else name
    reference = Reference(shown, "users", user["accountId"], {"first_name" if first else "full_name": shown})
    return Described(value(shown), (reference,), (PlannedCall("findUsers", {"query": shown}),))


def jql(conditions: Mapping[str, Json], accounts: Mapping[str, str]) -> str:
    """Return the query of a description; a person with an account id in `accounts` is searched by that."""
    parts: list[str] = []
    for name, wanted in conditions.items():
        if name == "created":
            day = str(wanted)
            parts += [f"created >= '{day}'", f"created < '{next_day(day)}'"]
        elif name == "mentions":
            parts.append(f"summary ~ '{wanted}'")
        elif name == "assignee" and wanted is None:
            parts.append("assignee IS EMPTY")
        elif name != "newest":
            parts.append(f"{name} = '{accounts.get(str(wanted), wanted)}'")
    return " AND ".join(parts) + (" ORDER BY created DESC" if conditions.get("newest") else "")


def _by_key(issue: Record) -> Described:
    key = issue["key"]
    return Described(value(key), (Reference(key, "issues", issue["id"], {"key": key}),))


def _facts(office: JiraOffice, issue: Record, stated: Sequence[str]) -> dict[str, Json] | None:
    """Return the conditions of these names that the issue meets; None if it has no such value."""
    world, fields = office.world, issue["fields"]
    users = world.table("users")
    topic, assignee = office.topics[issue["id"]], fields["assignee"]
    facts: dict[str, Json] = {
        "reporter": users[fields["reporter"]]["displayName"],
        "created": day_of(issue["created"]),
        "priority": world.table("priorities")[fields["priority"]]["name"],
        "status": world.table("statuses")[issue["status"]]["name"],
        "newest": True,
    }
    if topic:
        facts["topic"] = topic.removeprefix("the ")
    if assignee:
        facts["assignee"] = users[assignee]["displayName"]
    else:
        facts["unassigned"] = None
    if not set(stated) <= facts.keys():
        return None
    names = {"topic": "mentions", "unassigned": "assignee"}
    return {names.get(name, name): facts[name] for name in stated}


def _described(
    rng: random.Random,
    split: Split,
    office: JiraOffice,
    issue: Record,
    stated: Sequence[str],
    conditions: Mapping[str, Json],
    noun: str,
    first_name: bool,
) -> Described:
    slots: dict[str, str | Said] = {"noun": Said(noun)}
    references: list[Reference] = []
    accounts: dict[str, str] = {}
    for role in {"reporter", "assignee"} & set(stated):
        name = str(conditions[role])
        user = office.world.find("users", displayName=name)[0]
        slots[role] = shown = name.split()[0] if first_name else name
        if first_name:
            accounts[name] = user["accountId"]
            references.append(Reference(shown, "users", user["accountId"], {"first_name": shown}))
    if "created" in stated:
        slots["created"] = when(rng, split, str(conditions["created"]))
    if "topic" in stated:
        slots["topic"] = value(in_speech(office.topics[issue["id"]]))
    if "priority" in stated:
        slots["priority"] = Said(str(conditions["priority"]).lower())
    if "status" in stated:
        slots["status"] = str(conditions["status"])
    said = description(say(rng, split, _ISSUE[tuple(stated)], **slots))
    phrase = Reference(without_marks(said.text), "issues", issue["id"], conditions)
    reads = [PlannedCall("findUsers", {"query": name.split()[0]}) for name in accounts]
    search = PlannedCall(SEARCH, {"jql": jql(conditions, accounts), "fields": ["summary"]})
    return Described(said, (*references, phrase), (*reads, search), "created" in stated)
