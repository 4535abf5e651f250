"""Other names of Jira's records: ids for keys and names, keys for ids, and keys in small letters."""

from collections.abc import Callable, Iterator, Mapping

from envs.api.json_paths import at, inner_paths, inside, leaves, replaced
from envs.api.operation import Json
from envs.audit.equivalent_jira_reads import GET, POST
from envs.audit.equivalent_plans import Change, Plan, Situation, Way
from envs.task import PlannedCall, Task

KIND = "id for key"
_ISSUE = "issueIdOrKey"
_NAMING_ISSUES = (_ISSUE, "parent", "inwardIssue", "outwardIssue")
Lookup = Callable[[str], PlannedCall]
_BY_NAME: Mapping[str, tuple[str, Lookup]] = {
    "project": ("key", lambda key: PlannedCall("getProject", {"projectIdOrKey": key})),
    "issuetype": ("name", lambda key: PlannedCall("getProject", {"projectIdOrKey": key})),
    "priority": ("name", lambda key: PlannedCall("getPriorities", {})),
    "resolution": ("name", lambda key: PlannedCall("getResolutions", {})),
    "fixVersions": ("name", lambda key: PlannedCall("getProjectVersions", {"projectIdOrKey": key})),
    "components": ("name", lambda key: PlannedCall("getProjectComponents", {"projectIdOrKey": key})),
}
"""By field, the property that names its record, and the read, given a project's key, that has the record's id."""


def ids_of_fields(situation: Situation) -> Iterator[Change]:
    """Yield a write whose fields name a record by id, after a read that has the id."""
    call = situation.call
    key = _project_of(situation)
    for path in inner_paths(call.arguments) if situation.operation.writes else ():
        field = next((str(name) for name in reversed(path) if name in _BY_NAME), None)
        value = inside(call.arguments, path)
        if field is None or not isinstance(value, dict) or not key:
            continue
        named_by, lookup = _BY_NAME[field]
        if value.keys() != {named_by}:
            continue
        read = lookup(key)
        record_id = _id_in(situation.read(read.name, read.arguments).body, value[named_by])
        if record_id:
            by_id = PlannedCall(call.name, replaced(call.arguments, path, {"id": record_id}), call.note)
            known = (read.name, read.arguments) in [(each.name, each.arguments) for each in situation.task.oracle]
            calls = (by_id,) if known else (read, by_id)
            yield Change(KIND, f"{call.name} with {field} by id", situation.index, calls)


def _project_of(situation: Situation) -> str:
    """Return the key of the project that a call concerns, or an empty string."""
    arguments = situation.call.arguments
    # In a search, fields are a list of names.
    key = at(arguments, "fields.project.key")
    return str(key or "") or str(arguments.get(_ISSUE, "")).rpartition("-")[0]


def _id_in(body: Json, name: str) -> str:
    """Return the id of the object in a response that has a name or key, or an empty string."""
    for path in ((), *inner_paths(body)):
        value = inside(body, path)
        if isinstance(value, dict) and name in (value.get("name"), value.get("key")) and "id" in value:
            return str(value["id"])
    return ""


def ids_of_issues(task: Task) -> Iterator[Way]:
    """Yield plans that name issues in another way in every call, or only in the writes."""
    issues = task.world.tables.get("issues", {})
    ids = {issue["key"]: issue["id"] for issue in issues.values()}
    named = {call.arguments[_ISSUE] for call in task.oracle if _ISSUE in call.arguments}
    for key in sorted(named & ids.keys()):
        for detail, form in (("lower case", key.lower()), ("mixed case", key.capitalize())):
            yield Way(KIND, f"{key} in {detail}", _renamed(task, key, form, only_writes=False))
            if task.any_writes(task.oracle):
                yield Way(KIND, f"{key} in {detail} in the writes", _renamed(task, key, form, only_writes=True))
        if not task.any_writes(task.oracle):
            continue
        read = PlannedCall("getIssue", {_ISSUE: key, "fields": ["summary"]})
        yield Way(KIND, f"id of {key}", (read, *_renamed(task, key, ids[key], only_writes=False)))
        yield Way(KIND, f"id of {key} in the writes", (read, *_renamed(task, key, ids[key], only_writes=True)))


def _renamed(task: Task, old: str, new: str, only_writes: bool) -> Plan:
    """Return the oracle's plan with another name of an issue in paths; failing calls are renamed too."""
    operations = task.api.by_name()
    return tuple(
        PlannedCall(call.name, {**call.arguments, _ISSUE: new}, call.note, call.fails)
        if call.arguments.get(_ISSUE) == old and (operations[call.name].writes or not only_writes)
        else call
        for call in task.oracle
    )


def keys_for_ids(task: Task) -> Iterator[Way]:
    """Yield plans that name issues found by a search by their keys instead of their ids."""
    keys = {issue["id"]: issue["key"] for issue in task.world.tables.get("issues", {}).values()}
    if not any(call.name in (GET, POST) for call in task.oracle):
        return
    searched: list[PlannedCall] = []
    for call in task.oracle:
        if call.name in (GET, POST):
            call = PlannedCall(call.name, {**call.arguments, "fields": ["summary"]}, call.note)
        searched.append(call)
    whole = tuple(_by_key(call, keys) for call in searched)
    yield Way(KIND, "keys of found issues", whole)
    lower = {issue_id: key.lower() for issue_id, key in keys.items()}
    yield Way(KIND, "keys of found issues in lower case", tuple(_by_key(call, lower, (_ISSUE,)) for call in searched))
    for index, call in enumerate(searched):
        if _by_key(call, keys) != call:
            one = (*searched[:index], _by_key(call, keys), *searched[index + 1 :])
            yield Way(KIND, f"key of a found issue (call {index + 1})", one)


def _by_key(call: PlannedCall, keys: Mapping[str, str], names: tuple[str, ...] = _NAMING_ISSUES) -> PlannedCall:
    """Return a call with the ids of issues under the given names replaced by keys."""
    arguments = call.arguments
    for path, value in leaves(call.arguments):
        if value in keys and any(name in path for name in names):
            if path[-1] == "id":
                arguments = replaced(arguments, path[:-1], {"key": keys[value]})
            else:
                arguments = replaced(arguments, path, keys[value])
    return PlannedCall(call.name, arguments, call.note, call.fails)
