"""Other reads of Jira that show that a request is impossible, by the part that is missing."""

from collections.abc import Iterator

from envs.audit.equivalent_jira_reads import GET, POST
from envs.audit.equivalent_plans import Way
from envs.claims.impossible import Impossible
from envs.task import PlannedCall, Task


def other_probes(task: Task) -> Iterator[Way]:
    """Yield plans with another read in place of the oracle's only one, if the task is impossible."""
    claim = task.claim
    if not isinstance(claim, Impossible) or len(task.oracle) != 1:
        return
    for probe in _probes(task, claim):
        if (probe.name, probe.arguments) != (task.oracle[0].name, task.oracle[0].arguments):
            arguments = ", ".join(probe.arguments)
            yield Way("other read", f"{probe.name} by {arguments} for a missing {claim.part}", (probe,))


def _probes(task: Task, claim: Impossible) -> Iterator[PlannedCall]:
    missing = claim.missing
    if claim.part == "issue":
        yield PlannedCall("getIssue", {"issueIdOrKey": missing})
        yield PlannedCall("getTransitions", {"issueIdOrKey": missing})
        yield PlannedCall("bulkFetchIssues", {"issueIdsOrKeys": [missing]})
        yield from (PlannedCall(name, {"jql": f"key = {missing}", "fields": ["summary"]}) for name in (GET, POST))
    elif claim.part == "project":
        yield PlannedCall("getProject", {"projectIdOrKey": missing})
        yield PlannedCall("searchProjects", {"keys": [missing]})
        yield PlannedCall("searchProjects", {"query": missing})
        yield PlannedCall("getAllProjects", {})
        yield PlannedCall("getCreateIssueMetaIssueTypes", {"projectIdOrKey": missing})
        yield PlannedCall("getCreateIssueMeta", {"projectKeys": [missing]})
        yield PlannedCall(GET, {"jql": f"project = {missing}", "fields": ["summary"]})
    elif claim.part == "user":
        yield PlannedCall("findUsersForPicker", {"query": missing})
        yield PlannedCall("findUsers", {"query": missing.split()[0]})
        yield PlannedCall("findUsers", {"query": missing.split()[-1]})
        yield PlannedCall("findAssignableUsers", {"query": missing, "issueKey": claim.present["issue"]})
        yield PlannedCall("findAssignableUsers", {"issueKey": claim.present["issue"]})
    elif claim.part == "type":
        project = claim.present["project"]
        yield PlannedCall("getCreateIssueMetaIssueTypes", {"projectIdOrKey": project})
        yield PlannedCall("getCreateIssueMeta", {"projectKeys": [project]})
        yield PlannedCall("getCreateIssueMeta", {"projectKeys": [project], "issuetypeNames": [missing]})
        yield PlannedCall("getAllStatuses", {"projectIdOrKey": project})
    elif claim.part == "status":
        issue = claim.present["issue"]
        yield PlannedCall("getTransitions", {"issueIdOrKey": issue, "expand": "transitions.fields"})
        if not task.world.find("statuses", name=missing):
            # No transition leads to a status that does not exist.
            yield PlannedCall("getAllStatuses", {"projectIdOrKey": issue.rpartition("-")[0]})
            yield PlannedCall("getStatuses", {})
            yield PlannedCall("getStatus", {"idOrName": missing})
