"""Checks that the Confluence scenarios share: spaces and pages are looked up, by ids that are no guesses."""

from envs.api.world import Record, World
from envs.confluence.world import put_page
from envs.reward.checks import Check, FinishedEpisode
from envs.reward.provenance import last_index, seen_before
from envs.trace import answered_before


def space_found(write: str, weight: float) -> Check:
    """Whether the goal's space was looked up before the last `write`: half for finding it among others."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        answers = [
            [space["key"] for space in call.body["results"]]
            for call in answered_before(calls, last_index(calls, write))
            if call.name == "getSpaces" and call.ok
        ]
        return max((_alone(answer, episode.task.goal["key"]) for answer in answers), default=0.0)

    return Check("procedure/getSpaces", weight, score, f"The space was looked up before {write}.")


def page_found(write: str, goal: str, weight: float) -> Check:
    """Whether the goal's page was looked up before the last `write`, in no space whose id was a guess."""

    def score(episode: FinishedEpisode) -> float:
        calls = episode.trace.calls
        best = 0.0
        for place, call in enumerate(answered_before(calls, last_index(calls, write))):
            if call.name == "getPages" and call.ok:
                spaces = call.arguments.get("space-id", [])
                if all(seen_before(calls, place, space) for space in spaces):
                    best = max(best, _alone([page["id"] for page in call.body["results"]], episode.task.goal[goal]))
        return best

    return Check(f"procedure/getPages/{goal}", weight, score, f"The {goal} page was looked up before {write}.")


def page_read(write: str, goal: str, weight: float) -> Check:
    """Whether the goal's page was read by an id that was no guess, before the last `write`."""

    def score(episode: FinishedEpisode) -> float:
        calls, wanted = episode.trace.calls, episode.task.goal[goal]
        reads = [
            place
            for place, call in enumerate(answered_before(calls, last_index(calls, write)))
            if call.name == "getPageById" and call.ok and call.body["id"] == wanted
        ]
        return float(any(seen_before(calls, place, wanted) for place in reads))

    return Check("procedure/getPageById", weight, score, f"The page was read before {write}.")


def _alone(answer: list[str], wanted: str) -> float:
    return 0.0 if wanted not in answer else 1.0 if len(answer) == 1 else 0.5


def changed_fields(before: Record, after: Record) -> set[str]:
    """The fields in which two versions of a page differ, whatever each lacks counting as empty."""
    return {name for name in {**before, **after} if (before.get(name) or None) != (after.get(name) or None)}


def add_page(world: World, space: Record, title: str, parent: str | None = None) -> Record:
    """A page more in a space, right under its homepage unless `parent` says otherwise."""
    return put_page(world, world.new_id(), space, parent or space["homepageId"], title)
