"""Create an issue in a project that may not exist or may not have the issue type."""

from collections.abc import Mapping

from envs.scenarios.jira.infeasible import OR_ELSE, RequestKind
from envs.task import PlannedCall

_WORDINGS = (
    '[|please |can you ][create|add|raise|file] a "{type}" [in|for] [|project ]"{project}"[: | called | named ]'
    '"{summary}".',
    '[|please ][note|log|track] "{summary}" in [|project ]"{project}" as a "{type}".',
    '[project "{project}" needs|we need in "{project}"] a "{type}": "{summary}".',
)
_HELD_OUT_WORDINGS = (
    'Enter "{summary}" into "{project}", it is a "{type}".' + OR_ELSE[0],
    'A new "{type}" called "{summary}" belongs in "{project}", if all of it exists.' + OR_ELSE[1],
)


def _create(parts: Mapping[str, str], issue_type: str) -> PlannedCall:
    fields = {"project": {"key": parts["project"]}, "issuetype": {"name": issue_type}, "summary": parts["summary"]}
    return PlannedCall("createIssue", {"fields": fields})


CREATE = RequestKind(
    parts=("project", "type"),
    can_miss=("project", "type"),
    wordings=_WORDINGS,
    held_out_wordings=_HELD_OUT_WORDINGS,
    read=lambda parts: PlannedCall("getProject", {"projectIdOrKey": parts["project"]}),
    write=_create,
    next_best=lambda task, rng: _create(task.goal, task.goal["type"]),
)
