"""Compile every shape that a run can need before its first step, the largest first.

A run that does not fit into memory fails at once and not in its hundredth step, and no step compiles anything later.
Nothing is sampled and the training state does not change: empty turns and micro-batches have the shapes of full ones.
"""

from dataclasses import replace
from typing import Any

import jax
import numpy as np

from jaxrlvr.collection import mismatch
from jaxrlvr.config import RunConfig
from jaxrlvr.learning.batch import Batch, Shape, empty
from jaxrlvr.learning.learner import Learner, TrainState
from jaxrlvr.preflight.memory_estimate import explain_full_device, half
from jaxrlvr.sampling import prefix_sharing
from jaxrlvr.sampling.sampler import DecodeLimits, Sampler, keys


def warm_up(config: RunConfig, sampler: Sampler, learner: Learner, state: TrainState, shape: Shape) -> TrainState:
    """Run every compiled function once per bucket. Returns the state, whose buffers are donated, with the same values.

    Raises UserError with settings to lower if a device's memory fills up.
    """
    members = config.rollout.group_size
    batches = [
        empty(shape.groups, members, width_P, width_T, sampler.pad_token, rows)
        for width_P in shape.prefix_buckets[::-1]
        for width_T in shape.suffix_buckets[::-1]
        for rows in (0, *shape.row_buckets)
    ]
    tasks, slots, batch = config.tasks.per_step, config.rollout.slots, config.evaluation.batch
    groups, fewer = min(slots or tasks, tasks), half("--rollout.group-size", members)
    with explain_full_device(
        "by an update", half("--learner.micro-groups", shape.groups), "--policy.remat full", fewer
    ):
        state = jax.block_until_ready(learner.warm_up(state, batches))
    params, processes = state.params, jax.process_count()
    for width_P in shape.prefix_buckets[::-1]:
        with explain_full_device("by sampling", half("--rollout.slots", groups), fewer):
            warm_sampler(sampler, params, width_P, tasks // processes, members, slots // processes)
        with explain_full_device("by an evaluation", half("--evaluation.batch", batch)):
            warm_sampler(sampler, params, width_P, batch // processes, 1)
    if config.rollout.asynchronous:
        for empty_batch in batches:
            mismatch(learner, params, empty_batch)
        state = warm_both(sampler, learner, state, batches[0], min(slots or tasks, tasks))
    return state


def warm_both(sampler: Sampler, learner: Learner, state: TrainState, batch: Batch, groups: int) -> TrainState:
    """Run an empty update while the largest caches are allocated: an asynchronous run holds both at once."""
    prompts = [[sampler.pad_token] * sampler.prefix_buckets[-1]] * groups
    model = sampler.prepare_weights(state.params)
    prefix, begun = sampler.prefill(model, prompts, batch.suffix_BGT.shape[1])
    held = jax.block_until_ready((model, prefix, sampler.reserve(begun, sampler.suffix_buckets[-1])))
    state = learner.warm_up(state, [batch])
    del held
    return state


def warm_sampler(sampler: Sampler, params: Any, width_P: int, tasks: int, members: int, slots: int = 0) -> None:
    """Compile prefill, growth of caches, decode, append and slot assignment for one prompt bucket and batch."""
    groups = min(slots or tasks, tasks)
    model = sampler.prepare_weights(params)
    nobody_BG = np.zeros((groups, members), np.int32)
    key_BG = keys(0, 0, range(groups), members)
    prompts = [[sampler.pad_token] * width_P] * groups
    if sampler.share_prefixes:
        sampler.warm_up_sharing(model, groups, width_P, members)
    one_token = [[[sampler.pad_token]] * members] * groups
    ladder = sampler.suffix_buckets
    whole = replace(sampler, share_prefixes=False)  # these prompts are equal, a step's may differ
    for index, capacity in reversed(list(enumerate(ladder))):
        # A cache may grow into this bucket from any smaller bucket.
        for smaller in ladder[:index] or (capacity,):
            prefix, state = whole.prefill(model, prompts, members)
            state = sampler.reserve(sampler.reserve(state, smaller), capacity)
        state, _ = sampler.decode(model, prefix, state, DecodeLimits(nobody_BG), key_BG, 1.0)
        state = sampler.append(model, prefix, state, one_token)
        if groups < tasks:
            prefix, state = sampler.assign_slots(model, prefix, state, {0: prompts[0]})
            for room in prefix_sharing.remainder_capacities(width_P) if sampler.share_prefixes else ():
                # Shares its first token with the prompts in the slots.
                other = [sampler.pad_token] + [sampler.pad_token ^ 1] * room
                prefix, state = sampler.assign_slots(model, prefix, state, {0: other}, prompts)
