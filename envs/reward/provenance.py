"""What an answer had told before it was used: an id is worth something only if it was read, not guessed."""

from envs.api.json_paths import leaves
from envs.reward.checks import Attempt, Check, at, exactly
from envs.trace import Call, answered_before


def told_before(calls: tuple[Call, ...], place: int, value: object) -> bool:
    """Whether a successful call of a turn before that of the call at `place` had the value in its answer."""
    return any(
        call.ok and any(str(value) == str(leaf) for _, leaf in leaves(call.body))
        for call in answered_before(calls, place)
        if call.body is not None
    )


def last_place(calls: tuple[Call, ...], name: str) -> int:
    """The place of the last call of an operation, -1 without one."""
    return max((place for place, call in enumerate(calls) if call.name == name), default=-1)


def read_argument(operation: str, path: str, goal: str, weight: float) -> Check:
    """Whether the last call of `operation` had the goal's value at `path`, and an answer had told it before."""

    def score(attempt: Attempt) -> float:
        calls = attempt.trace.calls
        place = last_place(calls, operation)
        if place < 0:
            return 0.0
        value = at(calls[place].arguments, path)
        return exactly(value, attempt.task.goal[goal]) * told_before(calls, place, value)

    return Check(f"argument/{path}", weight, score, f"The {path} of {operation} was read, not guessed, and is right.")
