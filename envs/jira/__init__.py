"""Jira Cloud: operations of the platform REST API v3 and of Jira Software's boards and sprints, as one table."""

from envs.jira.table import JIRA

__all__ = ["JIRA"]
