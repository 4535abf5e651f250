"""Dynamic sampling: groups that teach nothing are replaced by groups of other tasks, up to a bound.

DAPO (arXiv 2503.14476, section 3.2) samples until a step is full of groups with an advantage; where a policy always or
never succeeds that would never end, hence the bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxrlvr.rollout.rollout import Group


@dataclass(frozen=True)
class StepGroups:
    """A step's groups with their advantages."""

    groups: list[Group]
    """All that were played."""
    advantage_BG: np.ndarray
    """Of all of them."""
    kept: list[int]
    """The places of those that the update uses."""
    refills: int
    """How often more were drawn."""

    @property
    def used(self) -> tuple[list[Group], np.ndarray]:
        """The groups of the update, with their advantages."""
        return [self.groups[place] for place in self.kept], self.advantage_BG[self.kept]


def draw(
    play: Callable[[int], list[Group]],
    advantages: Callable[[Sequence[Group]], np.ndarray],
    wanted: int,
    refills: int,
) -> StepGroups:
    """Play once, and with `refills` above 0 up to so many times more until `wanted` groups have an advantage.

    `play` takes the number of the refill, 0 for the first draw. What goes over `wanted` is not used. Without any useful
    group the first draw is kept: it moves nothing, but the step's figures stay defined.
    """
    groups: list[Group] = []
    for refill in range(refills + 1):
        groups = groups + play(refill)
        advantage_BG = advantages(groups)
        useful = [number for number, row in enumerate(advantage_BG) if row.any()]
        if not refills or len(useful) >= wanted:
            break
    kept = useful[:wanted] if refills and useful else list(range(wanted))
    return StepGroups(groups, advantage_BG, kept, refill)
