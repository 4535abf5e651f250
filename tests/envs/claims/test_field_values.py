"""Laws of answers about fields: any truthful phrasing earns all, nothing else earns anything."""

import random

import pytest

from envs.claims.facts import FieldValues

NASTY = "not no or missing status delay trial low priority none never unknown type may is but open if wrong".split()
PLAIN = ("Delay", "Trial", "Silver", "Low", "Amber", "Lemon")
PAIRED = (
    '{{"status": "{s}", "priority": "{p}"}}',
    'Its status is "{s}", its priority "{p}".',
    "its status is {s}, its priority {p}",
    "Its priority is {p} and its status is {s}.",
    "The status is {s}. The priority is {p}.",
    "The status and the priority are {s} and {p} (respectively)",
    "The priority and status of {k} are {p} and {s}.",
    "{p} priority, and it is in status {s}",
    "{p} priority and {s} status",
    "{s} (status), {p} (priority)",
    "status: {s}, priority: {p}",
    "Status: {s}\nPriority: {p}",
    "- status: {s}\n- priority: **{p}**",
    "* **Status**: {s}\n* **Priority**: {p}",
    "Status: `{s}`; Priority: `{p}`",
    "status = {s}, priority = {p}",
    "Status/priority: {s}/{p}",
    "| Status | Priority |\n|---|---|\n| {s} | {p} |",
    "| Field | Value |\n|---|---|\n| Status | {s} |\n| Priority | {p} |",
    "Status\n{s}\n\nPriority\n{p}",
    "Here are the status and the priority of {k}:\n\n- **Status:** {s}\n- **Priority:** {p}",
    "{k} has priority {p} and status {s}. Let me know if you need anything else!",
    "{k} has the status {s} and the priority {p}. Anything else?",
    "The issue {k} has a status of {s} with a priority of {p}.",
    "The bug {k} has status {s}, and the priority is {p}.",
    "I looked it up: the priority of {k} is {p}, the status {s}.",
    "I found that the status was {s} and the priority was {p}.",
    "Sure! {k}'s status is ‘{s}’ and its priority is ‘{p}’.",
    "According to Jira, {k} currently has status “{s}” and priority “{p}”.",
    "The priority of {k}, the issue you asked about, is {p}, and its status is {s}.",
    "As requested: status {s}, priority {p}. Thanks!",
    "{s} is the status and {p} is the priority.",
    "The current status of {k} is {s}, while its priority is {p}.",
)
ALONE = (
    "{s}, {p}",
    "{p}, {s}",
    "`{s}` / `{p}`",
    "{s} and {p}.",
    "It is {s} and {p}.",
    "{k} is in {s} and has priority {p}",
    "- {s}\n- {p}",
    "The answer: {s}, {p}.",
    "{k} is a {p}-priority issue in {s}.",
)
LIES = (
    "Its status is {o}, its priority {p}.",
    "Its status is {s} or {o}, its priority {p}.",
    "{s}, {o}, {p}",
    "Its status is not {s}, its priority {p}.",
    "Its status isn't {s}, and its priority is {p}.",
    "{k} is no longer {s}; its priority is {p}.",
    "It used to be {s} and {p}.",
    "It was {s} and {p}.",
    "I think it is {s} and {p}.",
    "{s} and {p}, maybe",
    "Probably {s}, {p}.",
    "I guess status {s}, priority {p}",
    "status {s}, priority {p} unless it has changed",
    "status {s}, priority {p}, if I remember well",
    "Is it {s} and {p}?",
    "Is the status {s} and the priority {p}",
    "status {s}, priority {p}, right?",
    "status {s}, priority {p}, ok?",
    "AB-2 has status {s} and priority {p}",
    "{k} and AB-2 have status {s} and priority {p}",
    "status {s}, priority {p}, type Bug",
    "status {s}, priority {p}, summary {e}",
    "status: {s}\npriority: {p}\nreporter: Ana\ncreated: today",
    "The status and the priority are both {s}.",
    "Anything but {s} and {p}.",
    "Its status is {s} and its priority is {p}. That is wrong.",
    "Its status is {s} and its priority is {p}. That is not true.",
    "Its status is {s} and its priority is anything but {p}.",
    "The status will be {s} and the priority {p} soon.",
    "It should be {s} and {p}.",
    "~~status {s}, priority {p}~~",
    "The status is {s} and the priority higher than {p}.",
    "The other issue has status {s} and priority {p}.",
    "The type is {s}, the priority {p}.",
    "The status is {p} priority and the priority is {s} status.",
    "Random guess: {s}, {p}",
    "To the best of my knowledge, {s} and {p}",
    "{s} and {p} are the defaults",
    "The status is {s}ish, the priority {o}",
    "{s}, {p}, AB-17",
    "Neither {s} nor {p}",
    "{s} and {p} until yesterday",
    "I have not looked: {s}, {p}",
    "Its status is unknown.",
    "Done.",
    "",
)


