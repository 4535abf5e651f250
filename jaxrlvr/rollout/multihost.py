"""Rollout of several processes: each runs the simulators and samples the members of its share of a step's tasks.

A process samples on its own devices with its own copy of the parameters, without waiting for others; then all exchange
their groups, so that every process packs the same batch. A member depends on its task's number and not on the process
that samples it: the figures are those of one process with as many devices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax

from envs.task import Task
from jaxrlvr.rollout import rollout as single_process
from jaxrlvr.rollout.rollout import Actor, Rollout, RolloutConfig, RolloutKey
from jaxrlvr.rollout.trajectory import Group, Trajectory
from jaxrlvr.runtime.distributed import allgather
from jaxrlvr.runtime.errors import UserError


def rollout(
    actor: Actor,
    tasks: Sequence[Task],
    config: RolloutConfig,
    key: RolloutKey,
    should_stop: Callable[[], bool] = lambda: False,
) -> Rollout:
    """Sample this process's share of the tasks and return the groups of all processes; see `rollout.rollout`.

    Raises UserError if the tasks do not divide over the processes.
    """
    count = jax.process_count()
    if len(tasks) % count:
        raise UserError(f"{len(tasks)} tasks do not divide over {count} processes: use a multiple of {count}")
    share = len(tasks) // count
    mine = slice(jax.process_index() * share, (jax.process_index() + 1) * share)
    groups, figures = single_process.rollout(
        actor,
        tasks[mine],
        replace(config, slots=config.slots // count),
        replace(key, numbers=list(key.numbers)[mine]),
        should_stop,
    )
    if count == 1:
        return Rollout(groups, figures)
    parts = allgather([(group.prefix, [without_simulator(member) for member in group.members]) for group in groups])
    sampled = [group for part in parts for group in part]
    groups = [Group(task, prefix, members) for task, (prefix, members) in zip(tasks, sampled, strict=True)]
    return Rollout(groups, figures)


@dataclass(frozen=True)
class RecordedEpisode:
    """A finished episode as other processes receive it: its calls, and the record that `envs` scores again."""

    trace: Any
    record: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the record."""
        return self.record


def without_simulator(member: Trajectory) -> Trajectory:
    """Return a copy of the member whose episode is recorded, so that it can be sent."""
    return replace(member, episode=RecordedEpisode(member.episode.trace, member.episode.to_dict()))
