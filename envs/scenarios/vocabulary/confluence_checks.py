"""Checks of Confluence lookups: the model found the space and the pages of the oracle's write, by ids it had read."""

from collections.abc import Mapping

from envs.reward.checks import Check, FinishedEpisode
from envs.reward.provenance import last_index, seen_before
from envs.scenarios.vocabulary.oracle import Form, only, oracle_value
from envs.trace import answered_before

NEW_PAGE: Mapping[str, Form] = {"pages": only("spaceId", "parentId", "title", "status", "version", "body")}
"""Normal form for a new page: its location, its content, and whether it is a draft."""
LABELLED_PAGE: Mapping[str, Form] = {
    "pages": only("spaceId", "parentId", "title", "status", "version", "body", "labels")
}


def space_found(write: str, weight: float) -> Check:
    """Check that the model looked up the oracle's space before the last `write`; half for finding it among others."""

    def score(episode: FinishedEpisode) -> float:
        calls, (key,) = episode.trace.calls, oracle_value(episode.task, "getSpaces", "keys")
        answers = [
            [space["key"] for space in call.body["results"]]
            for call in answered_before(calls, last_index(calls, write))
            if call.name == "getSpaces" and call.ok
        ]
        return max((alone(answer, key) for answer in answers), default=0.0)

    return Check("procedure/getSpaces", weight, score, f"The model looked up the space before {write}.")


def page_found(name: str, write: str, path: str, weight: float) -> Check:
    """Check that the page whose id the oracle's `write` has at a path was looked up before the last `write`.

    Half for finding it among others; a search in a space whose id had not been read is a guess and earns nothing.
    """

    def score(episode: FinishedEpisode) -> float:
        calls, wanted = episode.trace.calls, oracle_value(episode.task, write, path)
        best = 0.0
        for index, call in enumerate(answered_before(calls, last_index(calls, write))):
            if call.name == "getPages" and call.ok:
                spaces = call.arguments.get("space-id", [])
                if all(seen_before(calls, index, space) for space in spaces):
                    best = max(best, alone([page["id"] for page in call.body["results"]], wanted))
        return best

    return Check(f"procedure/getPages/{name}", weight, score, f"The model looked up the {name} page before {write}.")


def page_read(write: str, weight: float) -> Check:
    """Check that the oracle's page was read, by an id that had been read, before the last `write`."""

    def score(episode: FinishedEpisode) -> float:
        calls, wanted = episode.trace.calls, oracle_value(episode.task, write, "id")
        return float(reads_page(episode, last_index(calls, write), wanted))

    return Check("procedure/getPageById", weight, score, f"The model read the page before {write}.")


def reads_page(episode: FinishedEpisode, index: int, page: str) -> bool:
    """Return whether a page was read, by an id that had been read, before the call at an index."""
    calls = episode.trace.calls
    return any(
        call.name == "getPageById" and call.ok and call.body["id"] == page and seen_before(calls, position, page)
        for position, call in enumerate(answered_before(calls, index))
    )


def alone(answer: list[str], wanted: str) -> float:
    """1 for a response with the wanted value alone, half for it among others."""
    return 0.0 if wanted not in answer else 1.0 if len(answer) == 1 else 0.5


def plain_page(*ignored: str) -> Form:
    """Compare a page without these fields and without empty ones: a field that a page lacks counts as empty."""
    return lambda page, _: {name: value for name, value in page.items() if value and name not in ignored}


PAGES: Mapping[str, Form] = {"pages": plain_page()}
"""Normal form for changed pages: all fields that are not empty."""
