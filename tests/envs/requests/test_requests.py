"""Laws of requests that people would write: many wordings, one meaning, and clean English."""

import re

import pytest

import envs
from envs.audit.held_out import own_values
from envs.audit.template_solver import TemplateSolver, solved
from envs.requests.__main__ import counts, drafts
from envs.requests.grammar import Clause, resolved, skeleton, with_articles
from envs.requests.references import fitting
from envs.requests.registry import TALKS
from envs.scripted_policies import replay
from envs.task import Task
from envs.words import SPLITS, held_out

SCENARIOS = pytest.mark.parametrize("scenario", TALKS)
LEVELS = range(2, 6)
FEW_OR_MANY = pytest.mark.parametrize("count", [pytest.param(8), pytest.param(80, marks=pytest.mark.slow)])
"""Tasks per scenario and split; texts of requests are drawn four times as often."""
LONGER = {"jira_move_three_hops": 6}
"""The most calls of oracles that need more than five."""
KNOWN = {
    "To Do",
    "Done",
    "Bug",
    "Task",
    "Story",
    "Blocks",
    "Highest",
    "High",
    "Medium",
    "Low",
    "Lowest",
    "global",
    "Won't Do",
    "Duplicate",
    "Cannot Reproduce",
}
KNOWN |= {"mention", "text", "new", "leave", "manual"}  # words of documents and of estimates


def tasks(scenario: str, split: str, count: int) -> list[Task]:
    return [envs.sample(scenario, seed, split, LEVELS[seed % len(LEVELS)]) for seed in range(count)]


@SCENARIOS
def test_scenario__talks_by_the_registry(scenario):
    assert envs.SCENARIOS[scenario].talk is TALKS[scenario]


@SCENARIOS
@pytest.mark.parametrize(("drawn", "least"), [(60, 54), pytest.param(330, 300, marks=pytest.mark.slow)])
def test_requests__have_many_skeletons_and_wordings_of_their_own_when_held_out(scenario, drawn, least):
    train, heldout, share = counts(scenario, drawn)
    assert train >= least and heldout >= least and share >= 0.6


@SCENARIOS
@FEW_OR_MANY
@pytest.mark.parametrize("split", SPLITS)
def test_references__fit_exactly_the_record_meant(scenario, split, count):
    for task in tasks(scenario, split, count):
        assert task.references or task.claim
        for reference in task.references:
            assert fitting(task.world, reference) == [reference.record], reference
            assert reference.text.lower() in task.request.lower()


@SCENARIOS
@FEW_OR_MANY
@pytest.mark.parametrize("split", SPLITS)
def test_oracle__is_accepted_changes_the_site_or_answers_and_fits_an_episode(scenario, split, count):
    for task in tasks(scenario, split, count):
        responses, world = replay(task, task.oracle)
        refused = [not response.ok for response in responses]
        assert refused == [call.fails for call in task.oracle], (task.request, task.oracle)
        assert (world.digest() != task.world.digest() or task.claim) and len(task.oracle) <= LONGER.get(scenario, 5)
        assert {call.name for call in task.oracle} <= set(task.tools)


@SCENARIOS
@FEW_OR_MANY
def test_values__of_training_and_held_out_tasks_differ(scenario, count):
    train, heldout = (
        {value for task in tasks(scenario, split, 2 * count) for value in own_values(task)} - KNOWN
        for split in ("train", "heldout")
    )
    assert train and heldout and not train & heldout
    assert all(map(held_out, heldout)) and not any(map(held_out, train))


@SCENARIOS
@FEW_OR_MANY
def test_request__states_the_day_whenever_it_speaks_of_one(scenario, count):
    for split in ("train", "heldout"):
        for task in tasks(scenario, split, count):
            if any("created" in reference.conditions for reference in task.references):
                assert "5 january 2026" in task.request.lower()


@SCENARIOS
@FEW_OR_MANY
@pytest.mark.parametrize("split", ["train", "heldout"])
def test_request__is_clean(scenario, split, count):
    for draft in drafts(scenario, split, 4 * count):
        text = draft.request
        for slip in (
            r"[{}\ue000-\uf8ff]",
            r"\S  +\S",
            r"\.\.",
            r"[,?.][,.;]",
            r"\w \.",
            r"\[\w+\|",
            r"\b([a-z]+) \1\b",
        ):
            assert not re.search(slip, text), (slip, text)
        assert not re.search(r"\b[Aa] [aeio]\w", text.replace("a one", "")), text
        assert not re.search(r"\b[Aa]n [bcdfgjkpqtvwz]", text), text
        assert text == text.strip()


@SCENARIOS
@FEW_OR_MANY
@pytest.mark.parametrize("split", ["train", "heldout"])
def test_sentences__begin_with_a_capital_unless_the_message_is_in_lower_case(scenario, split, count):
    for draft in drafts(scenario, split, 4 * count):
        prose = "\n".join(line for line in draft.request.split("\n") if not re.match(r"\s|>|[A-Z]\w+(:|Error)", line))
        starts = re.findall(r"(?<=[a-z][.?!] )[a-zA-Z]\w*", prose)
        small = [start for start in starts if start[0].islower()]
        # In lower case a name or a status still begins with a capital.
        assert not small or not {"The", "It", "Please", "We", "Can", "I", "Also"} & {*starts}, draft.request


QUICK = ("jira_transition_ticket", "confluence_move_page", "jira_read_issue")
"""Scenarios whose requests the template solver tries in every run of the tests."""


@pytest.mark.parametrize(
    ("scenario", "level", "most"),
    [
        pytest.param(name, level, most, marks=[] if name in QUICK else [pytest.mark.slow])
        for name in TALKS
        for level, most in ((3, 0.5), (5, 0.3))
    ],
)
def test_template_solver__does_not_solve_held_out_tasks(scenario, level, most):
    solver = TemplateSolver().learn(envs.sample(scenario, seed, "train", level) for seed in range(40))
    drawn = [envs.sample(scenario, seed, "heldout", level) for seed in range(15)]
    # The solver makes calls; where the request alone suffices, it has nothing to solve.
    drawn = [task for task in drawn if task.oracle]
    assert sum(solved(task, solver.solve(task)) for task in drawn) / len(drawn) < most


def test_template_solver__solves_what_it_has_learnt():
    drawn = [envs.sample("jira_transition_ticket", seed, "train", 2) for seed in range(60)]
    solver = TemplateSolver().learn(drawn)
    assert sum(solved(task, solver.solve(task)) for task in drawn) / len(drawn) > 0.6


def test_difficulty_one__keeps_its_requests():
    """Nothing of the talk reaches the first difficulty."""
    for scenario in TALKS:
        task = envs.sample(scenario, 0, "train")
        assert '"' in task.request and not task.references and not task.wordings


def test_grammar__alternatives_articles_and_skeletons():
    import random

    assert resolved(random.Random(0), "[a|[b|c]] d") in ("a d", "b d", "c d")
    assert with_articles("a issue and an bug, a SSO user, an unit") == "an issue and a bug, an SSO user, a unit"
    assert skeleton(["please move {issue}.", "Thanks!"]) == ("move {issue}",)
    assert Clause(("x",)).held_out == ()
