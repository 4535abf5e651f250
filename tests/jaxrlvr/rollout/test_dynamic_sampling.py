"""Laws of dynamic sampling: useful groups are kept in order, and it ends."""

import numpy as np
import pytest

from jaxrlvr.rollout import dynamic_sampling


def run(draws, wanted=2, refills=3):
    """Groups are named; those with a capital letter have an advantage."""
    calls = []

    def play(again):
        calls.append(again)
        return list(draws[again])

    def advantages(groups):
        return np.array([[1.0, -1.0] if name.isupper() else [0.0, 0.0] for name in groups], np.float32)

    step_groups = dynamic_sampling.sample_step(play, advantages, wanted, refills)
    assert calls == list(range(step_groups.refills + 1))
    return step_groups


@pytest.mark.parametrize(
    ("draws", "used", "refills"),
    [
        (["AB"], "AB", 0),
        (["aB", "cd", "Ef"], "BE", 2),
        (["ab", "CD"], "CD", 1),
        (["aB", "CD"], "BC", 1),
        (["ab", "cD", "ef", "gh"], "D", 3),
        (["ab", "cd", "ef", "gh"], "ab", 3),
    ],
)
def test_sample_step__replaces_what_teaches_nothing_up_to_the_bound(draws, used, refills):
    step_groups = run(draws)
    assert "".join(step_groups.groups) == used and step_groups.refills == refills
    assert step_groups.played == list("".join(draws))
    assert step_groups.advantages_BG.any(axis=1).tolist() == [name.isupper() for name in used]


def test_sample_step__without_refills_uses_every_group():
    step_groups = run(["aB"], refills=0)
    assert step_groups.groups == ["a", "B"] and step_groups.refills == 0
