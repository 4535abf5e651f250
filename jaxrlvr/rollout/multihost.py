"""The rollout of several processes: every one plays a share of the step's tasks.

It samples from its own copy of the parameters, spread over its own devices, without waiting for anybody; then all
exchange what they got, so that every process packs the same batch. A member depends on its task's number and not on who
plays it, so the figures are those of one process with as many devices. With one process this is `rollout.rollout`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from flax import nnx
from jax.sharding import Mesh, NamedSharding

from envs.task import Task
from jaxrlvr.rollout.rollout import Group, RolloutConfig, Trajectory
from jaxrlvr.rollout.rollout import rollout as play
from jaxrlvr.runtime.distributed import allgather
from jaxrlvr.runtime.errors import UserError
from jaxrlvr.sampling.sampler import Sampler
from models.sampling_weights import sampling_weights


def local_weights(sampler: Sampler, params: Any) -> Any:
    """The parameters on the devices of this process's sampler, with what other hosts have of them."""
    if jax.process_count() == 1 or sampler.mesh is None:
        return params
    model = nnx.merge(sampler.graphdef, params)
    params = sampling_weights(model.config, params, model.compute_dtype, None)  # half of it crosses the network
    local = sampler.mesh
    # The same cut on every host, and copies over hosts: what lies on this host's devices is then a whole.
    devices = sorted(jax.devices(), key=lambda device: (device.process_index, device.id))
    hosts = np.array(devices).reshape(jax.process_count(), *local.devices.shape)
    everywhere = Mesh(hosts, ("hosts", *local.axis_names))
    leaves, structure = jax.tree.flatten(params)
    cuts = [leaf.sharding.spec for leaf in leaves]
    copied = jax.device_put(leaves, [NamedSharding(everywhere, cut) for cut in cuts])
    place = {device: number for number, device in enumerate(local.devices.flat)}
    own = []
    for leaf, cut in zip(copied, cuts, strict=True):
        shards = sorted(leaf.addressable_shards, key=lambda shard: place[shard.device])
        own.append(
            jax.make_array_from_single_device_arrays(
                leaf.shape, NamedSharding(local, cut), [shard.data for shard in shards]
            )
        )
    return jax.tree.unflatten(structure, own)


def rollout(
    sampler: Sampler,
    params: Any,
    chat: Any,
    tasks: Sequence[Task],
    config: RolloutConfig,
    *,
    seed: int,
    step: int,
    numbers: Sequence[int] | None = None,
    figures: dict[str, float] | None = None,
) -> list[Group]:
    """`rollout.rollout` over all processes: each plays its share of the tasks, and all get all groups."""
    count = jax.process_count()
    numbers = range(len(tasks)) if numbers is None else numbers
    if len(tasks) % count:
        raise UserError(f"{len(tasks)} tasks do not divide over {count} processes: use a multiple of {count}")
    share = len(tasks) // count
    own = slice(jax.process_index() * share, (jax.process_index() + 1) * share)
    groups = play(
        sampler,
        local_weights(sampler, params),
        chat,
        tasks[own],
        replace(config, slots=config.slots // count),
        seed=seed,
        step=step,
        numbers=numbers[own],
        figures=figures,
    )
    if count == 1:
        return groups
    parts = allgather([(group.prefix, [told(member) for member in group.members]) for group in groups])
    played = [one for part in parts for one in part]
    return [Group(task, *one) for task, one in zip(tasks, played, strict=True)]


@dataclass(frozen=True)
class Played:
    """What is left of an episode once it is over: what other processes are told of it."""

    trace: Any
    record: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The episode as `envs` scores it again."""
        return self.record


def told(member: Trajectory) -> Trajectory:
    """A member without its simulator."""
    return replace(member, episode=Played(member.episode.trace, member.episode.to_dict()))
