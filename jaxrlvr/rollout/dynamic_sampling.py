"""Dynamic sampling: replace groups without an advantage by groups of other tasks, a bounded number of times.

DAPO (arXiv 2503.14476, section 3.2) samples until every group of a step has an advantage. Where a policy always or
never succeeds that would not end, hence the bound.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from jaxrlvr.rollout.trajectory import Group


@dataclass(frozen=True)
class StepGroups:
    """A step's scored groups with their advantages."""

    played: list[Group]
    """Every group that was sampled."""
    played_advantages_BG: np.ndarray
    """Their advantages [B, G]."""
    used: list[int]
    """Indices into `played` of the groups that the update uses."""
    refills: int
    """Number of times that further groups were sampled."""

    @property
    def groups(self) -> list[Group]:
        """Groups of the update."""
        return [self.played[index] for index in self.used]

    @property
    def advantages_BG(self) -> np.ndarray:
        """Advantages [B, G] of the groups of the update."""
        return self.played_advantages_BG[self.used]


def sample_step(
    sample: Callable[[int], list[Group]],
    advantages: Callable[[Sequence[Group]], np.ndarray],
    wanted: int,
    refills: int,
) -> StepGroups:
    """Sample groups once, and up to `refills` times more until `wanted` of them have an advantage.

    `sample` takes the number of the refill, 0 for the first time. Groups beyond `wanted` are not used. If no group has
    an advantage, the first ones are used: the update changes nothing, and the step's figures stay defined.
    """
    groups: list[Group] = []
    for refill in range(refills + 1):
        groups = groups + sample(refill)
        advantage_BG = advantages(groups)
        mixed = [index for index, row_G in enumerate(advantage_BG) if row_G.any()]
        if not refills or len(mixed) >= wanted:
            break
    used = mixed[:wanted] if refills and mixed else list(range(wanted))
    return StepGroups(groups, advantage_BG, used, refill)
