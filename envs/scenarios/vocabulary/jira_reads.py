"""Checks that the harder Jira scenarios share: issues and people are searched for, and their ids read, not guessed."""

from envs.api.operation import Api, Json, Schema
from envs.jira import JIRA
from envs.reward.checks import Check, FinishedEpisode, at
from envs.reward.provenance import last_index, seen_before
from envs.trace import answered_before

SEARCH = "searchAndReconsileIssuesUsingJql"
SEARCH_BY_POST = f"{SEARCH}Post"
_QUERY_ALONE: dict[str, Schema] = {"fields": {}, "nextPageToken": {}}
_IDS = ("issues.id", "issues.key")
SEARCHABLE: Api = JIRA.showing(SEARCH, _QUERY_ALONE, _IDS).showing(SEARCH_BY_POST, _QUERY_ALONE, _IDS)
"""Jira, whose searches take the query alone and tell the ids found."""


def issues_found(write: str, goal: str, weight: float) -> Check:
    """Whether one search before the last `write` found the goal's issues: over all found or to be found, the common.

    The goal lists issues, each as the list of its names.
    """

    def score(episode: FinishedEpisode) -> float:
        calls, wanted = episode.trace.calls, {names[1] for names in episode.task.goal[goal]}
        best = 0.0
        for call in answered_before(calls, last_index(calls, write)):
            if call.name in (SEARCH, SEARCH_BY_POST) and call.ok:
                found = {issue["id"] for issue in call.body["issues"]}
                best = max(best, len(found & wanted) / len(found | wanted))
        return best

    return Check(f"procedure/search/{goal}", weight, score, f"A search before {write} found the {goal}, nothing else.")


def user_found(write: str, goal: str, weight: float) -> Check:
    """Whether an answer before the last `write` told the goal's account id."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        return float(seen_before(calls, last_index(calls, write), episode.task.goal[goal]))

    return Check("procedure/findUsers", weight, score, f"The user was looked up before {write}.")


def issue_argument(operation: str, path: str, goal: str, weight: float) -> Check:
    """Whether the last call of `operation` named the goal's issue at `path`, by an id or key that had been told.

    The goal lists one issue, as the list of its names. A value may be a name, or an object with the key or the id.
    """

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        place = last_index(calls, operation)
        if place < 0:
            return 0.0
        name = _name(at(calls[place].arguments, path))
        return float(name in episode.task.goal[goal][0] and seen_before(calls, place, name))

    return Check(f"argument/{path}", weight, score, f"The {path} of {operation} was read, not guessed, and is right.")


def _name(value: Json) -> str:
    if isinstance(value, dict):
        value = value.get("key") or value.get("id")
    return str(value).upper()
