"""Words and keys: the train and held-out splits share none."""

import random

import pytest

from envs import words

SPLITS = ("train", "heldout", "synthetic")


def drawn(split: str, draw, count: int = 3000) -> set[str]:
    rng = random.Random(0)
    return {draw(rng, split) for _ in range(count)}


def test_english__splits_share_no_word_and_lose_none():
    train, heldout = set(words.english("train")), set(words.english("heldout"))
    assert not train & heldout
    assert len(train) > 200 and len(heldout) > 50
    assert all(word.isascii() and word.isalpha() and word.islower() for word in train | heldout)


def test_word__held_out_words_appear_in_no_other_split():
    heldout = set(words.english("heldout"))
    assert not drawn("train", words.word) & heldout
    assert not drawn("synthetic", words.word, 20_000) & heldout


def test_key__held_out_keys_appear_in_no_other_split():
    train, heldout, synthetic = (drawn(split, words.key) for split in SPLITS)
    assert not heldout & (train | synthetic)
    assert all(2 <= len(key) <= 4 and key.isalpha() and key.isupper() for key in train | heldout | synthetic)


@pytest.mark.parametrize("split", SPLITS)
def test_phrase__is_capitalised_and_needs_no_escape(split):
    for phrase in drawn(split, lambda rng, split: words.phrase(rng, split, 2, 4), 200):
        assert 2 <= len(phrase.split(" ")) <= 4 and phrase[0].isupper()
        assert not set(phrase) & set('"\n\\<>')


def test_distinct__ignores_case():
    values = iter(["Red", "red", "RED", "blue", "green"])
    assert words.distinct(random.Random(0), 3, lambda rng: next(values)) == ["Red", "blue", "green"]