def phrase(rng: random.Random) -> str:
    """Draw a value of words that a careless judge stumbles over."""
    if rng.random() < 0.3:
        return rng.choice(PLAIN)
    return " ".join(rng.sample(NASTY, rng.randint(2, 3))).capitalize()


def question(seed: int) -> tuple[FieldValues, dict[str, str]]:
    """Draw a question about status and priority, and the values that its answers are made of."""
    rng = random.Random(seed)
    drawn: list[str] = []
    while len(drawn) < 5:
        value = phrase(rng)
        if not any(value.lower() in other.lower() or other.lower() in value.lower() for other in drawn):
            drawn.append(value)
    s, o, p, q, e = drawn
    claim = FieldValues(
        "AB-16",
        {"status": s, "priority": p},
        {"status": (s, o), "priority": (p, q)},
        {"type": "Bug", "summary": e},
    )
    return claim, {"s": s, "o": o, "p": p, "k": "AB-16", "e": e}


@pytest.mark.parametrize("template", PAIRED + ALONE)
def test_field_values__any_truthful_phrasing_earns_all(template):
    for seed in range(10):
        claim, values = question(seed)
        for change in (str, str.lower, str.upper) if {*claim.values.values()} <= {*PLAIN} else (str,):
            cased = values | {name: change(values[name]) for name in "sp"}
            assert claim.score(template.format(**cased)) == 1, template.format(**cased)


@pytest.mark.parametrize("template", PAIRED)
def test_field_values__swapped_values_earn_nothing(template):
    for seed in range(10):
        claim, values = question(seed)
        assert claim.score(template.format(**values | {"s": values["p"], "p": values["s"]})) == 0


@pytest.mark.parametrize("template", LIES)
def test_field_values__lies_hedges_questions_and_copies_earn_nothing(template):
    for seed in range(10):
        claim, values = question(seed)
        assert claim.score(template.format(**values)) == 0, template.format(**values)


@pytest.mark.parametrize("template", PAIRED + ALONE)
def test_field_values__doubt_around_a_truth_voids_it(template):
    claim, values = question(3)
    truth = template.format(**values)
    assert claim.score("It is not true that " + truth) == claim.score(truth + " I am not sure.") == 0
    assert claim.score(truth + " Is that right?") == claim.score(truth + "\nAll of this is false.") == 0


@pytest.mark.parametrize("text", ["Doing", "Its status is Doing.", "Priority: High", "{k} is High."])
def test_field_values__half_of_the_facts_earns_half(text):
    claim = FieldValues(
        "AB-16", {"status": "Doing", "priority": "High"}, {"status": ["Doing"], "priority": ["High", "Low"]}, {}
    )
    assert claim.score(text.format(k="AB-16")) == 0.5


def test_field_values__shared_values_are_told_apart_by_name_or_order():
    both = ("High", "Low")
    claim = FieldValues("AB-16", {"status": "High", "priority": "Low"}, {"status": both, "priority": both}, {})
    right = ["status High, priority Low", "High, Low", "Low priority, status High", "Low priority, High"]
    assert [claim.score(text) for text in right] == [1] * 4
    assert [claim.score(text) for text in ["Low, High", "priority High, status Low", "High", "Low"]] == [0] * 4
    same = FieldValues("AB-16", {"status": "High", "priority": "High"}, {"status": both, "priority": both}, {})
    right = ["Both are High: status High, priority High", "High, High", "The status and the priority are both High."]
    assert [same.score(text) for text in right] == [1] * 3
    assert same.score("High") == 0.5 and same.score("High, Low") == 0


def test_field_values__type_as_a_plain_noun_claims_nothing_unless_asked():
    possible = {"type": ("Bug", "Task"), "priority": ("High", "Low")}
    unasked = FieldValues("AB-16", {"priority": "High"}, possible, {"type": "Bug"})
    assert unasked.score("The bug AB-16 has priority High.") == unasked.score("This bug's priority is High.") == 1
    assert unasked.score("AB-16 is a Bug of priority High.") == 0
    asked = FieldValues("AB-16", {"type": "Bug", "priority": "High"}, possible, {})
    right = [
        "It is a bug of priority High.",
        "issue type Bug, priority High",
        "The issue's kind is Bug, its priority High",
    ]
    assert [asked.score(text) for text in right] == [1] * 3
    assert asked.score("It is a task of priority High.") == 0


@pytest.mark.parametrize("template", PAIRED + ALONE)
def test_field_values__case_does_not_matter(template):
    claim = FieldValues(
        "AB-16", {"status": "Doing", "priority": "High"}, {"status": ["Doing"], "priority": ["High"]}, {}
    )
    for change in (str.lower, str.upper):
        assert claim.score(template.format(s=change("Doing"), p=change("High"), k="AB-16")) == 1
