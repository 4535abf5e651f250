"""Other reads of Jira that its documentation offers for the same facts, and other words for queries in JQL."""

import json
from collections.abc import Iterator, Mapping

from envs.api.operation import Json
from envs.audit.equivalent_plans import Change, Situation, Way
from envs.claims.facts import FieldValues
from envs.task import PlannedCall, Task

GET, POST = "searchAndReconsileIssuesUsingJql", "searchAndReconsileIssuesUsingJqlPost"
_EVERYTHING: Mapping[str, Json] = {"fields": ["*all"]}
_FIELDS: Mapping[str, str] = {"type": "issuetype"}
"""By name of a fact, the id of its field where it differs."""
_MOST_PAGES = 4
"""Pages of a search at most: reads beyond the oracle's are free up to this number."""


def other_reads(situation: Situation) -> Iterator[Change]:
    """Yield the documented alternatives of a read."""
    call = situation.call
    for other in _alternatives(call):
        detail = f"{other.name} {json.dumps(sorted(other.arguments))} for {call.name}"
        yield Change("other read", detail, situation.index, (other,))


def _alternatives(call: PlannedCall) -> Iterator[PlannedCall]:
    arguments = call.arguments
    if call.name == "getTransitions":
        expand = "transitions.fields" if "expand" in arguments else "transitions"
        with_transitions = {"issueIdOrKey": arguments["issueIdOrKey"], "fields": ["status"], "expand": expand}
        yield PlannedCall("getIssue", with_transitions)
        yield PlannedCall(GET, {"jql": f"key = {arguments['issueIdOrKey']}", "fields": ["status"], "expand": expand})
    elif call.name == "getIssue":
        key = arguments["issueIdOrKey"]
        yield PlannedCall("bulkFetchIssues", {"issueIdsOrKeys": [key]})
        yield PlannedCall("bulkFetchIssues", {"issueIdsOrKeys": [key], **_EVERYTHING})
        yield from (PlannedCall(name, {"jql": f"key = {key}", **_EVERYTHING}) for name in (GET, POST))
    elif call.name in (GET, POST):
        other = POST if call.name == GET else GET
        yield PlannedCall(other, arguments)
        yield from (PlannedCall(name, {**arguments, **_EVERYTHING}) for name in (GET, POST))
    elif call.name in ("findUsers", "findUsersForPicker") and arguments.get("query"):
        first_name = arguments["query"].split()[0]
        yield PlannedCall("findUsers", {"query": first_name})
        yield from (PlannedCall(name, arguments) for name in ("findUsers", "findUsersForPicker") if name != call.name)


def single_fields(situation: Situation) -> Iterator[Change]:
    """Yield reads of an issue that ask only for the fields of the answer, together or one by one."""
    call, claim = situation.call, situation.task.claim
    if call.name != "getIssue" or not isinstance(claim, FieldValues):
        return
    fields = [_FIELDS.get(name, name) for name in claim.values]
    together = PlannedCall(call.name, {**call.arguments, "fields": fields})
    yield Change("other read", "only the fields of the answer", situation.index, (together,))
    if len(fields) > 1:
        singly = tuple(PlannedCall(call.name, {**call.arguments, "fields": [field]}) for field in fields)
        yield Change("grouped otherwise", "one field per read", situation.index, singly)


def in_pages(situation: Situation) -> Iterator[Change]:
    """Yield a search in pages of one or two issues, if that takes few reads."""
    call = situation.call
    for size in (1, 2) if call.name in (GET, POST) else ():
        arguments: dict[str, Json] = {**call.arguments, "maxResults": size}
        pages = [PlannedCall(call.name, arguments)]
        while len(pages) <= _MOST_PAGES:
            token = situation.read(call.name, pages[-1].arguments).body.get("nextPageToken")
            if not token:
                break
            pages.append(PlannedCall(call.name, {**arguments, "nextPageToken": token}))
        if 1 < len(pages) <= _MOST_PAGES:
            yield Change("grouped otherwise", f"issues found in pages of {size}", situation.index, tuple(pages))


def assignable(situation: Situation) -> Iterator[Change]:
    """Yield a search of the users who can be assigned the task's issue or the issues of its project."""
    call, issues = situation.call, situation.world.tables.get("issues", {})
    if call.name not in ("findUsers", "findUsersForPicker") or not call.arguments.get("query"):
        return
    named = [each.arguments.get("issueIdOrKey") for each in situation.task.oracle]
    keys = dict.fromkeys(issue["key"] for issue in issues.values() if {issue["id"], issue["key"]} & set(named))
    for key in list(keys)[:1]:
        for more in ({"issueKey": key}, {"project": key.rpartition("-")[0]}):
            if more.get("issueKey", call.name) in named or "project" in more:
                other = PlannedCall("findAssignableUsers", {"query": call.arguments["query"], **more})
                detail = f"findAssignableUsers by {', '.join(more)}"
                yield Change("other read", detail, situation.index, (other,))


def other_queries(situation: Situation) -> Iterator[Change]:
    """Yield a search with the same query in other words."""
    call = situation.call
    jql = call.arguments.get("jql", "")
    if call.name not in (GET, POST) or "(" in jql or " OR " in jql:
        return
    clauses = jql.split(" AND ")
    key = next((clause.partition("= ")[2] for clause in clauses if clause.startswith("project = ")), "")
    forms = {
        "double quotes": jql.replace("'", '"'),
        "small keywords": jql.replace(" AND ", " and ").replace(" IS EMPTY", " is empty"),
        "clauses reversed": " AND ".join(reversed(clauses)),
        "in parentheses": f"({clauses[0]}) AND {' AND '.join(clauses[1:])}" if len(clauses) > 1 else jql,
        "in order of creation": f"{jql} ORDER BY created DESC",
        "in order of keys": f"{jql} ORDER BY key ASC",
        "a list of projects": jql.replace(f"project = {key}", f"project in ({key})"),
        "type for issuetype": jql.replace("issuetype", "type"),
        "null for empty": jql.replace("IS EMPTY", "is null"),
        "as a phrase": " AND ".join(_as_phrase(clause) for clause in clauses),
    }
    for detail, form in forms.items():
        if form != jql:
            other = PlannedCall(call.name, {**call.arguments, "jql": form}, call.note)
            yield Change("other query", detail, situation.index, (other,))


def whole_project(situation: Situation) -> Iterator[Change]:
    """Yield a search of the whole project with everything that the query's conditions concern."""
    call = situation.call
    first, _, rest = call.arguments.get("jql", "").partition(" AND ")
    if call.name in (GET, POST) and rest and first.startswith("project = "):
        arguments = {"jql": first, "maxResults": 100, **_EVERYTHING}
        yield Change("other query", "the whole project", situation.index, (PlannedCall(call.name, arguments),))


def one_search(task: Task) -> Iterator[Way]:
    """Yield the plan with two neighbouring searches joined to one."""
    plan = task.oracle
    for index, (first, second) in enumerate(zip(plan, plan[1:], strict=False)):
        if {first.name, second.name} <= {GET, POST}:
            jql = f"({first.arguments['jql']}) OR ({second.arguments['jql']})"
            both = PlannedCall(first.name, {"jql": jql, "fields": ["summary"]})
            where = f"{first.name} for calls {index + 1} and {index + 2}"
            yield Way("fewer reads", where, (*plan[:index], both, *plan[index + 2 :]))


def _as_phrase(clause: str) -> str:
    """Return a clause that searches words with its words as a phrase."""
    field, tilde, words = clause.partition(" ~ ")
    inside = words.strip("'")
    return f'{field} ~ "\\"{inside}\\""' if tilde else clause
