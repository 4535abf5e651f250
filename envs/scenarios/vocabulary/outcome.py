"""The outcome of an episode: success is the site that the oracle leaves."""

from collections.abc import Callable, Mapping

from envs.api.operation import Json
from envs.api.world import Record
from envs.reward.checks import Check, FinishedEpisode
from envs.reward.site_diff import normalised_changes
from envs.scenarios.vocabulary.oracle import once_per_task, oracle_site
from envs.task import Task
from envs.trace import Trace

Form = Callable[[Record, FinishedEpisode], Record]
"""Normal form of a changed record: (record, the episode that changed it) -> what counts of the record."""


def same_site_as_oracle(weight: float, sentence: str, canonical: Mapping[str, Form] | None = None) -> Check:
    """Check that the episode leaves the oracle's site: alone decides success.

    New ids and times never count (`envs.reward.site_diff.normalised_changes`). `canonical` gives normal forms of
    changed records by table; records of other tables count whole.
    """
    same = same_site(canonical)
    return Check("outcome", weight, lambda episode: float(same(episode)), sentence, outcome=True)


def same_site(canonical: Mapping[str, Form] | None = None) -> Callable[[FinishedEpisode], bool]:
    """Return the predicate of `same_site_as_oracle`, for outcomes in which an answer in words counts too."""

    def changed(episode: FinishedEpisode) -> Json:
        def normal_form(table: str, record: Record) -> Record:
            form = (canonical or {}).get(table)
            return form(record, episode) if form else record

        return normalised_changes(episode.task.world, episode.final, normal_form)

    @once_per_task
    def wanted(task: Task) -> Json:
        return changed(FinishedEpisode(task, Trace(), oracle_site(task)))

    return lambda episode: changed(episode) == wanted(episode.task)


def only(*fields: str) -> Form:
    """Compare these fields of a record and no others."""
    return lambda record, _: {name: record.get(name) for name in fields}


def ignoring(*fields: str) -> Form:
    """Compare a record without these fields."""
    return lambda record, _: {name: value for name, value in record.items() if name not in fields}
