"""Curriculum: draw the kinds of tasks that the policy sometimes solves, and the others now and then.

A group has a gradient only if its members' rewards differ, most likely where about half of them succeed. A kind of task
is a scenario at a difficulty. Kinds whose success rate lies inside a band are drawn at full weight; outside it the
weight falls to a floor, so that solved kinds are not forgotten and unsolved ones are tried again. Pure functions of
seed, step and the success rates so far, which checkpoints store.
"""

import random
from collections.abc import Mapping, Sequence

from jaxrlvr.rollout.trajectory import Group

FLOOR = 0.1
"""Weight of a kind that always or never succeeds; kinds inside the band have weight 1."""
DECAY = 0.8
"""Decay of the earlier attempts in a kind's rate at each step that attempts it."""

Rates = Mapping[str, Sequence[float]]
"""Kind -> successes and attempts, decayed."""


def kind(scenario: str, difficulty: int) -> str:
    """Return the name of a scenario at a difficulty."""
    return f"{scenario}@{difficulty}"


def weight(rate: float, band: tuple[float, float]) -> float:
    """Return 1 for a success rate inside the band; outside it falls linearly to FLOOR at 0 and at 1."""
    low, high = band
    if rate < low:
        return FLOOR + (1 - FLOOR) * rate / low
    if rate > high:
        return FLOOR + (1 - FLOOR) * (1 - rate) / (1 - high)
    return 1.0


def weights(kinds: Sequence[str], rates: Rates, band: tuple[float, float]) -> list[float]:
    """Return the weight of each kind; kinds without attempts have weight 1."""
    return [weight(rates[name][0] / rates[name][1], band) if name in rates else 1.0 for name in kinds]


def draw(kinds: Sequence[str], weights: Sequence[float], count: int, rng: random.Random) -> list[int]:
    """Draw `count` indices into `kinds`, ascending, each in proportion to its weight, plus or minus one.

    Systematic sampling (one random offset, equal strides): counts vary as little as integers allow.
    """
    stride = sum(weights) / count
    mark, reached, index = rng.random() * stride, weights[0], 0
    chosen = []
    for _ in range(count):
        while mark >= reached and index < len(kinds) - 1:
            index += 1
            reached += weights[index]
        chosen.append(index)
        mark += stride
    return chosen


def updated(rates: Rates, groups: Sequence[Group]) -> dict[str, list[float]]:
    """Return the rates updated with a step's groups."""
    new_rates = {name: list(rate) for name, rate in rates.items()}
    attempted: dict[str, list[float]] = {}
    for group in groups:
        counts = attempted.setdefault(kind(group.task.scenario, group.task.difficulty), [0.0, 0.0])
        for member in group.members:
            if member.valid:
                counts[0] += member.verdict.success
                counts[1] += 1
    for name, (successes, attempts) in attempted.items():
        if attempts:
            before = new_rates.get(name, [0.0, 0.0])
            new_rates[name] = [DECAY * before[0] + successes, DECAY * before[1] + attempts]
    return new_rates
