"""Equivalents of the oracle: how many of which kinds, and what they consist of."""

from collections import Counter
from dataclasses import replace
from functools import cache, partial

import pytest

from envs.audit.equivalence import judged
from envs.audit.equivalent_plans import situations
from envs.audit.equivalent_reads import taught_by
from envs.audit.equivalents import KINDS, Equivalent, all_equivalents, balanced, equivalents
from envs.audit.play import play
from envs.parsing.calls import ParsedCall, parse_calls
from envs.scenarios import SCENARIOS
from envs.scripted_policies import oracle
from envs.task import Task

each_scenario = pytest.mark.parametrize("name", SCENARIOS)
DRAWN = [("train", 1), ("train", 3), ("train", 5), ("heldout", 1), ("heldout", 3), ("heldout", 5)]


@cache
def drawn(name: str) -> list[tuple[Task, list[Equivalent]]]:
    """Return six tasks of a scenario with all tools on offer, each with every equivalent."""
    tasks = [SCENARIOS[name].sample(0, *each, tools=1000) for each in DRAWN]
    return [(task, list(all_equivalents(task))) for task in tasks]


def of_kind(name: str, kind: str) -> list[str]:
    """Return the differences of one kind in every equivalent of six tasks."""
    return [each.where for _, found in drawn(name) for each in found if each.kind == kind]


@each_scenario
def test_equivalents__are_many_and_of_many_kinds(name: str):
    kinds = Counter(each.kind for task, found in drawn(name) for each in balanced(task, found))
    assert kinds.total() >= 15 and len(kinds) >= 6 and kinds.keys() <= set(KINDS)
    assert max(kinds.values()) <= kinds.total() / 4


@each_scenario
def test_equivalents__consist_of_calls_of_offered_tools_and_an_end(name: str):
    for task, found in drawn(name):
        for each in found:
            calls = [call for text in each.turns for call in parse_calls(text)]
            assert all(isinstance(call, ParsedCall) and call.name in task.tools for call in calls), each.where
            assert parse_calls(each.turns[-1]) == [] and all(map(parse_calls, each.turns[:-1])), each.where


@each_scenario
def test_equivalents__are_none_twice_and_never_the_oracle(name: str):
    for task, found in drawn(name):
        turns = [each.turns for each in found]
        assert len(set(turns)) == len(turns) and tuple(oracle(task)) not in turns


def test_equivalents__are_the_same_again():
    for name in ("jira_create_subtask", "confluence_move_page", "jira_answer_without_tools"):
        task, found = drawn(name)[0]
        assert list(equivalents(SCENARIOS[name].sample(0, "train", 1, tools=1000))) == list(balanced(task, found))


def test_equivalents__call_no_held_out_operation_in_training():
    for task, found in drawn("jira_comment_mention")[:3]:
        assert task.split == "train" and not any("findUsersForPicker" in str(each.turns) for each in found)


def test_kinds__each_is_made_somewhere():
    made = {each.kind for name in SCENARIOS for _, found in drawn(name) for each in found}
    assert made == set(KINDS)


@pytest.mark.parametrize(
    ("name", "kind", "part"),
    [
        ("jira_transition_ticket", "other read", "getIssue"),
        ("jira_triage_by_jql", "other write", "assignIssue for editIssue"),
        ("jira_refuse_infeasible", "other read", "for a missing"),
        ("jira_triage_by_jql", "verbs for fields", "all labels in fields"),
        ("jira_create_issue", "grouped otherwise", "createIssues"),
        ("jira_create_issue", "id for key", "createIssue with project by id"),
        ("jira_link_duplicate", "fewer reads", "for calls 1 and 2"),
        ("jira_log_work", "equal value", "started with the offset +0530"),
        ("jira_plan_sprint", "grouped otherwise", "one issue per call"),
        ("jira_comment_mention", "equal value", "a text in two nodes"),
        ("confluence_create_page", "number for text", "spaceId as a number"),
        ("confluence_move_page", "other write", "updatePage for movePage"),
        ("confluence_label_page", "other read", "searchByCQL and no getSpaces"),
        ("confluence_label_page", "grouped otherwise", "one label per call"),
        ("confluence_update_page", "equal value", "wiki markup"),
        ("confluence_update_page", "verification", "getPageById after updatePage"),
    ],
)
def test_rule__makes_its_equivalent(name: str, kind: str, part: str):
    assert any(part in where for where in of_kind(name, kind))


def test_situations__hold_the_site_before_each_call():
    task = SCENARIOS["jira_move_three_hops"].sample(0, "train", 1)
    (issue,) = task.world.find("issues", key=task.oracle[0].arguments["issueIdOrKey"])
    statuses = [situation.world.table("issues")[issue["id"]]["status"] for situation in situations(task)]
    assert statuses[0] == statuses[1] != statuses[2] == statuses[3] != statuses[4] == statuses[5]


def test_taught__are_the_values_that_later_calls_use():
    task = SCENARIOS["confluence_move_page"].sample(0, "train", 1)
    move = task.oracle[-1].arguments
    taught = taught_by(task)
    assert taught[1] == {move["pageId"]} and taught[2] == {move["targetId"]} and set(taught) == {0, 1, 2}


def test_independent_order__no_write_changes_places_with_a_read_of_its_effect():
    swaps = [where for where in of_kind("jira_move_three_hops", "other order") if "swapped" in where]
    assert swaps == []
    assert any("swapped" in where for where in of_kind("jira_link_duplicate", "other order"))


def test_unknown_api__gets_what_follows_from_its_operations():
    task = SCENARIOS["confluence_create_page"].sample(0, "train", 1, tools=1000)
    operations = tuple(replace(operation, api="another") for operation in task.api.operations)
    unknown = replace(task, api=replace(task.api, operations=operations))
    general = {"other read", "number for text", "more reads before", "verification", "other order", "one turn"}
    kinds = {each.kind for each in equivalents(unknown)}
    assert general <= kinds and not {"other write", "grouped otherwise"} & kinds


def test_judged__gives_a_verdict_of_each():
    scenario = SCENARIOS["jira_transition_ticket"]
    task = scenario.sample(0, "train", 1, tools=1000)
    verdicts = judged(task, partial(play, scenario))
    assert [each for each, _ in verdicts] == list(equivalents(task))
    assert all(verdict.success and verdict.reward >= 0.9 for each, verdict in verdicts if each.kind != "other words")
