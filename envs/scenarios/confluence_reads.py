"""Checks that the Confluence scenarios share: an id counts only if an answer had told it before it was used."""

from envs.checks import Attempt, Check, at, exactly
from envs.confluence.world import put_page
from envs.paths import leaves
from envs.trace import Call
from envs.world import Record, World


def told_before(calls: tuple[Call, ...], place: int, value: object) -> bool:
    """Whether a successful call before `place` had the value in its answer."""
    return any(
        call.ok and any(str(value) == str(leaf) for _, leaf in leaves(call.body))
        for call in calls[:place]
        if call.body is not None
    )


def _last(calls: tuple[Call, ...], name: str) -> int:
    return max((place for place, call in enumerate(calls) if call.name == name), default=-1)


def read_argument(operation: str, path: str, goal: str, weight: float) -> Check:
    """Whether the last call of `operation` had the goal's id at `path`, and an answer had told it before."""

    def score(attempt: Attempt) -> float:
        calls = attempt.trace.calls
        place = _last(calls, operation)
        if place < 0:
            return 0.0
        value = at(calls[place].arguments, path)
        return exactly(value, attempt.task.goal[goal]) * told_before(calls, place, value)

    return Check(f"argument/{path}", weight, score, f"The {path} of {operation} was read, not guessed, and is right.")


def space_found(write: str, weight: float) -> Check:
    """Whether the goal's space was looked up before the last `write`: half for finding it among others."""

    def score(attempt: Attempt) -> float:
        calls = attempt.trace.calls
        answers = [
            [space["key"] for space in call.body["results"]]
            for call in calls[: max(_last(calls, write), 0)]
            if call.name == "getSpaces" and call.ok
        ]
        return max((_alone(answer, attempt.task.goal["key"]) for answer in answers), default=0.0)

    return Check("procedure/getSpaces", weight, score, f"The space was looked up before {write}.")


def page_found(write: str, goal: str, weight: float) -> Check:
    """Whether the goal's page was looked up before the last `write`, in no space whose id was a guess."""

    def score(attempt: Attempt) -> float:
        calls = attempt.trace.calls
        best = 0.0
        for place, call in enumerate(calls[: max(_last(calls, write), 0)]):
            if call.name == "getPages" and call.ok:
                spaces = call.arguments.get("space-id", [])
                if all(told_before(calls, place, space) for space in spaces):
                    best = max(best, _alone([page["id"] for page in call.body["results"]], attempt.task.goal[goal]))
        return best

    return Check(f"procedure/getPages/{goal}", weight, score, f"The {goal} page was looked up before {write}.")


def page_read(write: str, goal: str, weight: float) -> Check:
    """Whether the goal's page was read by an id that was no guess, before the last `write`."""

    def score(attempt: Attempt) -> float:
        calls, wanted = attempt.trace.calls, attempt.task.goal[goal]
        reads = [
            place
            for place, call in enumerate(calls[: max(_last(calls, write), 0)])
            if call.name == "getPageById" and call.ok and call.body["id"] == wanted
        ]
        return float(any(told_before(calls, place, wanted) for place in reads))

    return Check("procedure/getPageById", weight, score, f"The page was read before {write}.")


def _alone(answer: list[str], wanted: str) -> float:
    return 0.0 if wanted not in answer else 1.0 if len(answer) == 1 else 0.5


def changed_fields(before: Record, after: Record) -> set[str]:
    """The fields in which two versions of a page differ, whatever each lacks counting as empty."""
    return {name for name in {**before, **after} if (before.get(name) or None) != (after.get(name) or None)}


def add_page(world: World, space: Record, title: str, parent: str | None = None) -> Record:
    """A page more in a space, right under its homepage unless `parent` says otherwise."""
    return put_page(world, world.new_id(), space, parent or space["homepageId"], title)
