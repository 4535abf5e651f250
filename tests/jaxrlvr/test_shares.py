"""Laws of a rollout in shares: the mesh of one process, and what the others are told of its members."""

import pickle

import jax
import pytest

import envs
import models
from envs import policies
from jaxrlvr import devices, shares
from jaxrlvr.errors import UserError
from jaxrlvr.rollout import Trajectory


@pytest.mark.parametrize(
    "sizes, count, own", [((1, 8, 1), 4, (1, 4, 1)), ((2, 2, 2), 4, (1, 2, 2)), ((8, 1, 1), 4, (4, 1, 1))]
)
def test_own_mesh__keeps_tensor_then_fsdp(sizes: tuple[int, ...], count: int, own: tuple[int, ...]) -> None:
    made = devices.own_mesh(models.make_mesh(*sizes), jax.devices()[:count])
    assert tuple(made.shape.values()) == own


def test_own_mesh__refuses_heads_that_span_hosts() -> None:
    with pytest.raises(UserError, match=r"tensor 8 \(.*\) does not divide the 4 devices"):
        devices.own_mesh(models.make_mesh(1, 1, 8), jax.devices()[:4])


def test_told__keeps_what_records_and_metrics_need(make_tasks) -> None:
    """An episode comes through a pipe without its simulator, also after a call."""
    task = make_tasks(1)[0]
    episode = envs.Episode(task)
    for text in policies.oracle(task):
        episode.step(text)
    member = Trajectory(episode, [1, 2], [True, False], [-1.0, 0.0], 1, "done", verdict=episode.verdict())
    back = pickle.loads(pickle.dumps(shares.told(member)))
    assert back.episode.to_dict() == episode.to_dict() and back.episode.trace == episode.trace
    assert back.verdict == member.verdict and back.verdict.reward == 1 and back.tokens == [1, 2]
    assert envs.rescore(back.episode.to_dict()) == member.verdict
