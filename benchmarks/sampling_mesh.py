"""Sampling on a mesh with the weights laid out for training or for sampling: `python benchmarks/sampling_mesh.py`.

Uses eight devices that XLA emulates on the host's cores, and the model and tasks of the embedded default. Each figure
times a whole rollout with its simulators, after one that compiled. Members write the same tokens in all layouts. The
cost of links between real devices is not measured, but how often they are used is.
"""

import argparse
import json
import os
from statistics import median
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8"

from stopwatch import Seconds, once

from jaxrlvr.config import RunConfig
from jaxrlvr.rollout.policy import PolicyConfig, load_policy
from jaxrlvr.rollout.rollout import Actor, RolloutKey, rollout
from jaxrlvr.rollout.tasks import training_tasks
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.runtime.devices import MeshConfig, SamplingMesh

WAYS = {"as trained": SamplingMesh(fsdp=8), "automatic": SamplingMesh(), "tensor": SamplingMesh(data=4, tensor=2)}


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--groups", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    plays = {name: Play(mesh, options.groups) for name, mesh in WAYS.items()}
    first = [play.written() for play in plays.values()]
    assert first[1:] == first[:-1], "members write the same tokens on every mesh"
    times: dict[str, list[Seconds]] = {name: [] for name in WAYS}
    for _ in range(options.repeats):
        for name, play in plays.items():
            times[name].append(once(play))
    figures: dict[str, Any] = {"options": vars(options), "tokens": sum(map(len, first[0]))}
    for name, seconds in times.items():
        figures[name] = {key: median(getattr(repeat, key) for repeat in seconds) for key in ("wall", "cpu")}
        ratio = {key: figures["as trained"][key] / figures[name][key] for key in ("wall", "cpu")}
        print(f"{name}: {figures[name]['wall']:.2f} s, {figures[name]['cpu']:.2f} CPU seconds: ", end="")
        print(f"{ratio['wall']:.2f} times as fast as sharded as in training, {ratio['cpu']:.2f} in CPU seconds")
    print(json.dumps(figures))


class Play:
    """Run rollouts of the same tasks on one sampling mesh."""

    def __init__(self, mesh: SamplingMesh, groups: int) -> None:
        self._config = RunConfig()
        self._policy = load_policy(PolicyConfig(mesh=MeshConfig(fsdp=8), sampling_mesh=mesh))
        self._sampler = self._policy.sampler(self._config.rollout)
        self._tasks = training_tasks(self._config.tasks, 0, 1)[:1] * groups

    def __call__(self) -> list[Group]:
        actor = Actor(self._sampler, self._policy.params, self._policy.chat)
        return rollout(actor, self._tasks, self._config.rollout, RolloutKey(0, 1, range(len(self._tasks)))).groups

    def written(self) -> list[list[int]]:
        """Return every member's tokens."""
        return [member.tokens for group in self() for member in group.members]


if __name__ == "__main__":
    main()
