"""Mutants of the oracle: which faults they have, and where."""

from collections import Counter

import pytest

import envs
from envs import scripted_policies
from envs.audit.mutants import KINDS, SPAM, UNDECLARED, mutants
from envs.audit.order import is_right
from envs.audit.play import play
from envs.scenarios.vocabulary.jira_search import SEARCH


def renamed(scenario: str, difficulty: int, seeds: int = 30) -> Counter:
    """Count the mutants that give a call of one tool to another tool on offer, by "tool other"."""
    counts: Counter = Counter()
    for seed in range(seeds):
        task = envs.sample(scenario, seed, "train", tools=1_000 if difficulty == 5 else 0)
        ends = [
            (mutant.where.split()[0], mutant.where.split()[-1])
            for mutant in mutants(task)
            if mutant.kind == "rename tool"
        ]
        counts += Counter(f"{tool} {other}" for tool, other in ends if other in task.tools)
    return counts


def test_rename__to_a_read_that_tells_as_much_is_no_fault():
    searches = renamed("jira_log_work", 5)
    assert f"{SEARCH} {SEARCH}Post" not in searches and sum(searches.values()) == 60
    people = renamed("jira_comment_mention", 5)
    assert "findUsers findUsersForPicker" not in people and sum(people.values()) == 60


def test_rename__to_a_read_that_tells_less_or_to_a_write_is_one():
    assert renamed("jira_create_subtask", 1) == {
        f"{SEARCH} getProject": 30,
        f"getProject {SEARCH}": 30,
        f"createIssue {SEARCH}": 30,
    }
    # An answer that no later call uses is not replaced by any other.
    assert sum(renamed("jira_read_issue", 5).values()) == 30


def test_mutants__are_never_the_oracle():
    for scenario in envs.SCENARIOS:
        task = envs.sample(scenario, 3, "train", 3)
        assert all(mutant.turns != tuple(scripted_policies.oracle(task)) for mutant in mutants(task))


def of_kind(scenario: str, kind: str, split: str = "train", seeds: int = 6):
    """Yield (task, mutant) of one kind."""
    for seed in range(seeds):
        task = envs.sample(scenario, seed, split)
        yield from ((task, mutant) for mutant in mutants(task) if mutant.kind == kind)


def test_kinds__each_is_made_somewhere_and_no_other():
    kinds = {mutant.kind for name in envs.SCENARIOS for mutant in mutants(envs.sample(name, 3, "train", 3))}
    assert kinds == set(KINDS)


def test_unknown_argument__is_put_into_every_object_of_every_call_and_everywhere_at_once():
    wheres = [mutant.where for task, mutant in of_kind("jira_create_issue", "unknown argument", seeds=1)]
    inner = ("", "fields.", "fields.project.", "fields.issuetype.", "fields.priority.")
    assert wheres == [f"createIssue (call 1) with {path}{UNDECLARED}" for path in inner] + [
        f"{UNDECLARED} in every call"
    ]


def test_merge_turns__only_where_a_call_needs_an_answer():
    assert list(of_kind("jira_create_issue", "merge turns")) == []
    moved = [mutant for _, mutant in of_kind("jira_transition_ticket", "merge turns", seeds=1)]
    assert [mutant.where for mutant in moved] == ["getTransitions and doTransition (call 2)", "all calls"]
    assert all(len(mutant.turns) == 2 and mutant.turns[0].count("<tool_call>") == 2 for mutant in moved)
    # The first search is needed too, though another one lies between.
    link = [mutant.where for _, mutant in of_kind("jira_link_duplicate", "merge turns", seeds=1)]
    assert link == [f"{SEARCH} and linkIssues (call 3)"] * 2 + ["all calls"]


def test_merge_turns__leaves_every_call_as_it_was():
    for scenario in envs.SCENARIOS:
        for task, mutant in of_kind(scenario, "merge turns", seeds=3):
            calls = "\n".join(mutant.turns).count("<tool_call>")
            assert calls == len(task.oracle) and len(mutant.turns) < len(task.oracle) + 1


def test_spam_reads__come_before_the_call_that_they_resemble():
    for task, mutant in of_kind("confluence_create_page", "spam reads", seeds=2):
        assert len(mutant.turns) == SPAM + len(task.oracle) + 1
        assert len(set(mutant.turns)) == len(mutant.turns)


def test_extra_argument__changes_the_site():
    linked = [mutant.where for _, mutant in of_kind("confluence_page_from_issue", "extra argument", seeds=1)]
    names = [where.split(" with ")[1].split(" = ")[0] for where in linked if where.startswith("createOrUpdate")]
    assert sorted(names) == ["globalId", "object.summary", "relationship"]
    # A read that says more is none.
    assert list(of_kind("jira_read_issue", "extra argument")) == []


@pytest.mark.parametrize("scenario", envs.SCENARIOS)
def test_mutants__cost_by_the_trace_alone_too(scenario):
    """Except an additional declared argument, whose effect only the final site shows, and free reads."""
    for seed, split in ((1, "train"), (2, "heldout")):
        task = envs.sample(scenario, seed, split, 1 + seed)
        for mutant in mutants(task):
            played = play(envs.SCENARIOS[scenario], task, mutant.turns, trace_only=True)
            free = mutant.kind == "extra argument" or is_right(task, played)
            assert played.verdict.reward < 1 or free, (mutant.kind, mutant.where)
