"""Jira Cloud, platform REST API v3. Read in this order: world, replies, issues, transitions."""

from envs.jira.issues import CREATE_ISSUE, GET_ISSUE
from envs.jira.namesakes import NAMESAKES
from envs.jira.transitions import DO_TRANSITION, GET_TRANSITIONS
from envs.operation import Api

JIRA = Api("jira", (CREATE_ISSUE, GET_ISSUE, GET_TRANSITIONS, DO_TRANSITION), NAMESAKES)

__all__ = ["JIRA"]
