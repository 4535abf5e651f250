"""Checks of Jira issues: found by a search, and named by a key or id that an earlier response contained."""

from collections.abc import Mapping

from envs.api.operation import Api, Json, Schema
from envs.jira import JIRA
from envs.reward.checks import Check, FinishedEpisode, at
from envs.reward.provenance import last_index, seen_before
from envs.scenarios.vocabulary.oracle import Form, graded_call, only, oracle_value
from envs.task import PlannedCall, Task
from envs.trace import Call, answered_before

SEARCH = "searchAndReconsileIssuesUsingJql"
SEARCH_BY_POST = f"{SEARCH}Post"
_QUERY_ALONE: dict[str, Schema] = {"fields": {}, "nextPageToken": {}}
_IDS = ("issues.id", "issues.key")
SEARCHABLE: Api = JIRA.showing(SEARCH, _QUERY_ALONE, _IDS).showing(SEARCH_BY_POST, _QUERY_ALONE, _IDS)
"""Jira with a short view of its searches: the query as the only argument, keys and ids as the response."""
NEW_ISSUE: Mapping[str, Form] = {"issues": only("project", "issuetype", "fields"), "projects": only()}
"""Normal form for a new issue; its project counts only as changed."""


def searched(name: str, write: str, path: str, weight: float) -> Check:
    """Grade the best search before the last `write`: intersection over union of issues found and wanted.

    The wanted issues are those that the oracle's calls of `write` name at a dotted path.
    """

    def score(episode: FinishedEpisode) -> float:
        calls, task = episode.trace.calls, episode.task
        wanted = {names_at(task, at(call.arguments, path))[1] for call in task.oracle if call.name == write}
        best = 0.0
        for call in answered_before(calls, last_index(calls, write)):
            if call.name in (SEARCH, SEARCH_BY_POST) and call.ok:
                issue_ids = {issue["id"] for issue in call.body["issues"]}
                best = max(best, len(issue_ids & wanted) / len(issue_ids | wanted))
        return best

    return Check(
        f"procedure/search/{name}", weight, score, f"A search before {write} found the {name} and nothing else."
    )


def issue_like_oracle(operation: str, path: str, weight: float) -> Check:
    """Check that the last call names the oracle's issue at a dotted path by an id or key that had been read.

    A value may be a name, or an object with the key or the id.
    """

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        index = last_index(calls, operation)
        if index < 0:
            return 0.0
        name = _name(at(calls[index].arguments, path))
        right = name in names_at(episode.task, oracle_value(episode.task, operation, path))
        return float(right and seen_before(calls, index, name))

    return Check(f"argument/{path}", weight, score, f"The {path} of {operation} was read, not guessed, and is right.")


def names_issue(operation: str, weight: float, path: str = "issueIdOrKey") -> Check:
    """Check that the last call names the oracle's issue at a dotted path, by key or id, read or not."""

    def grade(call: Call, planned: PlannedCall, episode: FinishedEpisode) -> float:
        return float(str(at(call.arguments, path)).upper() in names_at(episode.task, at(planned.arguments, path)))

    return graded_call(operation, path, weight, grade, f"{operation} was called with the right {path}.")


def names_at(task: Task, value: Json) -> tuple[str, str]:
    """Return (key, id) of the issue of the initial site that a value names, as `issue_like_oracle` takes it."""
    name = _name(value)
    issue = task.world.tables["issues"].get(name) or task.world.find("issues", key=name)[0]
    return issue["key"], issue["id"]


def _name(value: Json) -> str:
    if isinstance(value, dict):
        value = value.get("key") or value.get("id")
    return str(value).upper()
