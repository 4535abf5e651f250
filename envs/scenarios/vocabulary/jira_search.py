"""Jira with a short view of its searches by JQL: the query as the only argument, keys and ids as the response."""

from envs.api.operation import Api, Schema
from envs.jira import JIRA

SEARCH = "searchAndReconsileIssuesUsingJql"
SEARCH_BY_POST = f"{SEARCH}Post"
_QUERY_ALONE: dict[str, Schema] = {"fields": {}, "nextPageToken": {}}
_IDS = ("issues.id", "issues.key")
SEARCHABLE: Api = JIRA.showing(SEARCH, _QUERY_ALONE, _IDS).showing(SEARCH_BY_POST, _QUERY_ALONE, _IDS)
