"""Create an issue in a project that may not exist, or that may lack the type."""

from collections.abc import Mapping

from envs.scenarios.jira.infeasible import OR_ELSE, Kind, asks_for
from envs.task import PlannedCall

_WORDINGS = (
    '[|please |can you ][create|add|raise|file] a "{type}" [in|for] [|project ]"{project}"[: | called | named ]'
    '"{summary}".',
    '[|please ][note|log|track] "{summary}" in [|project ]"{project}" as a "{type}".',
    '[project "{project}" needs|we need in "{project}"] a "{type}": "{summary}".',
)
_KEPT_BACK = (
    'Enter "{summary}" into "{project}", it is a "{type}".' + OR_ELSE[0],
    'A new "{type}" called "{summary}" belongs in "{project}", if all of it exists.' + OR_ELSE[1],
)


def _creates(asked: Mapping[str, str], found: str) -> PlannedCall:
    fields = {"project": {"key": asked["project"]}, "issuetype": {"name": found}, "summary": asked["summary"]}
    return PlannedCall("createIssue", {"fields": fields})


CREATE = Kind(
    names=("project", "type"),
    can_miss=("project", "type"),
    wordings=_WORDINGS,
    kept_back=_KEPT_BACK,
    read=lambda asked: PlannedCall("getProject", {"projectIdOrKey": asked["project"]}),
    write=_creates,
    asked=("fields.project.key", "fields.summary"),
    found="fields.issuetype.name",
    tells=asks_for("projectIdOrKey"),
    next_best=lambda task, rng: _creates(task.goal, task.goal["type"]),
)
