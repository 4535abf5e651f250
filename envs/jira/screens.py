"""Screens of transitions: the fields that a transition can set, and their values in a request.

A screen maps field ids to whether the field is required. It is validated completely before the status changes. A
transition can set only the fields on its screen, and add a comment if it has a screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from envs.api.operation import Json
from envs.api.world import Record, World
from envs.jira.comments import added_comments
from envs.jira.field_list import NAMES
from envs.jira.field_meta import field_meta
from envs.jira.fields import NOT_ON_SCREEN, checked_fields
from envs.jira.issue_edits import in_both, with_verbs
from envs.jira.world import RESOLUTIONS

Screen = Mapping[str, bool]


@dataclass(frozen=True)
class Filled:
    """The valid values of a screen in a request."""

    values: Mapping[str, Json]
    """Stored values by field id."""
    resolution: str | None
    """Id of the chosen resolution, if any."""
    comments: tuple[Json, ...]
    """Documents to add as comments."""


def screen_body(world: World, project: Record, screen: Screen) -> dict[str, Json]:
    """Return the metadata of a screen's fields, by field id."""
    return {name: field_meta(world, project, name, required) for name, required in screen.items()}


def filled(
    world: World, issue: Record, screen: Screen, fields: Mapping[str, Json], update: Mapping[str, Json]
) -> Filled | dict[str, str]:
    """Return the values that `fields` and `update` of a request give to a screen, or error sentences by field id."""
    errors = in_both(fields, update)
    comments: list[Json] = []
    if screen and "comment" in update:
        comments, wrong_comment = added_comments(update["comment"])
        errors |= {"comment": wrong_comment} if wrong_comment else {}
        update = {name: steps for name, steps in update.items() if name != "comment"}
    given, wrong_verbs = with_verbs(world, issue, fields, update)
    errors |= wrong_verbs | {name: NOT_ON_SCREEN.format(name) for name in given if name not in screen}
    project = world.table("projects")[issue["project"]]
    values, wrong = checked_fields(
        world, project, {name: value for name, value in given.items() if name in screen and name != "resolution"}
    )
    resolution = _resolution(given.get("resolution"))
    if given.get("resolution") is not None and resolution is None:
        wrong["resolution"] = "Specify a valid 'id' or 'name' for resolution"
    missing = [name for name, required in screen.items() if required and given.get(name) in (None, "", [])]
    errors |= wrong | {name: f"{NAMES[name][0]} is required." for name in missing}
    return errors or Filled(values, resolution, tuple(comments))


def _resolution(value: Json) -> str | None:
    given = value if isinstance(value, dict) else {}
    matches = [r["id"] for r in RESOLUTIONS.values() if str(given.get("id")) == r["id"]]
    if not matches and "id" not in given:
        matches = [r["id"] for r in RESOLUTIONS.values() if given.get("name") == r["name"]]
    return matches[0] if matches else None
