"""Normal forms of Jira's records: equal after calls that mean the same, different after calls that do not."""

import random
from typing import Any

import pytest

from envs.api.simulator import Simulator
from envs.api.world import World
from envs.jira import JIRA
from envs.jira.normal_forms import NORMAL_FORMS
from envs.jira.world import add_user, put
from envs.scenarios.vocabulary.both_sites import BOTH
from tests.envs.jira.site import SAM, site, text

Calls = list[tuple[str, dict[str, Any]]]
KIM = "600000000000000000000002"


def larger_site() -> Simulator:
    """Return the small site with a third user, two components and versions, a label and an estimate."""
    simulator = site()
    add_user(simulator.world, KIM, "Kim Brook")
    project = simulator.world.find("projects", key="AA")[0]["id"]
    put(simulator.world, "components", project=project, name="Garden")
    put(simulator.world, "versions", project=project, name="2.0", released=False)
    estimate = {"originalEstimate": "1d", "remainingEstimate": "6h"}
    fields = {"labels": ["old"], "timetracking": estimate}
    simulator.call("editIssue", {"issueIdOrKey": "AA-2", "fields": fields})
    return simulator


WORLD = larger_site().world


def known(table: str, **values: Any) -> str:
    """Return the id of the record with these values."""
    return str(WORLD.find(table, **values)[0]["id"])


def meaning(world: World) -> dict[str, list[str]]:
    """Return the normal forms of all records, by table; records that were not there from the start have no id."""
    return {
        table: sorted(str((key if key in WORLD.tables.get(table, {}) else "new", in_order(form(world, record))))
                      for key, record in world.tables.get(table, {}).items())
        for table, form in NORMAL_FORMS.items() if world.tables.get(table)
    }  # fmt: skip


