"""The two names of an issue, for tests: a call may have either."""

from envs.task import Task


def key_and_id(task: Task, name: str) -> tuple[str, str]:
    """Return (key, id) of the initial site's issue of this key or id."""
    return next(
        (issue["key"], issue["id"]) for issue in task.world.find("issues") if name in (issue["key"], issue["id"])
    )
