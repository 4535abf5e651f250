"""Laws of the rollout of several processes: which parts of a member are sent."""

import pickle

import envs
from envs import scripted_policies
from jaxrlvr.rollout import multihost
from jaxrlvr.rollout.trajectory import Trajectory


def test_without_simulator__keeps_what_records_and_metrics_need(make_tasks) -> None:
    """An episode comes through a pipe without its simulator, also after a call."""
    task = make_tasks(1)[0]
    episode = envs.Episode(task)
    for text in scripted_policies.oracle(task):
        episode.step(text)
    member = Trajectory(episode, [1, 2], [True, False], [-1.0, 0.0], 1, "done", verdict=episode.verdict())
    back = pickle.loads(pickle.dumps(multihost.without_simulator(member)))
    assert back.episode.to_dict() == episode.to_dict() and back.episode.trace == episode.trace
    assert back.verdict == member.verdict and back.verdict.reward == 1 and back.tokens == [1, 2]
    assert envs.rescore(back.episode.to_dict()) == member.verdict
