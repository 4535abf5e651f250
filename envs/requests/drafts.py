"""Makes a draft of what a scenario has drawn: the site, the message, the calls and the records that it speaks of."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from envs.api.world import World
from envs.requests.grammar import Said
from envs.requests.messages import message
from envs.task import PlannedCall, Reference, TaskDraft
from envs.words import Split

MOST_CALLS = 5
"""Most calls of an oracle: with the answer, the six turns that runs allow."""


@dataclass(frozen=True)
class Described:
    """A record, as a request speaks of it."""

    said: Said
    references: tuple[Reference, ...]
    """The record's own reference comes last."""
    reads: tuple[PlannedCall, ...] = ()
    """The calls that find it."""
    dated: bool = False
    """Whether the description needs the current day."""


@dataclass(frozen=True)
class Wish:
    """Something that a request asks for."""

    sentences: tuple[Said, ...]
    parts: tuple[Described, ...]
    """The records that the sentences speak of."""
    calls: tuple[PlannedCall, ...]
    """Reads and writes that fulfil it, in order."""


def drafted(rng: random.Random, split: Split, difficulty: int, world: World, wishes: Sequence[Wish]) -> TaskDraft:
    """Return the draft of some wishes; a call that a wish before has made already is not repeated."""
    sentences = [sentence for wish in wishes for sentence in wish.sentences]
    parts = [part for wish in wishes for part in wish.parts]
    request, wordings = message(rng, split, difficulty, sentences, any(part.dated for part in parts))
    calls: dict[str, PlannedCall] = {}
    for call in (call for wish in wishes for call in wish.calls):
        calls.setdefault(json.dumps([call.name, call.arguments]), call)
    return TaskDraft(
        request,
        world,
        oracle=tuple(calls.values()),
        tools=tuple(dict.fromkeys(call.name for call in calls.values())),
        references=tuple(reference for part in parts for reference in part.references),
        wordings=wordings,
    )


def fitting_an_episode(draw: Callable[[], TaskDraft]) -> TaskDraft:
    """Draw until the oracle's calls fit into an episode."""
    while len((draft := draw()).oracle) > MOST_CALLS:
        pass
    return draft
