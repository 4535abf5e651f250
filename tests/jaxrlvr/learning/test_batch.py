"""Laws of packing: padding, sorting and cutting change nothing but shapes."""

from dataclasses import replace
from types import SimpleNamespace

import jax
import numpy as np
import pytest

from jaxrlvr.learning.batch import Shape, TrainingGroup, TrainingSuffix, by_cost, empty, pack, to_training_groups
from jaxrlvr.rollout.trajectory import Group, Trajectory

PAD = 9
SHAPE = Shape(groups=2, prefix_buckets=(4, 8), suffix_buckets=(3, 6))


def row(prefix, *lengths, advantage=1.0):
    """A group whose members have suffixes of these lengths."""
    return TrainingGroup(
        list(range(1, prefix + 1)),
        [
            TrainingSuffix(np.arange(n), np.arange(n) % 2 == 0, -np.arange(n, dtype=np.float32), advantage + member)
            for member, n in enumerate(lengths)
        ],
    )


def test_pack__keeps_every_token_of_every_member():
    given = [row(3, 2, 5), row(7, 1, 6), row(2, 3, 3)]
    packed = {}
    for batch in pack(given, SHAPE, PAD).batches:
        for b in range(2):
            prefix = tuple(batch.prefix_BP[b, : batch.prefix_length_B[b]])
            packed[prefix] = batch, b
    for group in given:
        batch, b = packed[tuple(group.prefix)]
        for g, suffix in enumerate(group.suffixes):
            n = len(suffix.tokens)
            np.testing.assert_array_equal(batch.suffix_BGT[b, g, :n], suffix.tokens)
            np.testing.assert_array_equal(batch.sampled_BGT[b, g, :n], suffix.sampled)
            np.testing.assert_array_equal(batch.behaviour_BGT[b, g, :n], suffix.logprobs)
            assert batch.advantage_BG[b, g] == suffix.advantage
            assert (batch.suffix_BGT[b, g, n:] == PAD).all() and not batch.sampled_BGT[b, g, n:].any()
        assert (batch.prefix_BP[b, len(group.prefix) :] == PAD).all()


def test_pack__puts_similar_lengths_together():
    batches = pack([row(2, 6, 1), row(2, 2, 2), row(2, 4, 5), row(2, 1, 3)], SHAPE, PAD).batches
    assert [batch.suffix_BGT.shape[-1] for batch in batches] == [6, 3]


def test_pack__puts_groups_with_advantages_first():
    flat = row(2, 6, 6)
    flat = TrainingGroup(flat.prefix, [replace(suffix, advantage=0.0) for suffix in flat.suffixes])
    batches = pack([flat, row(2, 1, 1), flat, row(2, 2, 2)], SHAPE, PAD).batches
    assert [batch.advantage_BG.any(axis=1).tolist() for batch in batches] == [[True, True], [False, False]]


def test_pack__returns_the_groups_in_the_order_of_its_batches():
    groups = [row(n, n, 7 - n, advantage=float(n % 2)) for n in range(1, 7)]
    groups = [TrainingGroup(group.prefix, group.suffixes, f"{n}") for n, group in enumerate(groups)]
    batches, ordered = pack(groups, SHAPE, PAD)
    prefixes = [batch.prefix_BP[b, : batch.prefix_length_B[b]].tolist() for batch in batches for b in range(2)]
    assert prefixes == [group.prefix for group in ordered] and {group.scenario for group in ordered} == set("012345")
    names = [group.scenario for group in ordered]
    assert [group.scenario for group in by_cost(ordered)] == names != list("012345")


def test_pack__fills_the_last_micro_batch_with_groups_that_sample_nothing():
    first, last = pack([row(3, 2, 2), row(3, 2, 2), row(3, 1, 1)], SHAPE, PAD).batches
    assert first.suffix_BGT.shape == last.suffix_BGT.shape
    assert not last.sampled_BGT[1].any() and not last.advantage_BG[1].any()
    assert last.prefix_length_B[1] == 1


def test_pack__shapes_come_from_the_buckets_alone():
    shapes = {
        tuple(array.shape for array in jax.tree.leaves(batch))
        for lengths in ((1, 2), (3, 1), (2, 2))
        for batch in pack([row(prefix, *lengths) for prefix in (1, 2, 3, 4)], SHAPE, PAD).batches
    }
    assert len(shapes) == 1


@pytest.mark.parametrize("lengths", [(9, 1, 1), (2, 7, 1)])
def test_pack__refuses_what_fits_no_bucket_and_says_which_would(lengths):
    prefix, *suffixes = lengths
    with pytest.raises(ValueError, match=f"of {max(lengths)} tokens .* add a bucket of at least {max(lengths)}"):
        pack([row(prefix, *suffixes)], SHAPE, PAD)


def test_empty__samples_nothing():
    nothing = empty(2, 3, 4, 5, PAD)
    assert not nothing.sampled_BGT.any() and not nothing.advantage_BG.any()
    assert (nothing.prefix_length_B == 1).all() and (nothing.suffix_BGT == PAD).all()


def member(stop, sampled):
    return Trajectory(None, list(range(len(sampled))), list(sampled), [-1.0] * len(sampled), stop=stop)


def test_to_training_groups__counts_no_token_of_an_invalid_member():
    members = [member("done", [True, False, True]), member("fault", [True, True])]
    group = Group(SimpleNamespace(scenario="a"), [5, 6], members)
    (only,) = to_training_groups([group], np.array([[0.5, 0.0]], np.float32))
    good, bad = only.suffixes
    assert only.prefix == [5, 6]
    assert good.sampled.tolist() == [True, False, True] and good.advantage == 0.5
    assert bad.tokens.tolist() == [0, 1] and not bad.sampled.any()
