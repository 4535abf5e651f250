"""What an answer had told before it was used: an id is worth something only if it was read, not guessed."""

from collections.abc import Callable

from envs.api.json_paths import leaves
from envs.reward.checks import Check, FinishedEpisode, at, exactly
from envs.trace import Call, answered_before


def seen_before(calls: tuple[Call, ...], place: int, value: object) -> bool:
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

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        place = last_place(calls, operation)
        if place < 0:
            return 0.0
        value = at(calls[place].arguments, path)
        return exactly(value, episode.task.goal[goal]) * seen_before(calls, place, value)

    return Check(f"argument/{path}", weight, score, f"The {path} of {operation} was read, not guessed, and is right.")


def all_named(operation: str, path: str, goal: str, weight: float) -> Check:
    """How well the calls of `operation` together name the goal's records at `path`, and no others.

    The goal lists records, each as the list of its names in capitals (an id, a key). A name counts only if an answer
    had told it before. The score is how many are named, over those that should be and all others that were.
    """

    def score(episode: FinishedEpisode) -> float:
        calls, wanted = episode.trace.calls, episode.task.goal[goal]
        named: set[int] = set()
        others: set[str] = set()
        for place, call in enumerate(calls):
            if call.name != operation:
                continue
            name = str(at(call.arguments, path)).upper()
            record = next((number for number, names in enumerate(wanted) if name in names), None)
            if record is None:
                others.add(name)
            elif seen_before(calls, place, name):
                named.add(record)
        return len(named) / (len(wanted) + len(others))

    return Check(f"argument/{path}", weight, score, f"{operation} was called for each of the {goal} and for no other.")


def each_call(
    operation: str, name: str, goal: str, weight: float, right: Callable[[FinishedEpisode, int], float], sentence: str
) -> Check:
    """The mean of `right`(episode, place of the call) over the calls of `operation`, whatever their order.

    A call that is missing to the length of the goal's list counts as a wrong one.
    """

    def score(episode: FinishedEpisode) -> float:
        scores = [right(episode, place) for place, call in enumerate(episode.trace) if call.name == operation]
        return sum(scores) / max(len(scores), len(episode.task.goal[goal]))

    return Check(name, weight, score, sentence)
