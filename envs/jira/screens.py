"""Screens of transitions: which fields a transition asks for, and the values that a request gives them.

A screen is {field id: whether it is required}. All of it is checked before the status moves; what is not on the screen
cannot be set by the transition. A comment can be added on any screen.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from envs.api.operation import Json
from envs.api.world import Record, World
from envs.jira.comments import added_comments
from envs.jira.field_list import NAMES
from envs.jira.field_meta import field_meta
from envs.jira.fields import NOT_ON_SCREEN, checked_fields
from envs.jira.world import RESOLUTIONS

Screen = Mapping[str, bool]


@dataclass(frozen=True)
class Filled:
    """A screen that was filled in."""

    values: Mapping[str, Json]
    """Fields as they are stored."""
    resolution: str | None
    """The id of the resolution that was chosen."""
    comments: tuple[Json, ...]
    """Documents."""


def screen_body(world: World, project: Record, screen: Screen) -> dict[str, Json]:
    """The metadata of a screen's fields, by field id."""
    return {name: field_meta(world, project, name, required) for name, required in screen.items()}


def filled(
    world: World, project: Record, screen: Screen, fields: Mapping[str, Json], update: Mapping[str, Json]
) -> Filled | dict[str, str]:
    """The values given to a screen by `fields` and `update`, or what is wrong by field id."""
    errors = {name: f"Field '{name}' cannot appear in both 'fields' and 'update'" for name in fields if name in update}
    given = dict(fields)
    comments: list[Json] = []
    for name, steps in update.items():
        if name == "comment" and screen:
            comments, wrong_comment = added_comments(steps)
            errors |= {"comment": wrong_comment} if wrong_comment else {}
        elif sets := [one["set"] for one in _listed(steps) if "set" in one]:
            given[name] = sets[-1]
        else:
            errors[name] = NOT_ON_SCREEN.format(name)
    errors |= {name: NOT_ON_SCREEN.format(name) for name in given if name not in screen}
    values, wrong = checked_fields(
        world, project, {name: value for name, value in given.items() if name in screen and name != "resolution"}
    )
    resolution = _resolution(given.get("resolution"))
    if given.get("resolution") is not None and resolution is None:
        wrong["resolution"] = "Specify a valid 'id' or 'name' for resolution"
    missing = [name for name, required in screen.items() if required and given.get(name) in (None, "", [])]
    errors |= wrong | {name: f"{NAMES[name][0]} is required." for name in missing}
    return errors or Filled(values, resolution, tuple(comments))


def _listed(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _resolution(value: Json) -> str | None:
    given = value if isinstance(value, dict) else {}
    fits = [one["id"] for one in RESOLUTIONS.values() if str(given.get("id")) == one["id"]]
    fits = fits or [one["id"] for one in RESOLUTIONS.values() if "id" not in given and given.get("name") == one["name"]]
    return fits[0] if fits else None
