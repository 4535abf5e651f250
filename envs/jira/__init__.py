"""Jira Cloud, platform REST API v3. Read world, replies, endpoint, fields, issues, transitions, then the rest."""

from envs.jira.table import JIRA

__all__ = ["JIRA"]
