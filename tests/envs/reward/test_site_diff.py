"""Laws of the difference between two sites: free of ids, order and times; and of how far two differences agree."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.api.operation import NormalForm
from envs.api.world import World
from envs.reward.site_diff import NormalChange, agreement, changes, normalised_changes

QUICK = settings(max_examples=60, deadline=None)
NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.sampled_from(["x", "y", "z", 1, 2, True, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
RECORDS = st.dictionaries(NAMES, VALUES, max_size=3)
FULL_RECORDS = st.dictionaries(NAMES, st.sampled_from(["x", "y", "z"]), min_size=1, max_size=3)


@st.composite
def normal_changes(draw: st.DrawFn) -> NormalChange:
    """Draw a created, replaced or deleted record."""
    before, after = draw(FULL_RECORDS), draw(FULL_RECORDS)
    table, record = draw(st.sampled_from(["books", "loans"])), draw(st.sampled_from(["7", "8"]))
    kind = draw(st.sampled_from(["created", "replaced", "deleted"]))
    if kind == "replaced" and before == after:
        after = {**after, "d": "new"}
    return NormalChange(table, record, None if kind == "created" else before, None if kind == "deleted" else after)


DIFFERENCES = st.lists(normal_changes(), max_size=4).map(tuple)


def site(*records: dict, next_id: int = 10_000) -> World:
    """Return a site with these records in one table."""
    world = World(next_id=next_id)
    world.table("books").update({record["id"]: record for record in records})
    return world


def with_new(start: World, contents: list[dict], next_id: int) -> World:
    """Return a copy of a site with new records, each of which refers to the one created first by its id and a text."""
    world = start.copy()
    world.next_id = next_id
    first = ""
    for content in contents:
        new = world.new_id()
        first = first or (new if content.get("first") else "")
        refers = {"to": first, "url": f"https://site/pages/{first}#top"} if content.get("refers") else {}
        own = {key: value for key, value in content.items() if key != "refers"}
        world.table("loans")[new] = {**own, **refers, "id": new, "since": world.tick()}
    return world


def facts(difference: tuple[NormalChange, ...]) -> list:
    return sorted((change.table, sorted(change.facts().items())) for change in difference)


@QUICK
@given(st.lists(RECORDS, max_size=4), st.randoms(use_true_random=False), st.integers(10_000, 90_000))
def test_normalised_changes__do_not_depend_on_the_order_of_creation_or_on_ids(contents, rng, next_id):
    start = site({"id": "1234", "title": "old"})
    head = {"first": True}
    ours = with_new(start, [head, *contents, {"refers": True}], 10_000)
    shuffled = rng.sample(contents, len(contents))
    theirs = with_new(start, [head, {"refers": True}, *shuffled], next_id)
    assert normalised_changes(start, ours) == normalised_changes(start, theirs)


@QUICK
@given(RECORDS, RECORDS)
def test_normalised_changes__of_independent_writes_do_not_depend_on_their_order(first, second):
    start = site({"id": "1234", "v": "old"}, {"id": "5678", "v": "old"})
    worlds = []
    for order in ((0, 1), (1, 0)):
        world = start.copy()
        for number in order:
            key, content = (("1234", first), ("5678", second))[number]
            world.table("books")[key] = {**content, "id": key, "edited": world.tick()}
        worlds.append(world)
    ours, theirs = (normalised_changes(start, world) for world in worlds)
    assert ours == theirs


def test_normalised_changes__say_which_record_and_which_new_one_is_referred_to():
    start = site({"id": "1234", "title": "a"}, {"id": "5678", "title": "a"})
    made = []
    for key in ("1234", "5678"):
        world = start.copy()
        world.table("books")[key] = {"id": key, "title": "b"}
        made.append(normalised_changes(start, world))
    assert made[0] != made[1] and 0 < agreement(made[0], made[1]) < 1
    pair: list[dict] = [{"name": "p", "first": True}, {"name": "q"}, {"refers": True}]
    other: list[dict] = [{"name": "p"}, {"name": "q", "first": True}, {"refers": True}]
    ours, theirs = (normalised_changes(start, with_new(start, contents, 20_000)) for contents in (pair, other))
    assert ours != theirs


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"v": 1}, {"v": 1, "w": None}, False),
        ({"v": 1}, {"v": 1, "w": {}}, False),
        ({"v": 1, "w": [None, {}]}, {"v": 1, "w": [None, {}]}, False),
        ({"v": 1}, {"v": 1, "w": [[]]}, True),
        ({"v": 1}, {"v": 1, "w": ""}, True),
        ({"v": 1}, {"v": 1, "w": 0}, True),
        ({"v": 1}, {"v": 2}, True),
        ({"v": 1}, {}, True),
    ],
)
def test_normalised_changes__an_empty_value_is_an_absent_one(before, after, changed):
    start, end = site({"id": "1234", **before}), site({"id": "1234", **after})
    assert bool(normalised_changes(start, end)) is changed


def test_normalised_changes__a_normal_form_decides_what_counts():
    start = site({"id": "1234", "v": "Old", "seen": 1})
    end = site({"id": "1234", "v": "old", "seen": 2})
    form = {"books": lambda world, record: {"v": record["v"].lower()}}
    assert normalised_changes(start, end) and changes(start, end)
    assert normalised_changes(start, end, form) == ()
    # A record that comes or goes is a change whatever its normal form.
    empty: dict[str, NormalForm] = {"books": lambda world, record: {}}
    assert len(normalised_changes(start, site(), empty)) == len(normalised_changes(site(), start, empty)) == 1


@QUICK
@given(DIFFERENCES, DIFFERENCES)
def test_agreement__is_symmetric_and_one_only_for_the_same_facts(wanted, made):
    share = agreement(wanted, made)
    assert 0 <= share <= 1 and share == agreement(made, wanted)
    assert (share == 1) is (facts(wanted) == facts(made))


@QUICK
@given(DIFFERENCES, st.randoms(use_true_random=False))
def test_agreement__of_equal_differences_is_one_in_any_order(wanted, rng):
    assert agreement(wanted, tuple(rng.sample(wanted, len(wanted)))) == 1


@QUICK
@given(DIFFERENCES.filter(bool))
def test_agreement__with_nothing_is_zero(wanted):
    assert agreement(wanted, ()) == agreement((), wanted) == 0 and agreement((), ()) == 1


@QUICK
@given(FULL_RECORDS, FULL_RECORDS, NAMES, st.booleans())
def test_agreement__rises_with_each_right_leaf_and_falls_with_each_wrong_one(right, given_, name, created):
    before = None if created else {"old": "value"}
    wanted = (NormalChange("books", "7", before, {**right, name: "right"}),)
    without = {key: value for key, value in given_.items() if key != name}
    shares = [
        agreement(wanted, (NormalChange("books", "7", before, {**without, **added}),))
        for added in ({name: "wrong"}, {}, {name: "right"})
    ]
    assert shares[0] <= shares[1] < shares[2]


@QUICK
@given(DIFFERENCES, normal_changes())
def test_agreement__falls_with_each_unwanted_change(wanted, extra):
    other = replace(extra, table="readers")
    assert agreement(wanted, (*wanted, other)) < 1
    if wanted:
        assert agreement(wanted, wanted[1:]) < 1
