"""Short suffixes of one group -> shared rows, so that an update computes less padding.

A group's suffixes stand in rows as long as the micro-batch's longest. Members that ended early leave most of theirs
empty; here they stand behind each other, and a mask keeps them from seeing one another, so that log-probs and gradients
are those of a row each. Axes: B groups, G members, T suffix, R rows, S places of a row.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Packed(NamedTuple):
    """The suffixes of a micro-batch in R rows a group: NumPy arrays on the host, then JAX arrays."""

    tokens_BRS: Any
    """int32."""
    sampled_BRS: Any
    """bool, as in the batch."""
    begin_BRS: Any
    """int32, where in its row the member of each place begins; where nobody is, the place itself."""
    place_BGT: Any
    """int32, the place [0, R S) of each suffix token; 0 for padding."""


def arrange(lengths: Sequence[int], width: int) -> list[tuple[int, int]]:
    """(row, first place) of each member in rows of `width`: longest first, each where it fits first."""
    filled: list[int] = []
    found = [(0, 0)] * len(lengths)
    for member in sorted(range(len(lengths)), key=lambda member: -lengths[member]):
        row = next((row for row, end in enumerate(filled) if end + lengths[member] <= width), len(filled))
        if row == len(filled):
            filled.append(0)
        found[member] = row, filled[row]
        filled[row] += lengths[member]
    return found


def pack_rows(
    tokens_BGT: np.ndarray, sampled_BGT: np.ndarray, length_BG: np.ndarray, ladder: Sequence[int], pad: int
) -> Packed | None:
    """Put suffixes of `length_BG` tokens into the fewest rows of `ladder` that hold every group; None if none does.

    A row is as long as the padded suffixes.
    """
    groups, members, width = tokens_BGT.shape
    arranged = [arrange(lengths, width) for lengths in length_BG.tolist()]
    needed = 1 + max(row for members in arranged for row, _ in members)
    rows = next((rows for rows in ladder if rows >= needed), members)
    if rows >= members:
        return None
    packed = empty_rows(groups, members, rows, width, pad)
    for b, members_of in enumerate(arranged):
        for g, (row, first) in enumerate(members_of):
            length = length_BG[b, g]
            here = slice(first, first + length)
            packed.tokens_BRS[b, row, here] = tokens_BGT[b, g, :length]
            packed.sampled_BRS[b, row, here] = sampled_BGT[b, g, :length]
            packed.begin_BRS[b, row, here] = first
            packed.place_BGT[b, g, :length] = row * width + np.arange(first, first + length)
    return packed


def empty_rows(groups: int, members: int, rows: int, width: int, pad: int) -> Packed:
    """Rows in which nobody is."""
    return Packed(
        tokens_BRS=np.full((groups, rows, width), pad, np.int32),
        sampled_BRS=np.zeros((groups, rows, width), bool),
        begin_BRS=np.broadcast_to(np.arange(width, dtype=np.int32), (groups, rows, width)).copy(),
        place_BGT=np.zeros((groups, members, width), np.int32),
    )
