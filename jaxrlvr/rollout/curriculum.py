"""Which kinds of tasks a step draws: those that the policy sometimes solves, and the others now and then.

A group teaches only if its members differ, which is likeliest where about half of them succeed. Kinds of tasks, a
scenario at a difficulty each, whose success rate lies inside a band are drawn at full weight; outside it the weight
falls to a floor, so that what is solved is not forgotten and what is hopeless is tried again. Pure functions of seed,
step and the rates so far, which a checkpoint keeps.
"""

import random
from collections.abc import Mapping, Sequence

from jaxrlvr.rollout.trajectory import Group

FLOOR = 0.1
"""Weight of a kind that always or never succeeds; one inside the band has 1."""
MEMORY = 0.8
"""What is left of the older tries in a kind's rate after each step that tried it."""

Rates = Mapping[str, Sequence[float]]
"""Kind -> successes and tries, older ones counting less."""


def kind(scenario: str, difficulty: int) -> str:
    """The name of a scenario at a difficulty."""
    return f"{scenario}@{difficulty}"


def weight(rate: float, band: tuple[float, float]) -> float:
    """1 for a success rate inside the band, falling in a line to FLOOR at 0 and at 1."""
    low, high = band
    if rate < low:
        return FLOOR + (1 - FLOOR) * rate / low
    if rate > high:
        return FLOOR + (1 - FLOOR) * (1 - rate) / (1 - high)
    return 1.0


def weights(kinds: Sequence[str], rates: Rates, band: tuple[float, float]) -> list[float]:
    """The weight of each kind; one that was never tried has 1."""
    return [weight(rates[one][0] / rates[one][1], band) if one in rates else 1.0 for one in kinds]


def draw(kinds: Sequence[str], weights: Sequence[float], count: int, rng: random.Random) -> list[int]:
    """`count` places in `kinds`, ascending, each as often as its weight says, give or take one.

    One random offset and equal strides (systematic sampling): shares vary as little as whole numbers allow.
    """
    stride = sum(weights) / count
    mark, reached, place = rng.random() * stride, weights[0], 0
    chosen = []
    for _ in range(count):
        while mark >= reached and place < len(kinds) - 1:
            place += 1
            reached += weights[place]
        chosen.append(place)
        mark += stride
    return chosen


def updated(rates: Rates, groups: Sequence[Group]) -> dict[str, list[float]]:
    """The rates after a step's groups."""
    found = {name: list(rate) for name, rate in rates.items()}
    tried: dict[str, list[float]] = {}
    for group in groups:
        own = tried.setdefault(kind(group.task.scenario, group.task.difficulty), [0.0, 0.0])
        for member in group.members:
            if member.valid:
                own[0] += member.verdict.success
                own[1] += 1
    for name, (successes, tries) in tried.items():
        if tries:
            before = found.get(name, [0.0, 0.0])
            found[name] = [MEMORY * before[0] + successes, MEMORY * before[1] + tries]
    return found