def in_order(value: Any) -> Any:
    """Return plain JSON with the keys of objects in order."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(inner) for inner in value] if isinstance(value, list) else value


def after(calls: Calls) -> dict[str, list[str]]:
    """Return the meaning of the site after calls, all of which must be accepted."""
    simulator = larger_site()
    for name, arguments in calls:
        response = simulator.call(name, arguments)
        assert response.ok, (name, arguments, response.body)
    return meaning(simulator.world)


def create(more: dict[str, Any] | None = None, **fields: Any) -> Calls:
    """Plan a new issue."""
    plain = {"project": {"key": "AA"}, "issuetype": {"name": "Task"}, "summary": "Oil the hinge"}
    return [("createIssue", {"fields": plain | fields, **(more or {})})]


def edit(*, update: dict[str, Any] | None = None, issue: str = "AA-2", **fields: Any) -> Calls:
    """Plan an edit."""
    given = {"fields": fields} if fields else {}
    return [("editIssue", {"issueIdOrKey": issue, **given, **({"update": update} if update else {})})]


def comment(body: dict[str, Any], **more: Any) -> Calls:
    """Plan a comment."""
    return [("addComment", {"issueIdOrKey": "AA-1", "body": body, **more})]


def document(*blocks: Any) -> dict[str, Any]:
    """Return a document of blocks."""
    return {"type": "doc", "version": 1, "content": list(blocks)}


def paragraph(*nodes: Any, **more: Any) -> dict[str, Any]:
    """Return a paragraph."""
    return {"type": "paragraph", "content": list(nodes), **more}


def words(value: str, *marks: str, **more: Any) -> dict[str, Any]:
    """Return a text node."""
    return {"type": "text", "text": value, **({"marks": [{"type": mark} for mark in marks]} if marks else {}), **more}


def mention(account: str = SAM, **attrs: Any) -> dict[str, Any]:
    """Return a mention."""
    return {"type": "mention", "attrs": {"id": account, **attrs}}


def line(*nodes: Any, **more: Any) -> Calls:
    """Plan a comment of one paragraph."""
    return comment(document(paragraph(*nodes)), **more)


def items(kind: str, *texts: str) -> dict[str, Any]:
    """Return a list of items."""
    content = [{"type": "listItem", "content": [paragraph(words(value))]} for value in texts]
    return {"type": kind, "content": content}


def heading(level: int, value: str) -> dict[str, Any]:
    """Return a heading."""
    return {"type": "heading", "attrs": {"level": level}, "content": [words(value)]}


def linked(value: str, href: str) -> dict[str, Any]:
    """Return a linked text."""
    return words(value, marks=[{"type": "link", "attrs": {"href": href}}])


def work(**more: Any) -> Calls:
    """Plan logged work."""
    arguments = {"issueIdOrKey": "AA-2", "timeSpent": "2h", "started": "2026-01-02T09:30:00.000+0000"}
    given = {name: value for name, value in (arguments | more).items() if value is not None}
    return [("addWorklog", given)]


def link(kind: str, inward: str, outward: str, name: str = "key") -> Calls:
    """Plan a link."""
    return [("linkIssues", {"type": {"name": kind}, "inwardIssue": {name: inward}, "outwardIssue": {name: outward}})]


def move(transition: str, **more: Any) -> Calls:
    """Plan a transition."""
    return [("doTransition", {"issueIdOrKey": "AA-1", "transition": {"id": transition}, **more})]


def assign(account: str | None) -> Calls:
    """Plan an assignment."""
    return [("assignIssue", {"issueIdOrKey": "AA-2", "accountId": account})]


HELLO = line(mention(), words(" look here"))
LEFT = {"originalEstimate": "1d", "remainingEstimate": "3h"}
HARD = {"type": "hardBreak"}
SPRINT = {"name": "Next", "originBoardId": int(known("boards", name="AA board"))}

EQUAL: dict[str, tuple[Calls, Calls]] = {
    "null description": (create(), create(description=None)),
    "empty description": (create(), create(description=document())),
    "empty paragraph": (create(), create(description=document(paragraph()))),
    "null assignee": (create(), create(assignee=None)),
    "assignee without id": (create(), create(assignee={"accountId": None})),
    "default assignee": (create(), create(assignee={"accountId": "-1"})),
    "assignee by id": (create(assignee={"accountId": SAM}), create(assignee={"id": SAM})),
    "own reporter": (create(), create(reporter={"accountId": WORLD.me})),
    "null parent and date": (create(), create(parent=None, duedate=None)),
    "empty lists": (create(), create(labels=[], components=[], fixVersions=[], versions=[])),
    "project by id": (create(), create(project={"id": known("projects", key="AA")})),
    "type by id": (create(), create(issuetype={"id": known("issuetypes", name="Task")})),
    "default priority": (create(), create(priority={"name": "Medium"})),
    "priority by id": (create(priority={"name": "High"}), create(priority={"id": known("priorities", name="High")})),
    "labels in order": (create(labels=["a", "b"]), create(labels=["b", "a", "b"])),
    "versions by id": (
        create(fixVersions=[{"name": "1.0"}, {"name": "2.0"}]),
        create(fixVersions=[{"id": known("versions", name="2.0")}, {"id": known("versions", name="1.0")}]),
    ),
    "components by id": (
        create(components=[{"name": "House"}]),
        create(components=[{"id": known("components", name="House")}]),
    ),
    "null id beside a name": (edit(components=[{"name": "House"}]), edit(components=[{"id": None, "name": "House"}])),
    "parent by key": (
        create(issuetype={"name": "Subtask"}, parent={"key": "AA-1"}),
        create(issuetype={"name": "Subtask"}, parent={"id": known("issues", key="AA-1")}),
    ),
    "verbs of a new issue": (create(labels=["a"]), create({"update": {"labels": [{"add": "a"}]}})),
    "description in two nodes": (
        create(description=text("Hi there")),
        create(description=document(paragraph(words("Hi "), words("there", marks=[])))),
    ),
    "summary with space around it": (create(), create(summary=" Oil the  hinge ")),
    "two issues in bulk": (
        [*create(), *create(summary="Two")],
        [("createIssues", {"issueUpdates": [create()[0][1], create(summary="Two")[0][1]]})],
    ),
    "issue by id": (edit(labels=["x"]), edit(issue=known("issues", key="AA-2"), labels=["x"])),
    "set by a verb": (edit(priority={"name": "Low"}), edit(update={"priority": [{"set": {"name": "Low"}}]})),
    "add by a verb": (edit(labels=["new", "old"]), edit(update={"labels": [{"add": "new"}]})),
    "labels one by one": (
        edit(labels=["old", "a", "b"]),
        [*edit(update={"labels": [{"add": "b"}]}), *edit(update={"labels": [{"add": "a"}]})],
    ),
    "assigned by an edit": (assign(SAM), edit(assignee={"accountId": SAM})),
    "unassigned": ([*assign(SAM), *assign(None)], [*assign(KIM), *assign("-1")]),
    "comment by an edit": (HELLO, edit(issue="AA-1", update={"comment": [{"add": {"body": HELLO[0][1]["body"]}}]})),
    "estimate in other units": (
        edit(timetracking=LEFT),
        edit(timetracking={"originalEstimate": "8h", "remainingEstimate": "180m"}),
    ),
    "moved in one step more": (
        [*move("11"), *move("21")],
        [*move("11"), *move("31", fields={"resolution": {"name": "Done"}})],
    ),
    "date removed again": (edit(duedate="2026-02-02") + edit(duedate=None), edit(duedate=None)),
    "watchers in order": (
        [("addWatcher", {"issueIdOrKey": "AA-1", "accountId": who}) for who in (SAM, KIM)],
        [("addWatcher", {"issueIdOrKey": "AA-1", "accountId": who}) for who in (KIM, SAM)],
    ),
    "property value in other order": (
        [("setIssueProperty", {"issueIdOrKey": "AA-1", "propertyKey": "k", "value": {"a": 1, "b": 2}})],
        [("setIssueProperty", {"issueIdOrKey": "AA-1", "propertyKey": "k", "value": {"b": 2.0, "a": 1}})],
    ),
    "access level and local id": (HELLO, line(mention(accessLevel="", localId="7"), words(" look here"))),
    "text in several nodes": (HELLO, line(mention(), words(" "), words("look"), words(" "), words("here"))),
    "no marks": (HELLO, line(mention(), words(" look here", marks=[]))),
    "annotated text": (HELLO, line(mention(), words(" look here", "annotation"))),
    "empty paragraph at the end": (HELLO, comment(document(paragraph(mention(), words(" look here")), paragraph()))),
    "paragraph with a local id": (
        HELLO,
        comment(document(paragraph(mention(), words(" look here"), attrs={"localId": "1"}))),
    ),
    "name of the mentioned": (HELLO, line(mention(text="Sam Field"), words(" look here"))),
    "name with its sign": (HELLO, line(mention(text="@Sam Field"), words(" look here"))),
    "space at the ends": (HELLO, line(mention(), words(" look here "))),
    "runs of spaces": (HELLO, line(mention(), words("  look   here"))),
    "break at the end": (HELLO, line(mention(), words(" look here"), HARD)),
    "strong in two nodes": (line(words("a b", "strong")), line(words("a", "strong"), words(" "), words("b", "strong"))),
    "marks in order": (line(words("a", "em", "strong")), line(words("a", "strong", "em"))),
    "list that begins at one": (
        comment(document(items("orderedList", "a"))),
        comment(document({**items("orderedList", "a"), "attrs": {"order": 1}})),
    ),
    "null visibility": (HELLO, line(mention(), words(" look here"), visibility=None)),
    "empty visibility": (HELLO, line(mention(), words(" look here"), visibility={"type": "", "value": ""})),
    "start with another offset": (work(), work(started="2026-01-02T11:30:00.000+0200")),
    "start in another time zone's day": (work(), work(started="2026-01-01T23:30:00.000-1000")),
    "duration in seconds": (work(), work(timeSpent=None, timeSpentSeconds=7200)),
    "duration in minutes": (work(), work(timeSpent="120m")),
    "estimate by itself": (work(), work(adjustEstimate="auto")),
    "estimate given anew": (work(), work(adjustEstimate="new", newEstimate="4h")),
    "started at the call": (
        [*edit(labels=[]), *work(started=None)],
        [*edit(labels=[]), *edit(labels=[]), *work(started=None)],
    ),
    "null comment on work": (work(comment=text("x")), work(comment=document(paragraph(words("x")), paragraph()))),
    "work by an edit": (work(), edit(update={"worklog": [{"add": {name: work()[0][1][name] for name in
                                                                  ("timeSpent", "started")}}]})),
    "link by ids": (
        link("Blocks", "AA-1", "AA-2"),
        link("Blocks", known("issues", key="AA-1"), known("issues", key="AA-2"), "id"),
    ),
    "link made twice": (link("Blocks", "AA-1", "AA-2"), link("Blocks", "AA-1", "AA-2") * 2),
    "link without direction": (link("Relates", "AA-1", "AA-2"), link("Relates", "AA-2", "AA-1")),
    "link by an edit": (
        link("Blocks", "AA-1", "AA-2"),
        edit(issue="AA-1", update={"issuelinks": [{"add": {"type": {"name": "Blocks"},
                                                           "outwardIssue": {"key": "AA-2"}}}]}),
    ),
    "link from the other end": (
        link("Blocks", "AA-1", "AA-2"),
        edit(update={"issuelinks": [{"add": {"type": {"name": "Blocks"}, "inwardIssue": {"key": "AA-1"}}}]}),
    ),
    "sprint without a goal": ([("createSprint", SPRINT)], [("createSprint", {**SPRINT, "goal": ""})]),
    "sprint's dates": (
        [("createSprint", {**SPRINT, "startDate": "2026-02-01T08:00:00.000Z"})],
        [("createSprint", {**SPRINT, "startDate": "2026-02-01T09:00:00.000+0100"})],
    ),
    "version not released": (
        [("createVersion", {"name": "3.0", "project": "AA"})],
        [("createVersion", {"name": "3.0", "projectId": known("projects", key="AA"), "released": False,
                            "description": ""})],
    ),
    "component with its default": (
        [("createComponent", {"name": "Roof", "project": "AA"})],
        [("createComponent", {"name": "Roof", "project": "aa", "assigneeType": "PROJECT_DEFAULT"})],
    ),
}  # fmt: skip

UNEQUAL: dict[str, tuple[Calls, Calls]] = {
    "nothing and an issue": ([], create()),
    "transition on create": (create(), create({"transition": {"id": "11"}})),
    "properties on create": (create(), create({"properties": [{"key": "k", "value": None}]})),
    "one issue and two": (create(), create() * 2),
    "other summary": (create(), create(summary="Oil the hinges")),
    "other type": (create(), create(issuetype={"name": "Bug"})),
    "other project": (create(), create(project={"key": "BB"})),
    "other priority": (create(), create(priority={"name": "High"})),
    "a description": (create(), create(description=text("x"))),
    "other description": (create(description=text("x")), create(description=text("y"))),
    "an environment": (create(), create(environment=text("x"))),
    "one label more": (create(labels=["a"]), create(labels=["a", "b"])),
    "label in capitals": (create(labels=["a"]), create(labels=["A"])),
    "a reporter": (create(), create(reporter={"accountId": SAM})),
    "an assignee": (create(), create(assignee={"accountId": SAM})),
    "other assignee": (assign(SAM), assign(KIM)),
    "a version": (create(), create(fixVersions=[{"name": "1.0"}])),
    "fixed and affected": (create(fixVersions=[{"name": "1.0"}]), create(versions=[{"name": "1.0"}])),
    "other parent": (
        create(issuetype={"name": "Subtask"}, parent={"key": "AA-1"}),
        create(issuetype={"name": "Subtask"}, parent={"key": "AA-2"}),
    ),
    "with a worklog": (create(), create({"update": {"worklog": [{"add": {"timeSpent": "1h"}}]}})),
    "with a comment": (create(), create({"update": {"comment": [{"add": {"body": text("x")}}]}})),
    "labels replaced": (edit(labels=["new"]), edit(update={"labels": [{"add": "new"}]})),
    "other issue": (edit(labels=["x"]), edit(issue="AA-1", labels=["x"])),
    "other estimate": (edit(timetracking=LEFT), edit(timetracking={"remainingEstimate": "4h"})),
    "date": (edit(duedate="2026-02-02"), edit(duedate="2026-02-03")),
    "other status": (move("11"), [*move("11"), *move("21")]),
    "other resolution": (
        [*move("11"), *move("21")],
        [*move("11"), *move("31", fields={"resolution": {"name": "Duplicate"}})],
    ),
    "a watcher": ([], [("addWatcher", {"issueIdOrKey": "AA-1", "accountId": SAM})]),
    "other property value": (
        [("setIssueProperty", {"issueIdOrKey": "AA-1", "propertyKey": "k", "value": 1})],
        [("setIssueProperty", {"issueIdOrKey": "AA-1", "propertyKey": "k", "value": True})],
    ),
    "property in other capitals": (
        [("setIssueProperty", {"issueIdOrKey": "AA-1", "propertyKey": "k", "value": 1})],
        [("setIssueProperty", {"issueIdOrKey": "AA-1", "propertyKey": "K", "value": 1})],
    ),
    "other account": (HELLO, line(mention(KIM), words(" look here"))),
    "other name on the mention": (HELLO, line(mention(text="@Kim Brook"), words(" look here"))),
    "name as text": (HELLO, line(words("@Sam Field look here"))),
    "name as account": (HELLO, line(mention("Sam Field"), words(" look here"))),
    "text without mention": (HELLO, line(words("look here"))),
    "mention without text": (HELLO, line(mention())),
    "text before the mention": (HELLO, line(words("look here "), mention())),
    "mentioned twice": (HELLO, line(mention(), mention(), words(" look here"))),
    "other text": (HELLO, line(mention(), words(" look there"))),
    "other capitals": (HELLO, line(mention(), words(" Look here"))),
    "no space between words": (HELLO, line(mention(), words(" lookhere"))),
    "strong text": (HELLO, line(mention(), words(" look here", "strong"))),
    "strong and em": (line(words("a", "strong")), line(words("a", "em"))),
    "partly strong": (line(words("a b", "strong")), line(words("a", "strong"), words(" b"))),
    "two paragraphs": (line(words("a b")), comment(document(paragraph(words("a")), paragraph(words("b"))))),
    "a break": (line(words("a b")), line(words("a"), HARD, words("b"))),
    "break and paragraphs": (
        line(words("a"), HARD, words("b")),
        comment(document(paragraph(words("a")), paragraph(words("b")))),
    ),
    "a heading": (line(words("a")), comment(document(heading(1, "a")))),
    "other level": (comment(document(heading(1, "a"))), comment(document(heading(2, "a")))),
    "a list": (line(words("a")), comment(document(items("bulletList", "a")))),
    "numbered": (comment(document(items("bulletList", "a"))), comment(document(items("orderedList", "a")))),
    "items in order": (
        comment(document(items("bulletList", "a", "b"))),
        comment(document(items("bulletList", "b", "a"))),
    ),
    "other link": (line(linked("a", "https://x.test/1")), line(linked("a", "https://x.test/2"))),
    "visible to fewer": (HELLO, line(mention(), words(" look here"), visibility={"type": "role", "value": "Admins"})),
    "comment twice": (HELLO, HELLO * 2),
    "comment elsewhere": (HELLO, [("addComment", {**HELLO[0][1], "issueIdOrKey": "AA-2"})]),
    "other duration": (work(), work(timeSpent="3h", adjustEstimate="new", newEstimate="4h")),
    "other start": (work(), work(started="2026-01-02T09:30:00.000+0100")),
    "start left out": (work(), work(started=None)),
    "estimate left": (work(), work(adjustEstimate="leave")),
    "comment on work": (work(), work(comment=text("x"))),
    "link's direction": (link("Blocks", "AA-1", "AA-2"), link("Blocks", "AA-2", "AA-1")),
    "duplicate's direction": (link("Duplicate", "AA-1", "AA-2"), link("Duplicate", "AA-2", "AA-1")),
    "other link type": (link("Blocks", "AA-1", "AA-2"), link("Relates", "AA-1", "AA-2")),
    "other end": (link("Relates", "AA-1", "AA-2"), link("Relates", "AA-1", "BB-1")),
    "in a sprint": (
        [("createSprint", SPRINT)],
        [("createSprint", SPRINT), ("moveIssuesToSprintAndRank", {"sprintId": str(WORLD.copy().new_id()),
                                                                  "issues": ["AA-1"]})],
    ),
    "sprint's name": ([("createSprint", SPRINT)], [("createSprint", {**SPRINT, "name": "Other"})]),
    "version released": (
        [("createVersion", {"name": "3.0", "project": "AA"})],
        [("createVersion", {"name": "3.0", "project": "AA", "released": True})],
    ),
}  # fmt: skip


@pytest.mark.parametrize("pair", EQUAL.values(), ids=EQUAL)
def test_equal__after_calls_that_mean_the_same(pair: tuple[Calls, Calls]) -> None:
    assert after(pair[0]) == after(pair[1])


@pytest.mark.parametrize("pair", UNEQUAL.values(), ids=UNEQUAL)
def test_unequal__after_calls_that_differ(pair: tuple[Calls, Calls]) -> None:
    assert after(pair[0]) != after(pair[1])


NO_STARTS = ("2026-01-02T09:30:00.000Z", "2026-01-02T09:30:00+0000", "2026-01-02T09:30:00.000", "2026-01-02 09:30",
             "2026-01-02T09:30:00.000+00:00", "2026-02-30T09:30:00.000+0000")  # fmt: skip


@pytest.mark.parametrize("started", NO_STARTS)
def test_work__a_start_in_another_form_is_refused(started: str) -> None:
    simulator = larger_site()
    before = simulator.world.digest()
    sentence = "Invalid date format. Please enter the date in the format \"yyyy-MM-dd'T'HH:mm:ss.SSSZ\"."
    response = simulator.call(*work(started=started)[0])
    assert (response.status, response.body["errors"]) == (400, {"started": sentence})
    assert simulator.world.digest() == before


def test_link__points_from_the_inward_issue_in_entries_and_history() -> None:
    simulator = larger_site()
    simulator.call(*link("Blocks", "AA-1", "AA-2")[0])
    for key, side, other in (("AA-1", "outward", "AA-2"), ("AA-2", "inward", "AA-1")):
        body = simulator.call("getIssue", {"issueIdOrKey": key, "expand": "changelog"}).body
        (entry,) = body["fields"]["issuelinks"]
        assert entry[f"{side}Issue"]["key"] == other and len({"inwardIssue", "outwardIssue"} & entry.keys()) == 1
        (change,) = body["changelog"]["histories"][0]["items"]
        assert change["toString"] == f"This issue {entry['type'][side]} {other}"
        link_id = entry["id"]
    assert simulator.call("deleteIssueLink", {"linkId": link_id}).status == 204
    logs = {key: simulator.call("getChangeLogs", {"issueIdOrKey": key}).body["values"] for key in ("AA-1", "AA-2")}
    removed = {key: entries[-1]["items"][0]["fromString"] for key, entries in logs.items()}
    assert removed == {"AA-1": "This issue blocks AA-2", "AA-2": "This issue is blocked by AA-1"}


def test_link__a_comment_goes_to_the_issue_it_points_from() -> None:
    simulator = larger_site()
    (name, arguments), *_ = link("Blocks", "AA-1", "AA-2")
    assert simulator.call(name, {**arguments, "comment": {"body": text("x")}}).status == 201
    totals = [simulator.call("getComments", {"issueIdOrKey": key}).body["total"] for key in ("AA-1", "AA-2")]
    assert totals == [1, 0]


def test_edit__is_undone_if_a_link_is_refused() -> None:
    simulator = larger_site()
    before = simulator.world.digest()
    wrong = edit(labels=["x"], update={"issuelinks": [{"add": {"type": {"name": "Haunts"}}}]})
    assert simulator.call(*wrong[0]).status == 400 and simulator.world.digest() == before


def test_form__of_an_existing_issue_ignores_its_history() -> None:
    simulator = larger_site()
    for calls in (edit(summary="Other"), edit(summary="Paint the wall")):
        simulator.call(*calls[0])
    assert meaning(simulator.world) == meaning(WORLD)


def junk(rng: random.Random, depth: int = 0) -> Any:
    """Return random JSON that resembles a document."""
    kind = rng.randrange(8 if depth < 6 else 5)
    if kind < 5:
        return [None, rng.randint(-3, 10**18), rng.choice(["", " ", "x\n", "doc", "mention"]), True, 0.5][kind]
    if kind == 5:
        return [junk(rng, depth + 1) for _ in range(rng.randrange(4))]
    names = ["type", "content", "attrs", "marks", "text", "id", "timestamp", "level", "order", "language"]
    node = {name: junk(rng, depth + 1) for name in rng.sample(names, rng.randrange(5))}
    kinds = ["text", "paragraph", "mention", "date", "status", "emoji", "hardBreak", "codeBlock", "heading", "panel"]
    return node | {"type": rng.choice([*kinds, "doc", "link", "subsup", "alignment"]), "content": junk(rng, depth + 1)}


def test_form__never_raises_and_is_plain_json_whatever_the_record_holds() -> None:
    rng = random.Random(5)
    names = ["fields", "body", "comment", "started", "created", "labels", "watchers", "object", "visibility", "type",
             "inward", "outward", "startDate", "creator"]  # fmt: skip
    for _ in range(1500):
        record = {name: junk(rng) for name in rng.sample(names, 8)}
        record["fields"] = {name: junk(rng) for name in ("description", "labels", "summary", "timetracking")}
        for form in NORMAL_FORMS.values():
            assert isinstance(form(WORLD, record), dict)
    deep = {"type": "doc", "version": 1}
    for _ in range(400):
        deep = {"type": "panel", "content": [deep, {"type": "text", "text": "x"}]}
    assert NORMAL_FORMS["issue_comments"](WORLD, {"body": {**deep, "type": "doc"}})


def test_api__has_a_form_for_every_table_that_calls_change() -> None:
    assert JIRA.normal_forms == NORMAL_FORMS
    assert set(BOTH.normal_forms) > set(NORMAL_FORMS) and "pages" in BOTH.normal_forms
