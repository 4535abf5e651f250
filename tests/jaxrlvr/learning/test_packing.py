"""Laws of members that share rows."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jaxrlvr.learning.packing import arrange, pack_rows

LENGTHS = st.lists(st.integers(0, 16), min_size=1, max_size=12)


@given(LENGTHS)
def test_arrange__gives_every_token_its_own_position(lengths):
    positions = [
        (row, position)
        for length, (row, first) in zip(lengths, arrange(lengths, 16), strict=True)
        for position in range(first, first + length)
    ]
    assert len(set(positions)) == len(positions) == sum(lengths)
    assert all(position < 16 for _, position in positions)


@given(LENGTHS)
def test_arrange__leaves_at_most_one_row_half_empty(lengths):
    rows = [row for row, _ in arrange(lengths, 16)]
    filled = [sum(length for length, other in zip(lengths, rows, strict=True) if other == row) for row in set(rows)]
    assert sum(tokens <= 8 for tokens in filled) <= 1


def test_pack_rows__takes_the_fewest_compiled_rows_that_hold_every_group():
    length_BG = np.array([[5, 2, 3, 1], [4, 4, 4, 4]])
    tokens_BGT = np.arange(1, 1 + 2 * 4 * 5).reshape(2, 4, 5)
    sampled_BGT = np.arange(5) < length_BG[..., None]
    assert pack_rows(tokens_BGT, sampled_BGT, length_BG, (2, 3), 0) is None  # the second group needs four
    packed = pack_rows(tokens_BGT, sampled_BGT, length_BG[:1].repeat(2, 0), (2, 3), 0)
    assert packed is not None and packed.tokens_BRS.shape == (2, 3, 5)
    np.testing.assert_array_equal(packed.begin_BRS[0], [[0, 0, 0, 0, 0], [0, 0, 0, 3, 3], [0, 1, 2, 3, 4]])


def test_pack_rows__index_recovers_every_token():
    rng = np.random.default_rng(0)
    length_BG = rng.integers(0, 10, (3, 8))
    tokens_BGT = rng.integers(1, 99, (3, 8, 24)) * (np.arange(24) < length_BG[..., None])
    sampled_BGT = (rng.random(tokens_BGT.shape) < 0.5) & (tokens_BGT > 0)
    packed = pack_rows(tokens_BGT, sampled_BGT, length_BG, (4,), 0)
    assert packed is not None
    for rows, members in ((packed.tokens_BRS, tokens_BGT), (packed.sampled_BRS, sampled_BGT)):
        unpacked = np.take_along_axis(rows.reshape(3, -1), packed.index_BGT.reshape(3, -1), axis=1).reshape(3, 8, 24)
        np.testing.assert_array_equal(unpacked[tokens_BGT > 0], members[tokens_BGT > 0])
    assert (packed.tokens_BRS > 0).sum() == (tokens_BGT > 0).sum()
