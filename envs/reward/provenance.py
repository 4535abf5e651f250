"""Provenance checks: an id earns credit only if an earlier response contained it, so that guesses earn nothing."""

from collections.abc import Callable

from envs.api.json_paths import leaves
from envs.reward.checks import Check, FinishedEpisode, at, exactly
from envs.trace import Call, answered_before


def seen_before(calls: tuple[Call, ...], index: int, value: object) -> bool:
    """Return whether the response to a successful call of an earlier turn than call `index`'s contains the value."""
    return any(
        call.ok and any(str(value) == str(leaf) for _, leaf in leaves(call.body))
        for call in answered_before(calls, index)
        if call.body is not None
    )


def last_index(calls: tuple[Call, ...], name: str) -> int:
    """Return the index of the last call of an operation, or -1."""
    return max((index for index, call in enumerate(calls) if call.name == name), default=-1)


def read_argument(operation: str, path: str, goal: str, weight: float) -> Check:
    """Check that the last call of `operation` has the goal's value at `path`, and that it was seen before."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        index = last_index(calls, operation)
        if index < 0:
            return 0.0
        value = at(calls[index].arguments, path)
        return exactly(value, episode.task.goal[goal]) * seen_before(calls, index, value)

    return Check(f"argument/{path}", weight, score, f"The {path} of {operation} was read, not guessed, and is right.")


def all_named(operation: str, path: str, goal: str, weight: float) -> Check:
    """Check that the calls of `operation` together name all of the goal's records at `path`, and no others.

    The goal lists records, each as a list of its names in capitals (id, key). A name counts only if it was seen before.
    The score is the number of records named, divided by the number of the goal's records plus other names used.
    """

    def score(episode: FinishedEpisode) -> float:
        calls, records = episode.trace.calls, episode.task.goal[goal]
        named: set[int] = set()
        others: set[str] = set()
        for index, call in enumerate(calls):
            if call.name != operation:
                continue
            name = str(at(call.arguments, path)).upper()
            record = next((number for number, names in enumerate(records) if name in names), None)
            if record is None:
                others.add(name)
            elif seen_before(calls, index, name):
                named.add(record)
        return len(named) / (len(records) + len(others))

    return Check(f"argument/{path}", weight, score, f"{operation} was called for each of the {goal} and for no other.")


def each_call(
    operation: str, name: str, goal: str, weight: float, right: Callable[[FinishedEpisode, int], float], sentence: str
) -> Check:
    """Check every call of `operation`, in any order: the score is the mean of `right`(episode, index of the call).

    If there are fewer calls than items in the goal's list, each missing one counts as 0.
    """

    def score(episode: FinishedEpisode) -> float:
        scores = [right(episode, index) for index, call in enumerate(episode.trace) if call.name == operation]
        return sum(scores) / max(len(scores), len(episode.task.goal[goal]))

    return Check(name, weight, score, sentence)
