"""Scored groups -> padded micro-batches, the input of an update.

A micro-batch holds whole groups: each group's prefix once and its members' suffixes, padded to one bucket. Groups of
similar length share a micro-batch, so that short scenarios are not padded to the length of long ones. Axes: B groups,
G members, P prefix, T suffix.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from jaxrlvr.learning.packing import Packed, empty_rows, pack_rows
from jaxrlvr.rollout.trajectory import Group
from jaxrlvr.sampling.buckets import bucket


class Batch(NamedTuple):
    """One micro-batch of grouped trajectories, padded on the right: NumPy arrays on the host, then JAX arrays."""

    prefix_BP: Any
    """int32 prompt tokens."""
    prefix_length_B: Any
    """int32, at least 1 (padding groups too)."""
    suffix_BGT: Any
    """int32 member tokens: sampled tokens and tool responses."""
    sampled_BGT: Any
    """bool, True where the model sampled the token and it counts in the loss."""
    behaviour_BGT: Any
    """float32 log-prob of each sampled token when it was sampled."""
    advantage_BG: Any
    """float32."""
    packed: Packed | None = None
    """The same suffixes packed into fewer rows, which the model then runs; None if each member has its own row."""


@dataclass(frozen=True)
class TrainingSuffix:
    """One member's suffix for the learner; every array has the suffix's length."""

    tokens: np.ndarray
    sampled: np.ndarray
    logprobs: np.ndarray
    advantage: float


@dataclass(frozen=True)
class TrainingGroup:
    """One group for the learner: its prefix and its members' suffixes."""

    prefix: Sequence[int]
    suffixes: Sequence[TrainingSuffix]
    scenario: str = ""


@dataclass(frozen=True)
class Shape:
    """The sizes that updates are compiled for."""

    groups: int
    """Groups per micro-batch."""
    prefix_buckets: Sequence[int]
    """Prompt lengths in tokens, ascending."""
    suffix_buckets: Sequence[int]
    """Suffix lengths in tokens, ascending."""
    row_buckets: Sequence[int] = ()
    """Rows per group, ascending, below the number of members; empty for one row per member."""


class MicroBatches(NamedTuple):
    """A step's groups cut into micro-batches."""

    batches: list[Batch]
    groups: list[TrainingGroup]
    """The groups in the order in which the batches hold them, without padding groups."""


def sampled_tokens(batches: Sequence[Batch]) -> int:
    """Count the sampled tokens of a step's micro-batches."""
    return sum(int(batch.sampled_BGT.sum()) for batch in batches)


def to_training_groups(groups: Sequence[Group], advantage_BG: np.ndarray) -> list[TrainingGroup]:
    """Pair groups with their advantages [B, G].

    No token of an invalid member counts as sampled, not even in the loss's denominator.
    """
    return [
        TrainingGroup(
            group.prefix,
            [
                TrainingSuffix(
                    np.array(member.tokens, np.int32),
                    np.array(member.sampled, bool) & member.valid,
                    np.array(member.logprobs, np.float32),
                    float(advantage),
                )
                for member, advantage in zip(group.members, advantage_G, strict=True)
            ],
            group.task.scenario,
        )
        for group, advantage_G in zip(groups, advantage_BG, strict=True)
    ]


def by_cost(groups: Sequence[TrainingGroup]) -> list[TrainingGroup]:
    """Sort groups for packing: those with advantages first, then by longest suffix, descending.

    Groups without advantages then fill micro-batches of their own, which may need no backward pass.
    """

    def cost(group: TrainingGroup) -> tuple[bool, int]:
        return any(suffix.advantage for suffix in group.suffixes), max(len(suffix.tokens) for suffix in group.suffixes)

    return sorted(groups, key=cost, reverse=True)


def pack(groups: Sequence[TrainingGroup], shape: Shape, pad: int) -> MicroBatches:
    """Sort groups `by_cost` and cut them into micro-batches, padded with the token `pad`.

    Empty groups fill up the last micro-batch, so that the buckets alone decide which shapes are compiled. Raises
    UserError if a prompt or suffix fits no bucket.
    """
    ordered = by_cost(groups)
    batches = [
        _pack_one(ordered[start : start + shape.groups], shape, pad) for start in range(0, len(ordered), shape.groups)
    ]
    return MicroBatches(batches, ordered)


def _pack_one(groups: Sequence[TrainingGroup], shape: Shape, pad: int) -> Batch:
    width_P = bucket(max(len(group.prefix) for group in groups), shape.prefix_buckets, "a prompt")
    width_T = bucket(max(len(s.tokens) for group in groups for s in group.suffixes), shape.suffix_buckets, "a suffix")
    batch = empty(shape.groups, len(groups[0].suffixes), width_P, width_T, pad)
    for b, group in enumerate(groups):
        batch.prefix_BP[b, : len(group.prefix)] = group.prefix
        batch.prefix_length_B[b] = len(group.prefix)
        for g, suffix in enumerate(group.suffixes):
            length = len(suffix.tokens)
            batch.suffix_BGT[b, g, :length] = suffix.tokens
            batch.sampled_BGT[b, g, :length] = suffix.sampled
            batch.behaviour_BGT[b, g, :length] = suffix.logprobs
            batch.advantage_BG[b, g] = suffix.advantage
    if not shape.row_buckets:
        return batch
    length_BG = np.zeros(batch.advantage_BG.shape, np.int64)
    length_BG[: len(groups)] = [[len(suffix.tokens) for suffix in group.suffixes] for group in groups]
    packed = pack_rows(batch.suffix_BGT, batch.sampled_BGT, length_BG, shape.row_buckets, pad)
    return batch._replace(packed=packed)


def empty(groups: int, members: int, width_P: int, width_T: int, pad: int, rows: int = 0) -> Batch:
    """Return a micro-batch in which nothing was sampled; with `rows`, each group's members share that many rows."""
    return Batch(
        prefix_BP=np.full((groups, width_P), pad, np.int32),
        prefix_length_B=np.ones(groups, np.int32),
        suffix_BGT=np.full((groups, members, width_T), pad, np.int32),
        sampled_BGT=np.zeros((groups, members, width_T), bool),
        behaviour_BGT=np.zeros((groups, members, width_T), np.float32),
        advantage_BG=np.zeros((groups, members), np.float32),
        packed=empty_rows(groups, members, rows, width_T, pad) if rows else None,
    )
