"""Pack the suffixes of a group into shared rows, so that an update computes less padding.

A row is as long as the micro-batch's longest suffix, so a short member leaves most of its own row empty. Here short
members follow one another in one row, and a mask keeps them from attending to each other: log-probs and gradients are
those of separate rows. Axes: B groups, G members, T suffix, R rows, S positions of a row.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import chex
import numpy as np


class Packed(NamedTuple):
    """The suffixes of a micro-batch in R rows per group: NumPy arrays on the host, then JAX arrays."""

    tokens_BRS: Any
    """int32."""
    sampled_BRS: Any
    """bool, as in the batch."""
    begin_BRS: Any
    """int32, the position in its row where each position's member begins; an empty position's own."""
    index_BGT: Any
    """int32, the index [0, R S) of each suffix token in its group's rows; 0 for padding."""


def arrange(lengths: Sequence[int], width: int) -> list[tuple[int, int]]:
    """Assign members to rows of `width` positions, longest first, each to the first row with space.

    Returns each member's (row, first position).
    """
    filled: list[int] = []
    starts = [(0, 0)] * len(lengths)
    for member in sorted(range(len(lengths)), key=lambda member: -lengths[member]):
        row = next((row for row, end in enumerate(filled) if end + lengths[member] <= width), len(filled))
        if row == len(filled):
            filled.append(0)
        starts[member] = row, filled[row]
        filled[row] += lengths[member]
    return starts


def pack_rows(
    tokens_BGT: np.ndarray, sampled_BGT: np.ndarray, length_BG: np.ndarray, row_buckets: Sequence[int], pad: int
) -> Packed | None:
    """Pack suffixes of `length_BG` tokens into rows of T positions; every group gets the smallest bucket that fits all.

    Returns None if no bucket below the number of members fits. A wrong shape or type raises AssertionError.
    """
    chex.assert_rank([tokens_BGT, sampled_BGT, length_BG], [3, 3, 2])
    chex.assert_equal_shape([tokens_BGT, sampled_BGT])
    chex.assert_equal_shape_prefix([tokens_BGT, length_BG], 2)
    chex.assert_type([tokens_BGT, sampled_BGT, length_BG], [int, bool, int])
    groups, members, width = tokens_BGT.shape
    starts_BG = [arrange(lengths, width) for lengths in length_BG.tolist()]
    needed = 1 + max(row for starts in starts_BG for row, _ in starts)
    rows = next((rows for rows in row_buckets if rows >= needed), members)
    if rows >= members:
        return None
    packed = empty_rows(groups, members, rows, width, pad)
    for b, starts in enumerate(starts_BG):
        for g, (row, first) in enumerate(starts):
            length = length_BG[b, g]
            positions = slice(first, first + length)
            packed.tokens_BRS[b, row, positions] = tokens_BGT[b, g, :length]
            packed.sampled_BRS[b, row, positions] = sampled_BGT[b, g, :length]
            packed.begin_BRS[b, row, positions] = first
            packed.index_BGT[b, g, :length] = row * width + np.arange(first, first + length)
    return packed


def empty_rows(groups: int, members: int, rows: int, width: int, pad: int) -> Packed:
    """Return rows that hold no member."""
    return Packed(
        tokens_BRS=np.full((groups, rows, width), pad, np.int32),
        sampled_BRS=np.zeros((groups, rows, width), bool),
        begin_BRS=np.broadcast_to(np.arange(width, dtype=np.int32), (groups, rows, width)).copy(),
        index_BGT=np.zeros((groups, members, width), np.int32),
    )
