"""Other right calls of Jira, by operation: writes with the same effect, and defaults written out."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, timezone

from envs.api.json_paths import replaced
from envs.api.operation import Json
from envs.audit.equivalent_plans import Change, Plan, Situation
from envs.jira import durations
from envs.jira.replies import find_issue
from envs.jira.world import DEFAULT_PRIORITY, LINK_TYPES
from envs.task import PlannedCall

DEFAULTS: Mapping[str, Mapping[str, Json]] = {
    "getIssue": {"fields": ["*all"], "expand": "names"},
    "getTransitions": {"expand": "transitions.fields"},
    "searchAndReconsileIssuesUsingJql": {"maxResults": 50, "fields": ["summary", "status"]},
    "searchAndReconsileIssuesUsingJqlPost": {"maxResults": 50, "fields": ["summary", "status"]},
    "findUsers": {"startAt": 0, "maxResults": 50},
    "findUsersForPicker": {"maxResults": 50},
    "getAllBoards": {"startAt": 0, "maxResults": 50, "type": "scrum"},
    "getAllSprints": {"startAt": 0, "maxResults": 50},
    "createIssue": {"update": {}, "properties": []},
    "editIssue": {"fields": {}, "update": {}, "returnIssue": False},
    "doTransition": {"fields": {}, "update": {}},
    "addWorklog": {"adjustEstimate": "auto"},
}
"""By operation, arguments that say what holds without them, or show more."""
EMPTY_FIELDS: Mapping[str, Json] = {"assignee": None, "components": [], "fixVersions": [], "labels": []}
"""Fields of a new issue that are empty unless they are given."""
_OFFSETS = (("+0200", timedelta(hours=2)), ("+0530", timedelta(hours=5, minutes=30)), ("-0500", timedelta(hours=-5)))
_LISTS = ("labels", "components", "fixVersions", "versions")

Found = Iterator[tuple[str, str, Plan]]


def other_writes(situation: Situation) -> Iterator[Change]:
    """Yield other writes with the same effect."""
    for rule in _WRITES.get(situation.call.name, ()):
        for kind, detail, calls in rule(situation):
            yield Change(kind, detail, situation.index, calls)


def _with(call: PlannedCall, **changed: Json) -> PlannedCall:
    """Return a call with some arguments replaced or added; None leaves one out."""
    arguments = {name: value for name, value in {**call.arguments, **changed}.items() if value is not None}
    return PlannedCall(call.name, arguments, call.note)


def _edit(situation: Situation) -> Found:
    """Edit by verbs, by an operation of its own, or by the whole list."""
    call = situation.call
    fields, verbs = call.arguments.get("fields", {}), call.arguments.get("update", {})
    if fields:
        update = {name: [{"set": value}] for name, value in fields.items()}
        yield "verbs for fields", "editIssue with set", (_with(call, fields=None, update=update),)
    if fields.keys() == {"assignee"}:
        account = (fields["assignee"] or {}).get("accountId")
        assign = PlannedCall("assignIssue", {"issueIdOrKey": call.arguments["issueIdOrKey"], "accountId": account})
        yield "other write", "assignIssue for editIssue", (assign,)
        if account:
            yield "id for key", "assignee by id", (_with(call, fields={"assignee": {"id": account}}),)
    added = [step["add"] for step in verbs.get("labels", []) if step.keys() == {"add"}]
    if added and verbs.keys() == {"labels"}:
        issue = find_issue(situation.world, call.arguments["issueIdOrKey"]) or {}
        whole = [*issue["fields"]["labels"], *added]
        read = PlannedCall("getIssue", {"issueIdOrKey": issue["id"], "fields": ["labels"]})
        yield "verbs for fields", "all labels in fields", (read, _with(call, update=None, fields={"labels": whole}))
        update = {"labels": [{"set": whole}]}
        yield "verbs for fields", "all labels set", (read, _with(call, update=update))


def _assign(situation: Situation) -> Found:
    """Assign by an edit."""
    issue, account = (situation.call.arguments[name] for name in ("issueIdOrKey", "accountId"))
    assignee = {"accountId": account}
    fields = PlannedCall("editIssue", {"issueIdOrKey": issue, "fields": {"assignee": assignee}})
    yield "other write", "editIssue for assignIssue", (fields,)
    update = PlannedCall("editIssue", {"issueIdOrKey": issue, "update": {"assignee": [{"set": assignee}]}})
    yield "verbs for fields", "editIssue with set for assignIssue", (update,)


def _create(situation: Situation) -> Found:
    """Create in bulk, by verbs, in two steps, and with empty fields written out."""
    call, fields = situation.call, situation.call.arguments["fields"]
    yield "grouped otherwise", "createIssues", (PlannedCall("createIssues", {"issueUpdates": [call.arguments]}),)
    for name in [name for name in fields if name not in ("project", "issuetype", "summary", "parent")]:
        rest = {other: value for other, value in fields.items() if other != name}
        edit = PlannedCall("editIssue", {"issueIdOrKey": situation.body["key"], "fields": {name: fields[name]}})
        yield "other write", f"createIssue, then {name}", (_with(call, fields=rest), edit)
        update = {name: [{"set": fields[name]}]}
        yield "verbs for fields", f"createIssue with {name} set", (_with(call, fields=rest, update=update),)
        if name in _LISTS:
            update = {name: [{"add": value} for value in fields[name]]}
            yield "verbs for fields", f"createIssue with {name} added", (_with(call, fields=rest, update=update),)
            if len(fields[name]) > 1:
                order = {**fields, name: fields[name][::-1]}
                yield "other order", f"{name} reversed", (_with(call, fields=order),)
    absent = {name: value for name, value in EMPTY_FIELDS.items() if name not in fields}
    for name, value in absent.items():
        yield "explicit default", f"createIssue with {name}", (_with(call, fields={**fields, name: value}),)
    if "priority" not in fields:
        default = {**fields, "priority": {"name": DEFAULT_PRIORITY}}
        yield "explicit default", "createIssue with priority", (_with(call, fields=default),)
    read, reporter = PlannedCall("getCurrentUser", {}), {"accountId": situation.world.me}
    yield "explicit default", "createIssue with reporter", (read, _with(call, fields={**fields, "reporter": reporter}))
    if "parent" not in fields:
        yield "explicit default", "createIssue with parent", (_with(call, fields={**fields, "parent": None}),)
        # A description of null is no document, but the field is documented as nullable.
        yield "explicit default", "createIssue with description", (_with(call, fields={**fields, "description": None}),)


def _transition(situation: Situation) -> Found:
    """Fill the screen by verbs."""
    call = situation.call
    for name, value in call.arguments.get("fields", {}).items():
        rest = {other: each for other, each in call.arguments["fields"].items() if other != name}
        update = {name: [{"set": value}]}
        yield "verbs for fields", f"doTransition with {name} set", (_with(call, fields=rest or None, update=update),)
        if name in _LISTS:
            update = {name: [{"add": each} for each in value]}
            calls = (_with(call, fields=rest or None, update=update),)
            yield "verbs for fields", f"doTransition with {name} added", calls


def _comment(situation: Situation) -> Found:
    """Comment by an edit."""
    issue, body = (situation.call.arguments[name] for name in ("issueIdOrKey", "body"))
    edit = PlannedCall("editIssue", {"issueIdOrKey": issue, "update": {"comment": [{"add": {"body": body}}]}})
    yield "other write", "editIssue for addComment", (edit,)
    edit = PlannedCall("editIssue", {"issueIdOrKey": issue, "fields": {}, "update": edit.arguments["update"]})
    yield "other write", "editIssue without fields for addComment", (edit,)


def _link(situation: Situation) -> Found:
    """Link by an edit of either issue, and name the type otherwise."""
    call = situation.call
    kind, inward, outward = (call.arguments[name] for name in ("type", "inwardIssue", "outwardIssue"))
    # The end that an added link does not name is the edited issue.
    for edited, side, other in ((outward, "inwardIssue", inward), (inward, "outwardIssue", outward)):
        update = {"issuelinks": [{"add": {"type": kind, side: other}}]}
        name = edited.get("id") or edited["key"]
        edit = PlannedCall("editIssue", {"issueIdOrKey": name, "update": update})
        yield "other write", f"editIssue with {side} for linkIssues", (edit,)
    record = next((record for record in LINK_TYPES.values() if record["name"] == kind.get("name")), None)
    if record is None:
        return
    read = PlannedCall("getIssueLinkTypes", {})
    yield "id for key", "link type by id", (read, _with(call, type={"id": record["id"]}))
    yield "explicit default", "link type by id and name", (read, _with(call, type={**kind, "id": record["id"]}))


def _log(situation: Situation) -> Found:
    """Give the duration in other units and the start with another offset."""
    call = situation.call
    if "timeSpent" in call.arguments:
        seconds = durations.seconds(call.arguments["timeSpent"]) or 0
        in_seconds = _with(call, timeSpent=None, timeSpentSeconds=seconds)
        yield "equal value", "timeSpentSeconds for timeSpent", (in_seconds,)
        yield (
            "other write",
            "timeSpentSeconds for timeSpent, with its defaults",
            (_with(in_seconds, adjustEstimate=call.arguments.get("adjustEstimate", "auto")),),
        )
    for name in ("timeSpent", "newEstimate", "reduceBy"):
        for text in _equal_durations(call.arguments.get(name, "")):
            yield "equal value", f"{name} in other units", (_with(call, **{name: text}),)
    if "started" not in call.arguments:
        return
    start = datetime.strptime(call.arguments["started"], "%Y-%m-%dT%H:%M:%S.%f%z")
    for name, offset in _OFFSETS:
        moved = start.astimezone(timezone(offset)).strftime("%Y-%m-%dT%H:%M:%S.000") + name
        yield "equal value", f"started with the offset {name}", (_with(call, started=moved),)


def _equal_durations(text: str) -> Iterator[str]:
    """Yield a duration in minutes and, if it is whole hours, in hours."""
    seconds = durations.seconds(text) or 0
    others = [f"{seconds // 60}m", f"{seconds // 3600}h" if seconds % 3600 == 0 else "", durations.written(seconds)]
    yield from (other for other in dict.fromkeys(others) if seconds and other not in ("", text))


def _plan_sprint(situation: Situation) -> Found:
    """Move issues one by one, and in another order."""
    call, issues = situation.call, situation.call.arguments["issues"]
    if len(issues) > 1:
        singly = tuple(_with(call, issues=[issue]) for issue in issues)
        yield "grouped otherwise", "one issue per call", singly
        for detail, cut in (("the first issue alone", 1), ("the last issue alone", len(issues) - 1)):
            yield "grouped otherwise", detail, (_with(call, issues=issues[:cut]), _with(call, issues=issues[cut:]))
        yield "other order", "issues reversed", (_with(call, issues=issues[::-1]),)
    for number, key in enumerate(issues):
        for issue in situation.world.find("issues", key=key):
            read = PlannedCall("getIssue", {"issueIdOrKey": key, "fields": ["summary"]})
            by_id = _with(call, issues=replaced(issues, (number,), issue["id"]))
            yield "id for key", f"issue {number + 1} by id", (read, by_id)


_WRITES: Mapping[str, tuple[Callable[[Situation], Found], ...]] = {
    "editIssue": (_edit,),
    "assignIssue": (_assign,),
    "createIssue": (_create,),
    "doTransition": (_transition,),
    "addComment": (_comment,),
    "linkIssues": (_link,),
    "addWorklog": (_log,),
    "moveIssuesToSprintAndRank": (_plan_sprint,),
}
