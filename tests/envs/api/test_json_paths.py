"""Laws of paths into JSON data and of the similarity of two nested values."""

import pytest

from envs.api.json_paths import at, leafwise


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ({"a": {"b": [1, "x"]}, "c": "y"}, 1),
        ({"a": {"b": [1, "z"]}, "c": "y"}, 1 / 2),
        ({"a": {"b": [1, "x"]}}, 2 / 3),
        ({"a": {"b": [1, "x"]}, "c": "y", "d": "more"}, 3 / 4),
        ({"a": {"b": [True, "x"]}, "c": "y"}, 1 / 2),
        ({}, 0),
        ("y", 0),
        (None, 0),
    ],
)
def test_leafwise__is_leaves_in_common_over_all(value, score):
    assert leafwise(value, {"a": {"b": [1, "x"]}, "c": "y"}) == pytest.approx(score)


@pytest.mark.parametrize(
    ("path", "value"), [("a", {"b": [1]}), ("a.b", [1]), ("a.c", None), ("a.b.0", None), ("b", None), ("", None)]
)
def test_at__follows_keys_and_ends_in_nothing(path, value):
    assert at({"a": {"b": [1]}}, path) == value
