"""Groups -> arrays: what one update is computed from.

A micro-batch holds whole groups: their prefixes once, their members' suffixes padded to one bucket. Groups of like
length share a micro-batch, so that short scenarios do not pay for long ones. Axes: B groups, G members, P prefix, T
suffix.
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
    """int32 member tokens: sampled ones and tool answers."""
    sampled_BGT: Any
    """bool, True where the model wrote the token and it counts in the loss."""
    behaviour_BGT: Any
    """float32 log-prob each sampled token had when it was sampled."""
    advantage_BG: Any
    """float32."""
    packed: Packed | None = None
    """The same suffixes in fewer rows, which is what the model then runs; None: a row for each member."""


@dataclass(frozen=True)
class TrainingSuffix:
    """One member's tokens as the learner needs them; all arrays have the suffix's length."""

    tokens: np.ndarray
    sampled: np.ndarray
    logprobs: np.ndarray
    advantage: float


@dataclass(frozen=True)
class TrainingGroup:
    """One group: its prefix and its members' suffixes."""

    prefix: Sequence[int]
    suffixes: Sequence[TrainingSuffix]
    scenario: str = ""


@dataclass(frozen=True)
class Shape:
    """The sizes that updates are compiled for."""

    groups: int
    """Groups in a micro-batch."""
    prefix_buckets: Sequence[int]
    """Prompt lengths, ascending."""
    suffix_buckets: Sequence[int]
    """Suffix lengths, ascending."""
    row_buckets: Sequence[int] = ()
    """Rows of a group, ascending, below the number of members; empty: a row for each member."""


def to_training_groups(groups: Sequence[Group], advantage_BG: np.ndarray) -> list[TrainingGroup]:
    """Groups with their advantages. A member that may not teach counts no token, not even in the denominator."""
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
                for member, advantage in zip(group.members, of_group, strict=True)
            ],
            group.task.scenario,
        )
        for group, of_group in zip(groups, advantage_BG, strict=True)
    ]


def by_cost(rows: Sequence[TrainingGroup]) -> list[TrainingGroup]:
    """The order in which `pack` cuts rows: groups with advantages first, so that the others fill micro-batches of their
    own, which cost the learner less; longest suffixes together.
    """

    def place(row: TrainingGroup) -> tuple[bool, int]:
        return any(suffix.advantage for suffix in row.suffixes), max(len(suffix.tokens) for suffix in row.suffixes)

    return sorted(rows, key=place, reverse=True)


def pack(rows: Sequence[TrainingGroup], shape: Shape, pad: int) -> list[Batch]:
    """Cut `by_cost(rows)` into micro-batches; unused places hold the token `pad`.

    The last one is filled with empty groups, so that only the buckets decide which shapes are compiled. Raises
    UserError if a prompt or suffix fits no bucket.
    """
    ordered = by_cost(rows)
    return [
        _pack_one(ordered[start : start + shape.groups], shape, pad) for start in range(0, len(ordered), shape.groups)
    ]


def _pack_one(rows: Sequence[TrainingGroup], shape: Shape, pad: int) -> Batch:
    width_P = bucket(max(len(row.prefix) for row in rows), shape.prefix_buckets, "a prompt")
    width_T = bucket(max(len(s.tokens) for row in rows for s in row.suffixes), shape.suffix_buckets, "a suffix")
    batch = empty(shape.groups, len(rows[0].suffixes), width_P, width_T, pad)
    for b, row in enumerate(rows):
        batch.prefix_BP[b, : len(row.prefix)] = row.prefix
        batch.prefix_length_B[b] = len(row.prefix)
        for g, suffix in enumerate(row.suffixes):
            length = len(suffix.tokens)
            batch.suffix_BGT[b, g, :length] = suffix.tokens
            batch.sampled_BGT[b, g, :length] = suffix.sampled
            batch.behaviour_BGT[b, g, :length] = suffix.logprobs
            batch.advantage_BG[b, g] = suffix.advantage
    if not shape.row_buckets:
        return batch
    length_BG = np.zeros(batch.advantage_BG.shape, np.int64)
    length_BG[: len(rows)] = [[len(suffix.tokens) for suffix in row.suffixes] for row in rows]
    return batch._replace(packed=pack_rows(*batch[2:4], length_BG, shape.row_buckets, pad))


def empty(groups: int, members: int, width_P: int, width_T: int, pad: int, rows: int = 0) -> Batch:
    """A micro-batch in which nothing was sampled; with `rows`, a group's members share as many."""
    return Batch(
        prefix_BP=np.full((groups, width_P), pad, np.int32),
        prefix_length_B=np.ones(groups, np.int32),
        suffix_BGT=np.full((groups, members, width_T), pad, np.int32),
        sampled_BGT=np.zeros((groups, members, width_T), bool),
        behaviour_BGT=np.zeros((groups, members, width_T), np.float32),
        advantage_BG=np.zeros((groups, members), np.float32),
        packed=empty_rows(groups, members, rows, width_T, pad) if rows else None,
    )
