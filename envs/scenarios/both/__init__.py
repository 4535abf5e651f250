"""Families of tasks that span Jira and Confluence, one file each."""

from envs.scenarios.both import page_from_issue

SCENARIOS = (page_from_issue.SCENARIO,)
